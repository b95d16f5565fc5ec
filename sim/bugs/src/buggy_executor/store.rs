//! The storage of the buggy executor: every cell with its versions.

use std::collections::BTreeMap;

use lockstep_core::model::{
    Amount, Asset, Cell, Genesis, Height, Multisig, Nonce, PublicKey, Supply, Value, Version,
};

use super::ExecutorBug;
use lockstep_sim::subject::SubjectError;

/// Number of blocks of which two of the bugs keep what all others keep of every block.
const KEPT_BLOCKS: u64 = 64;

/// Cells and all their versions, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Store {
    pub(super) cells: BTreeMap<Cell, Vec<Version>>,
    /// Payments of miners that transactions do not see; filled only by [`ExecutorBug::RewardInvisible`].
    invisible: Vec<(Height, PublicKey, u64)>,
    pub(super) bug: Option<ExecutorBug>,
}

impl Store {
    /// Creates the store at height 0, and returns its state diff as well.
    pub(super) fn of_genesis(
        genesis: &Genesis,
        bug: Option<ExecutorBug>,
    ) -> Result<(Store, Vec<(Cell, Value)>), SubjectError> {
        let mut supplies: BTreeMap<Asset, u64> = BTreeMap::new();
        let mut values = BTreeMap::new();
        for (&(account, asset), &amount) in &genesis.balances {
            if amount.is_zero() {
                continue;
            }
            let supply = supplies.entry(asset).or_insert(0);
            *supply = supply
                .checked_add(amount.0)
                .ok_or_else(|| damaged("the genesis allocates more than there can be"))?;
            values.insert(Cell::Balance(account, asset), Value::Balance(amount));
            values.insert(Cell::Nonce(account), Value::Nonce(Nonce(0)));
        }
        if supplies.get(&Asset::NATIVE) > Some(&genesis.rules.native_limit.0) {
            return Err(damaged("the genesis allocates more than the limit"));
        }
        for (asset, supply) in supplies {
            let supply = Supply {
                genesis: Amount(supply),
                ..Supply::default()
            };
            values.insert(Cell::Supply(asset), Value::Supply(supply));
        }
        let mut store = Store {
            cells: BTreeMap::new(),
            invisible: Vec::new(),
            bug,
        };
        let mut changes = Vec::new();
        for (cell, value) in values {
            store.write(Height::GENESIS, cell, value, &mut changes);
        }
        Ok((store, changes))
    }

    fn newest(&self, cell: Cell) -> Option<&Value> {
        self.cells.get(&cell)?.last().map(|version| &version.value)
    }

    pub(super) fn nonce(&self, account: PublicKey) -> Option<Nonce> {
        match self.newest(Cell::Nonce(account)) {
            Some(Value::Nonce(nonce)) => Some(*nonce),
            _ => None,
        }
    }

    pub(super) fn multisig(&self, account: PublicKey) -> Option<Multisig> {
        match self.newest(Cell::Multisig(account)) {
            Some(Value::Multisig(multisig)) => multisig.clone(),
            _ => None,
        }
    }

    /// Returns a balance as transactions see it.
    pub(super) fn balance(&self, account: PublicKey, asset: Asset) -> u64 {
        match self.newest(Cell::Balance(account, asset)) {
            Some(Value::Balance(amount)) => amount.0.saturating_sub(self.invisible(account, asset)),
            _ => 0,
        }
    }

    pub(super) fn supply(&self, asset: Asset) -> Supply {
        match self.newest(Cell::Supply(asset)) {
            Some(Value::Supply(supply)) => *supply,
            _ => Supply::default(),
        }
    }

    pub(super) fn invisible(&self, account: PublicKey, asset: Asset) -> u64 {
        let of_account = |&&(_, miner, _): &&(Height, PublicKey, u64)| {
            miner == account && asset == Asset::NATIVE
        };
        let hidden = self.invisible.iter().filter(of_account);
        hidden.map(|(_, _, amount)| amount).sum()
    }

    /// Hides a payment of a miner from later transactions.
    pub(super) fn hide(&mut self, height: Height, miner: PublicKey, amount: u64) {
        self.invisible.push((height, miner, amount));
    }

    /// Adds a version if the value differs from the newest one.
    pub(super) fn write(
        &mut self,
        height: Height,
        cell: Cell,
        value: Value,
        changes: &mut Vec<(Cell, Value)>,
    ) {
        let same = match self.newest(cell) {
            Some(newest) => *newest == value,
            None => match &value {
                Value::Nonce(_) => false,
                Value::Multisig(multisig) => multisig.is_none(),
                Value::Balance(amount) => amount.is_zero(),
                Value::Supply(supply) => *supply == Supply::default(),
            },
        };
        if same {
            return;
        }
        let versions = self.cells.entry(cell).or_default();
        let previous = versions.last().map(|version| match self.bug {
            Some(ExecutorBug::SelfLinkedVersion) => height,
            _ => version.height,
        });
        versions.push(Version {
            height,
            previous,
            value: value.clone(),
        });
        if self.bug == Some(ExecutorBug::HistoryIsPruned) {
            let oldest = height.0.saturating_sub(KEPT_BLOCKS);
            let newest = versions.len() - 1;
            let mut index = 0;
            versions.retain(|version| {
                index += 1;
                version.height.0 >= oldest || index > newest
            });
        }
        changes.push((cell, value));
    }

    /// Removes the newest version of a cell.
    pub(super) fn lose_newest(&mut self, cell: Cell) {
        if let Some(versions) = self.cells.get_mut(&cell) {
            versions.pop();
            if versions.is_empty() {
                self.cells.remove(&cell);
            }
        }
    }

    /// Deletes the versions of the block of this height, which must be the newest.
    pub(super) fn undo(&mut self, height: Height) {
        if self.bug == Some(ExecutorBug::UndoAskedOnce) && height.0 > KEPT_BLOCKS {
            return;
        }
        let deleted = match self.bug {
            Some(ExecutorBug::ReorgNotUndone) => Height(height.0.saturating_sub(1)),
            _ => height,
        };
        self.cells.retain(|_, versions| {
            versions.retain(|version| version.height != deleted);
            !versions.is_empty()
        });
        self.invisible.retain(|(hidden, _, _)| *hidden < height);
    }
}

pub(super) fn damaged(reason: &str) -> SubjectError {
    SubjectError::Damaged(reason.to_owned())
}

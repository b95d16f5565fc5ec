//! The state while a block is executed: what the storage holds, under what the block changed.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use crate::model::{
    Amount, Asset, Cell, Change, Height, Multisig, Nonce, PublicKey, Supply, Value, Version,
};
use crate::storage::{Storage, StorageError, schema};
use crate::transition::StateView;

/// The version before, if there is one, and the version after of cells that differ.
pub(crate) type CellChanges = BTreeMap<Cell, (Option<Version>, Version)>;

/// What a block made of a cell with this value after it; `None` where that is no change.
pub(crate) fn change(
    height: Height,
    before: Option<Version>,
    now: Value,
) -> Option<(Option<Version>, Version)> {
    let same = match &before {
        Some(before) => before.value == now,
        None => is_like_absent(&now),
    };
    let after = Version {
        height,
        previous: before.as_ref().map(|before| before.height),
        value: now,
    };
    (!same).then_some((before, after))
}

/// The cells that a block read or wrote, loaded when they are first needed.
///
/// Written to by one thread, in block order. The storage does not change meanwhile.
pub(crate) struct BlockState<'s, S: ?Sized, H> {
    storage: &'s S,
    /// Looked up, never walked in the order of its hashes.
    slots: HashMap<Cell, Slot, H>,
}

struct Slot {
    /// In the storage.
    before: Option<Version>,
    /// After the transactions so far.
    now: Option<Value>,
}

impl<'s, S: Storage + ?Sized, H: BuildHasher> BlockState<'s, S, H> {
    pub(crate) fn new(storage: &'s S, hasher: H) -> Self {
        BlockState {
            storage,
            slots: HashMap::with_hasher(hasher),
        }
    }

    /// Loads these cells in one sorted pass. Those that are there already stay as they are.
    pub(crate) fn prefetch(&mut self, mut cells: Vec<Cell>) -> Result<(), StorageError> {
        cells.retain(|cell| !self.slots.contains_key(cell));
        cells.sort_unstable();
        cells.dedup();
        let versions = schema::newest_of_many(self.storage, &cells)?;
        self.slots.reserve(cells.len());
        for (cell, before) in cells.into_iter().zip(versions) {
            let now = before.as_ref().map(|version| version.value.clone());
            self.slots.insert(cell, Slot { before, now });
        }
        Ok(())
    }

    /// Writes what an applied transaction changed.
    pub(crate) fn apply(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        for change in changes {
            match change {
                Change::Nonce { account, to } => {
                    self.set(Cell::Nonce(*account), Value::Nonce(*to))?;
                }
                Change::Multisig { account, to } => {
                    self.set(Cell::Multisig(*account), Value::Multisig(to.clone()))?;
                }
                Change::Debit {
                    account,
                    asset,
                    amount,
                } => {
                    let cell = Cell::Balance(*account, *asset);
                    let left = self
                        .balance(*account, *asset)?
                        .checked_sub(*amount)
                        .ok_or_else(|| schema::damaged(cell, "it is debited more than it has"))?;
                    self.set(cell, Value::Balance(left))?;
                }
                Change::Credit {
                    account,
                    asset,
                    amount,
                } => self.credit(*account, *asset, *amount)?,
                Change::Burn { asset, amount } => {
                    let mut supply = self.supply(*asset)?;
                    supply.burned = add(Cell::Supply(*asset), supply.burned, *amount)?;
                    self.set(Cell::Supply(*asset), Value::Supply(supply))?;
                }
            }
        }
        Ok(())
    }

    /// Adds to a balance, and registers the account if need be. Nothing changes nothing.
    pub(crate) fn credit(
        &mut self,
        account: PublicKey,
        asset: Asset,
        amount: Amount,
    ) -> Result<(), StorageError> {
        if amount.is_zero() {
            return Ok(());
        }
        let cell = Cell::Balance(account, asset);
        let sum = add(cell, self.balance(account, asset)?, amount)?;
        self.set(cell, Value::Balance(sum))?;
        if self.nonce(account)?.is_none() {
            self.set(Cell::Nonce(account), Value::Nonce(Nonce(0)))?;
        }
        Ok(())
    }

    pub(crate) fn supply(&mut self, asset: Asset) -> Result<Supply, StorageError> {
        let cell = Cell::Supply(asset);
        match self.slot(cell)?.now {
            Some(Value::Supply(supply)) => Ok(supply),
            None => Ok(Supply::default()),
            Some(_) => Err(schema::damaged(cell, "it is no supply")),
        }
    }

    pub(crate) fn set_supply(&mut self, asset: Asset, supply: Supply) -> Result<(), StorageError> {
        self.set(Cell::Supply(asset), Value::Supply(supply))
    }

    /// Every cell that differs.
    pub(crate) fn into_changes(self, height: Height) -> CellChanges {
        self.slots
            .into_iter()
            .filter_map(|(cell, Slot { before, now })| {
                change(height, before, now?).map(|change| (cell, change))
            })
            .collect()
    }

    fn slot(&mut self, cell: Cell) -> Result<&mut Slot, StorageError> {
        use std::collections::hash_map::Entry;
        match self.slots.entry(cell) {
            Entry::Occupied(slot) => Ok(slot.into_mut()),
            Entry::Vacant(vacant) => {
                let before = schema::newest(self.storage, cell)?;
                let now = before.as_ref().map(|version| version.value.clone());
                Ok(vacant.insert(Slot { before, now }))
            }
        }
    }

    fn set(&mut self, cell: Cell, value: Value) -> Result<(), StorageError> {
        self.slot(cell)?.now = Some(value);
        Ok(())
    }
}

impl<S: Storage + ?Sized, H: BuildHasher> StateView for BlockState<'_, S, H> {
    type Error = StorageError;

    fn nonce(&mut self, account: PublicKey) -> Result<Option<Nonce>, StorageError> {
        let cell = Cell::Nonce(account);
        match self.slot(cell)?.now {
            Some(Value::Nonce(nonce)) => Ok(Some(nonce)),
            None => Ok(None),
            Some(_) => Err(schema::damaged(cell, "it is no nonce")),
        }
    }

    fn multisig(&mut self, account: PublicKey) -> Result<Option<Multisig>, StorageError> {
        let cell = Cell::Multisig(account);
        match &self.slot(cell)?.now {
            Some(Value::Multisig(multisig)) => Ok(multisig.clone()),
            None => Ok(None),
            Some(_) => Err(schema::damaged(cell, "it is no multisig")),
        }
    }

    fn balance(&mut self, account: PublicKey, asset: Asset) -> Result<Amount, StorageError> {
        let cell = Cell::Balance(account, asset);
        match self.slot(cell)?.now {
            Some(Value::Balance(amount)) => Ok(amount),
            None => Ok(Amount::ZERO),
            Some(_) => Err(schema::damaged(cell, "it is no balance")),
        }
    }
}

/// Whether a cell that never was counts as having this value.
fn is_like_absent(value: &Value) -> bool {
    match value {
        Value::Nonce(_) => false,
        Value::Multisig(multisig) => multisig.is_none(),
        Value::Balance(amount) => amount.is_zero(),
        Value::Supply(supply) => *supply == Supply::default(),
    }
}

/// A sum that fits in a ledger whose supplies are conserved.
pub(crate) fn add(cell: Cell, amount: Amount, more: Amount) -> Result<Amount, StorageError> {
    amount
        .checked_add(more)
        .ok_or_else(|| schema::damaged(cell, "there would be more of it than there can be"))
}

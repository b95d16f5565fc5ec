//! The state while a block is executed: the cells of the storage, under the writes of the block.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use crate::model::{
    Amount, Asset, Cell, Effect, Height, Multisig, Nonce, PublicKey, Supply, Value, Version,
};
use crate::prefix::{first_bytes, sort_by_prefix};
use crate::side_by_side::SideBySide;
use crate::storage::{StorageError, schema};
use crate::transition::StateView;

/// The write set of a block: the version before, if there is one, and the version after of every cell
/// that differs, in the order of cells.
pub(crate) type WriteSet = Vec<schema::CellWrite>;

/// Cells and their newest versions, as the storage has them.
pub(crate) type Loaded = Vec<(Cell, Option<Version>)>;

/// The write of a block to a cell that has the value `now` after it; `None` if the cell does not differ.
pub(crate) fn cell_write(
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

/// The cells that a piece of a block loads or has loaded: a cell of one piece is often one of all
/// of them.
pub(crate) struct ClaimedCells<H>(HashSet<Cell, H>);

impl<H: BuildHasher> ClaimedCells<H> {
    /// Creates a set of no cells. `cells` is about the number that there will be.
    pub(crate) fn none(cells: usize, hasher: H) -> Self {
        ClaimedCells(HashSet::with_capacity_and_hasher(cells, hasher))
    }

    /// Claims the cells that are not claimed yet, and removes the others from `cells`.
    pub(crate) fn claim(&mut self, cells: &mut Vec<Cell>) {
        cells.retain(|cell| self.0.insert(*cell));
    }
}

/// The cells that a block read or wrote, loaded when they are first needed.
///
/// Written to by one thread, in block order. The storage does not change meanwhile.
pub(crate) struct BlockState<L, H> {
    /// Reads the newest version of a cell from the storage.
    load: L,
    /// The index of each cell's slot. Looked up, never walked in the order of its hashes.
    places: HashMap<Cell, usize, H>,
    slots: Vec<Slot>,
}

struct Slot {
    cell: Cell,
    /// The version in the storage.
    before: Option<Version>,
    /// The value after the transactions so far.
    now: Option<Value>,
}

impl<L, H> BlockState<L, H>
where
    L: Fn(Cell) -> Result<Option<Version>, StorageError>,
    H: BuildHasher,
{
    /// Creates a state of which nothing is loaded. `cells` is about the number that there will be.
    pub(crate) fn new(load: L, cells: usize, hasher: H) -> Self {
        BlockState {
            load,
            places: HashMap::with_capacity_and_hasher(cells, hasher),
            slots: Vec::with_capacity(cells),
        }
    }

    /// Adds cells that were loaded. Those that are there already stay as they are.
    pub(crate) fn learn(&mut self, loaded: Loaded) {
        for (cell, before) in loaded {
            if let Entry::Vacant(vacant) = self.places.entry(cell) {
                vacant.insert(self.slots.len());
                self.slots.push(Slot::loaded(cell, before));
            }
        }
    }

    /// Writes the effects of an applied transaction.
    pub(crate) fn apply(&mut self, effects: &[Effect]) -> Result<(), StorageError> {
        for effect in effects {
            match effect {
                Effect::Nonce { account, to } => {
                    self.set(Cell::Nonce(*account), Value::Nonce(*to))?;
                }
                Effect::Multisig { account, to } => {
                    self.set(Cell::Multisig(*account), Value::Multisig(to.clone()))?;
                }
                Effect::Debit {
                    account,
                    asset,
                    amount,
                } => {
                    let cell = Cell::Balance(*account, *asset);
                    self.change_balance(cell, |balance| {
                        balance
                            .checked_sub(*amount)
                            .ok_or_else(|| schema::damaged(cell, "it is debited more than it has"))
                    })?;
                }
                Effect::Credit {
                    account,
                    asset,
                    amount,
                } => self.credit(*account, *asset, *amount)?,
                Effect::Burn { asset, amount } => {
                    let mut supply = self.supply(*asset)?;
                    supply.burned = add(Cell::Supply(*asset), supply.burned, *amount)?;
                    self.set(Cell::Supply(*asset), Value::Supply(supply))?;
                }
            }
        }
        Ok(())
    }

    /// Adds to a balance, and registers the account if need be. An amount of zero changes nothing.
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
        self.change_balance(cell, |balance| add(cell, balance, amount))?;
        let nonce = &mut self.slot(Cell::Nonce(account))?.now;
        nonce.get_or_insert(Value::Nonce(Nonce(0)));
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

    /// Returns every cell that differs from the storage, in the order of cells.
    pub(crate) fn into_write_set(self, height: Height, parallelism: impl SideBySide) -> WriteSet {
        let mut writes = WriteSet::with_capacity(self.slots.len());
        writes.extend(
            self.slots
                .into_iter()
                .filter_map(|Slot { cell, before, now }| {
                    Some((cell, cell_write(height, before, now?)?))
                }),
        );
        in_cell_order(&mut writes, parallelism);
        writes
    }

    fn slot(&mut self, cell: Cell) -> Result<&mut Slot, StorageError> {
        let place = match self.places.entry(cell) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(vacant) => {
                let before = (self.load)(cell)?;
                self.slots.push(Slot::loaded(cell, before));
                *vacant.insert(self.slots.len() - 1)
            }
        };
        Ok(&mut self.slots[place])
    }

    fn change_balance(
        &mut self,
        cell: Cell,
        to: impl FnOnce(Amount) -> Result<Amount, StorageError>,
    ) -> Result<(), StorageError> {
        let slot = self.slot(cell)?;
        slot.now = Some(Value::Balance(to(slot.balance()?)?));
        Ok(())
    }

    fn set(&mut self, cell: Cell, value: Value) -> Result<(), StorageError> {
        self.slot(cell)?.now = Some(value);
        Ok(())
    }
}

impl<L, H> StateView for BlockState<L, H>
where
    L: Fn(Cell) -> Result<Option<Version>, StorageError>,
    H: BuildHasher,
{
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
        self.slot(Cell::Balance(account, asset))?.balance()
    }
}

impl Slot {
    fn loaded(cell: Cell, before: Option<Version>) -> Self {
        let now = before.as_ref().map(|version| version.value.clone());
        Slot { cell, before, now }
    }

    fn balance(&self) -> Result<Amount, StorageError> {
        match self.now {
            Some(Value::Balance(amount)) => Ok(amount),
            None => Ok(Amount::ZERO),
            Some(_) => Err(schema::damaged(self.cell, "it is no balance")),
        }
    }
}

/// Sorts pairs by their cells.
pub(crate) fn in_cell_order<T: Send>(items: &mut [(Cell, T)], parallelism: impl SideBySide) {
    sort_in(parallelism.at_once(), items, parallelism);
}

/// The fewest pairs that are sorted in parts: fewer are sorted sooner than other threads are woken.
pub(crate) const FEW: usize = 4_096;

/// Sorts pairs by their cells in `parts` parts, each of them on one thread.
fn sort_in<T: Send>(parts: usize, items: &mut [(Cell, T)], parallelism: impl SideBySide) {
    if parts < 2 || items.len() < FEW {
        sort_by_prefix(
            items,
            |(cell, _)| prefix(cell),
            |(one, _), (other, _)| one.cmp(other),
        );
        return;
    }
    let half = items.len() / 2;
    items.select_nth_unstable_by(half, |(one, _), (other, _)| {
        prefix(one).cmp(&prefix(other)).then_with(|| one.cmp(other))
    });
    let (lower, upper) = items.split_at_mut(half);
    parallelism.join(
        || sort_in(parts / 2, lower, parallelism),
        || sort_in(parts - parts / 2, upper, parallelism),
    );
}

/// Returns the prefix of a cell in the order of cells: the kind, then as many bits of the key as fit.
fn prefix(cell: &Cell) -> u64 {
    let (kind, key) = match cell {
        Cell::Nonce(account) => (0, &account.0),
        Cell::Multisig(account) => (1, &account.0),
        Cell::Balance(account, _) => (2, &account.0),
        Cell::Supply(asset) => (3, &asset.0),
    };
    kind << 62 | first_bytes(key) >> 2
}

/// Returns whether a cell that was never written counts as having this value.
fn is_like_absent(value: &Value) -> bool {
    match value {
        Value::Nonce(_) => false,
        Value::Multisig(multisig) => multisig.is_none(),
        Value::Balance(amount) => amount.is_zero(),
        Value::Supply(supply) => *supply == Supply::default(),
    }
}

/// Returns a sum, which fits in a ledger whose supplies are conserved.
///
/// # Errors
///
/// [`StorageError::Corrupt`] if it does not fit.
pub(crate) fn add(cell: Cell, amount: Amount, more: Amount) -> Result<Amount, StorageError> {
    amount
        .checked_add(more)
        .ok_or_else(|| schema::damaged(cell, "there would be more of it than there can be"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::parallelism::Parallelism;

    /// Some of each kind, with keys that differ in their first bits, in the last of the first eight
    /// bytes, which a prefix has no room for, and behind those.
    #[test]
    fn cells_are_sorted_by_all_of_their_keys() {
        let with = |at: usize, byte| {
            let mut key = [1; 32];
            key[at] = byte;
            key
        };
        let keys = [
            with(0, 0x7f),
            with(0, 0x80),
            with(7, 2),
            with(7, 3),
            with(31, 2),
            [1; 32],
        ];
        let mut cells = Vec::new();
        for key in keys {
            let account = PublicKey(key);
            cells.extend([
                (Cell::Supply(Asset(key)), ()),
                (Cell::Multisig(account), ()),
                (Cell::Nonce(account), ()),
            ]);
            cells.extend(keys.map(|asset| (Cell::Balance(account, Asset(asset)), ())));
        }
        let mut sorted = cells.clone();
        in_cell_order(&mut sorted, Parallelism::SERIAL);
        cells.sort();
        assert_eq!(sorted, cells);
    }
}

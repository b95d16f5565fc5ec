//! The schema: the meaning of the bytes in the tables.
//!
//! Keys sort as they should be read: all cells of one account beside each other, versions of one
//! cell by height, heights as numbers.

use std::cmp::Ordering;

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Batch, Entry, Storage, StorageError, Table};
use crate::codec;
use crate::model::{
    Amount, Asset, Block, Cell, Genesis, Hash, Height, PublicKey, Receipt, Timestamp, Value,
    Version,
};
use crate::prefix::{first_bytes, sort_by_prefix};
use crate::side_by_side::SideBySide;

/// The layout of the tables; another number is another layout.
pub(crate) const FORMAT: u32 = 1;

const FORMAT_KEY: &[u8] = b"format";
const GENESIS_KEY: &[u8] = b"genesis";
const TIP_KEY: &[u8] = b"tip";

const ACCOUNT: u8 = 1;
const SUPPLY: u8 = 2;
const NONCE: u8 = 0;
const MULTISIG: u8 = 1;
const BALANCE: u8 = 2;

/// The record of a block: the results that are kept beside itself and its receipts.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Record {
    pub(crate) hash: Hash,
    pub(crate) time: Timestamp,
    pub(crate) digest: Hash,
    pub(crate) fees: Amount,
    pub(crate) reward: Amount,
    /// Every cell with a version at this height, in order.
    pub(crate) changed: Vec<Cell>,
}

/// A cell that a block wrote, its version before the block and its version after it.
pub(crate) type CellWrite = (Cell, (Option<Version>, Version));

/// Returns the key of a cell in [`Table::Cells`].
pub(crate) fn cell_key(cell: Cell) -> Vec<u8> {
    key_and_room(cell, 0)
}

/// Returns the key of a cell in a vector with room for `room` bytes more: an entry that a storage
/// keeps shall have no spare capacity.
fn key_and_room(cell: Cell, room: usize) -> Vec<u8> {
    let length = match cell {
        Cell::Nonce(_) | Cell::Multisig(_) => 34,
        Cell::Balance(..) => 66,
        Cell::Supply(_) => 33,
    };
    let mut key = Vec::with_capacity(length + room);
    match cell {
        Cell::Nonce(account) => {
            key.push(ACCOUNT);
            key.extend(account.0);
            key.push(NONCE);
        }
        Cell::Multisig(account) => {
            key.push(ACCOUNT);
            key.extend(account.0);
            key.push(MULTISIG);
        }
        Cell::Balance(account, asset) => {
            key.push(ACCOUNT);
            key.extend(account.0);
            key.push(BALANCE);
            key.extend(asset.0);
        }
        Cell::Supply(asset) => {
            key.push(SUPPLY);
            key.extend(asset.0);
        }
    }
    key
}

/// Returns the cell of a key of [`Table::Cells`]; `None` if it is no cell's.
pub(crate) fn cell_of(key: &[u8]) -> Option<Cell> {
    let (kind, rest) = key.split_first()?;
    match *kind {
        ACCOUNT => {
            let (account, rest) = rest.split_first_chunk::<32>()?;
            let account = PublicKey(*account);
            match rest.split_first()? {
                (&NONCE, []) => Some(Cell::Nonce(account)),
                (&MULTISIG, []) => Some(Cell::Multisig(account)),
                (&BALANCE, asset) => Some(Cell::Balance(account, Asset(asset.try_into().ok()?))),
                _ => None,
            }
        }
        SUPPLY => Some(Cell::Supply(Asset(rest.try_into().ok()?))),
        _ => None,
    }
}

/// Returns the key of an older version in [`Table::History`].
pub(crate) fn history_key(cell: Cell, height: Height) -> Vec<u8> {
    let height = height.0.to_be_bytes();
    let mut key = key_and_room(cell, height.len());
    key.extend(height);
    key
}

/// Returns the key of a height in the tables by height.
pub(crate) fn height_key(height: Height) -> Vec<u8> {
    height.0.to_be_bytes().to_vec()
}

pub(crate) fn newest(
    storage: &(impl Storage + ?Sized),
    cell: Cell,
) -> Result<Option<Version>, StorageError> {
    storage
        .get(Table::Cells, &cell_key(cell))?
        .map(|bytes| version_of(cell, &bytes))
        .transpose()
}

/// Reads the newest versions of cells, each once, in the order of their keys.
pub(crate) fn newest_of_many(
    storage: &(impl Storage + ?Sized),
    mut cells: Vec<Cell>,
) -> Result<Vec<(Cell, Option<Version>)>, StorageError> {
    in_key_order(&mut cells, |cell| cell);
    cells.dedup();
    let keys: Vec<Vec<u8>> = cells.iter().map(|cell| cell_key(*cell)).collect();
    let found = storage.get_many(Table::Cells, &keys)?;
    // Not collected: a vector that is collected from results begins small and is moved as it grows.
    let mut versions = Vec::with_capacity(cells.len());
    for (cell, bytes) in cells.into_iter().zip(found) {
        let version = bytes.map(|bytes| version_of(cell, &bytes)).transpose()?;
        versions.push((cell, version));
    }
    Ok(versions)
}

/// Sorts items by the [`cell_key`] of their cells, without making the keys.
pub(crate) fn in_key_order<T>(items: &mut [T], cell: impl Fn(&T) -> &Cell) {
    // The first bytes of the keys: the tag, of which one bit tells, then the account or asset.
    let prefix = |cell: &Cell| match cell {
        Cell::Nonce(account) | Cell::Multisig(account) | Cell::Balance(account, _) => {
            first_bytes(&account.0) >> 1
        }
        Cell::Supply(asset) => 1 << 63 | first_bytes(&asset.0) >> 1,
    };
    sort_by_prefix(
        items,
        |item| prefix(cell(item)),
        |one, other| by_key_order(cell(one), cell(other)),
    );
}

/// Orders cells as [`cell_key`] does.
fn by_key_order(one: &Cell, other: &Cell) -> Ordering {
    // No copies: these are compared many times.
    fn parts(cell: &Cell) -> (u8, &[u8; 32], u8, &[u8; 32]) {
        match cell {
            Cell::Nonce(account) => (ACCOUNT, &account.0, NONCE, &[0; 32]),
            Cell::Multisig(account) => (ACCOUNT, &account.0, MULTISIG, &[0; 32]),
            Cell::Balance(account, asset) => (ACCOUNT, &account.0, BALANCE, &asset.0),
            Cell::Supply(asset) => (SUPPLY, &asset.0, 0, &[0; 32]),
        }
    }
    parts(one).cmp(&parts(other))
}

/// Reads the version that a cell got at a height, if it has a newer one.
pub(crate) fn older(
    storage: &(impl Storage + ?Sized),
    cell: Cell,
    height: Height,
) -> Result<Version, StorageError> {
    let bytes = storage
        .get(Table::History, &history_key(cell, height))?
        .ok_or_else(|| damaged(cell, &format!("its version at height {height} is missing")))?;
    let version = version_of(cell, &bytes)?;
    if version.height != height {
        return Err(damaged(
            cell,
            &format!("its version at height {height} says {}", version.height),
        ));
    }
    Ok(version)
}

fn version_of(cell: Cell, bytes: &[u8]) -> Result<Version, StorageError> {
    let version: Version =
        codec::decode("a version", bytes).map_err(|error| damaged(cell, &error.to_string()))?;
    if version
        .previous
        .is_some_and(|previous| previous >= version.height)
    {
        return Err(damaged(
            cell,
            &format!("its version at height {} follows itself", version.height),
        ));
    }
    match (cell, &version.value) {
        (Cell::Nonce(_), Value::Nonce(_))
        | (Cell::Multisig(_), Value::Multisig(_))
        | (Cell::Balance(..), Value::Balance(_))
        | (Cell::Supply(_), Value::Supply(_)) => Ok(version),
        (_, other) => Err(damaged(cell, &format!("it has the value {other:?}"))),
    }
}

/// Returns the error of a cell whose value this crate cannot have written.
pub(crate) fn damaged(cell: Cell, reason: &str) -> StorageError {
    StorageError::Corrupt {
        place: format!("cell {cell:?}"),
        reason: reason.to_owned(),
    }
}

pub(crate) fn format(storage: &(impl Storage + ?Sized)) -> Result<Option<u32>, StorageError> {
    load(storage, Table::Meta, FORMAT_KEY, "the format")
}

pub(crate) fn genesis(storage: &(impl Storage + ?Sized)) -> Result<Option<Genesis>, StorageError> {
    load(storage, Table::Meta, GENESIS_KEY, "the genesis")
}

pub(crate) fn tip(storage: &(impl Storage + ?Sized)) -> Result<Option<Height>, StorageError> {
    load(storage, Table::Meta, TIP_KEY, "the tip")
}

pub(crate) fn block(
    storage: &(impl Storage + ?Sized),
    height: Height,
) -> Result<Option<Block>, StorageError> {
    load(storage, Table::Blocks, &height_key(height), "a block")
}

pub(crate) fn receipts(
    storage: &(impl Storage + ?Sized),
    height: Height,
) -> Result<Option<Vec<Receipt>>, StorageError> {
    load(storage, Table::Receipts, &height_key(height), "receipts")
}

pub(crate) fn record(
    storage: &(impl Storage + ?Sized),
    height: Height,
) -> Result<Option<Record>, StorageError> {
    load(storage, Table::Records, &height_key(height), "a record")
}

fn load<T: BorshDeserialize>(
    storage: &(impl Storage + ?Sized),
    table: Table,
    key: &[u8],
    expected: &'static str,
) -> Result<Option<T>, StorageError> {
    storage
        .get(table, key)?
        .map(|bytes| {
            codec::decode(expected, &bytes).map_err(|error| StorageError::Corrupt {
                place: format!("table {}, key {}", table.name(), hex::encode(key)),
                reason: error.to_string(),
            })
        })
        .transpose()
}

/// The entries that a block, a rewind or the genesis changes, by their meaning.
impl Batch {
    pub(crate) fn put_format(&mut self) {
        self.put(Table::Meta, FORMAT_KEY.to_vec(), codec::encode(&FORMAT));
    }

    pub(crate) fn put_genesis(&mut self, genesis: &Genesis) {
        self.put(Table::Meta, GENESIS_KEY.to_vec(), codec::encode(genesis));
    }

    pub(crate) fn put_tip(&mut self, height: Height) {
        self.put(Table::Meta, TIP_KEY.to_vec(), codec::encode(&height));
    }

    pub(crate) fn put_newest(&mut self, cell: Cell, version: &Version) {
        self.put(Table::Cells, cell_key(cell), codec::encode(version));
    }

    /// Makes a batch of the versions of cells after a block.
    pub(crate) fn of_newest(writes: &[CellWrite], parallelism: impl SideBySide) -> Self {
        let entry = |(cell, (_, after)): &CellWrite| Some((cell_key(*cell), codec::encode(after)));
        Batch::of(Table::Cells, writes, entry, parallelism)
    }

    /// Makes a batch of the versions of cells that a block replaced.
    pub(crate) fn of_older(writes: &[CellWrite], parallelism: impl SideBySide) -> Self {
        let entry = |(cell, (before, _)): &CellWrite| {
            let before = before.as_ref()?;
            Some((history_key(*cell, before.height), codec::encode(before)))
        };
        Batch::of(Table::History, writes, entry, parallelism)
    }

    fn of(
        table: Table,
        writes: &[CellWrite],
        entry: impl Fn(&CellWrite) -> Option<Entry> + Send + Sync,
        parallelism: impl SideBySide,
    ) -> Self {
        let pieces: Vec<&[CellWrite]> = writes.chunks(PIECE).collect();
        let of_pieces: Vec<Vec<Entry>> =
            parallelism.map(&pieces, |piece| piece.iter().filter_map(&entry).collect());
        let mut entries: Vec<Entry> = of_pieces.into_iter().flatten().collect();
        // Stable, because that sort makes use of runs in order: the cells of each kind are one.
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut batch = Batch::new();
        batch.put_all(table, entries);
        batch
    }

    pub(crate) fn delete_newest(&mut self, cell: Cell) {
        self.delete(Table::Cells, cell_key(cell));
    }

    pub(crate) fn delete_older(&mut self, cell: Cell, height: Height) {
        self.delete(Table::History, history_key(cell, height));
    }

    pub(crate) fn put_block(&mut self, block: &Block, receipts: &[Receipt]) {
        let height = block.header.height;
        self.put(Table::Blocks, height_key(height), codec::encode(block));
        self.put(Table::Receipts, height_key(height), codec::encode(receipts));
    }

    pub(crate) fn put_record(&mut self, height: Height, record: &Record) {
        self.put(Table::Records, height_key(height), codec::encode(record));
    }

    pub(crate) fn delete_block(&mut self, height: Height) {
        for table in [Table::Blocks, Table::Receipts, Table::Records] {
            self.delete(table, height_key(height));
        }
    }
}

/// The number of entries of a batch that are made on one thread.
pub(crate) const PIECE: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Asset, PublicKey};
    use crate::storage::MemoryStorage;

    /// Some of every kind, with keys that differ in their first byte and in their last.
    fn cells() -> Vec<Cell> {
        let mut last = [1; 32];
        last[31] = 2;
        let names = [[0; 32], [1; 32], last, [0xff; 32]];
        let mut cells = Vec::new();
        for name in names {
            let account = PublicKey(name);
            cells.extend([
                Cell::Supply(Asset(name)),
                Cell::Multisig(account),
                Cell::Nonce(account),
            ]);
            cells.extend(names.map(|asset| Cell::Balance(account, Asset(asset))));
        }
        cells
    }

    #[test]
    fn cells_are_ordered_as_their_keys_are() {
        for one in cells() {
            for other in cells() {
                assert_eq!(
                    by_key_order(&one, &other),
                    cell_key(one).cmp(&cell_key(other)),
                    "{one:?} and {other:?}"
                );
            }
        }
    }

    #[test]
    fn keys_and_encodings_have_no_spare_capacity() {
        let is_tight = |bytes: &Vec<u8>| bytes.capacity() == bytes.len();
        for cell in cells() {
            assert!(is_tight(&cell_key(cell)), "{cell:?}");
            assert!(is_tight(&history_key(cell, Height(7))), "{cell:?}");
        }
        assert!(is_tight(&codec::encode(&cells())));
    }

    #[test]
    fn many_cells_are_loaded_each_once_in_the_order_of_their_keys() {
        let twice = [cells(), cells()].concat();
        let loaded = newest_of_many(&MemoryStorage::new(), twice).expect("memory does not fail");
        let keys: Vec<Vec<u8>> = loaded.iter().map(|(cell, _)| cell_key(*cell)).collect();
        assert!(keys.is_sorted_by(|one, other| one < other));
        assert_eq!(keys.len(), cells().len());
    }
}

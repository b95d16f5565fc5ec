//! The storage of a ledger: ordered tables of bytes, changed all at once or not at all.
//!
//! A storage knows nothing of accounts or blocks; the meaning of the bytes stands in `schema`. All
//! implementations answer alike, byte for byte.

pub(crate) mod memory;
mod redb;
pub(crate) mod schema;

use std::collections::BTreeMap;

use thiserror::Error;

pub use self::memory::MemoryStorage;
pub use self::redb::RedbStorage;
use crate::sync::Workers;

/// Ordered tables of bytes with atomic commits.
pub trait Storage: Send + Sync {
    /// Returns the value at a key, if there is one.
    ///
    /// # Errors
    ///
    /// [`StorageError::Io`] if the medium fails, [`StorageError::Corrupt`] if its content is damaged.
    /// An absent key is not an error. An implementation that opens its medium again after a failure may
    /// return any error of opening it, as [`RedbStorage::open`] lists them; this holds for every method.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;

    /// Returns the values at many keys, each at its key's index. In ascending order of the keys this is
    /// one pass over the table.
    ///
    /// # Errors
    ///
    /// As [`Storage::get`].
    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError>;

    /// Returns up to `limit` entries from `start` on, in ascending order of the keys.
    ///
    /// # Errors
    ///
    /// As [`Storage::get`].
    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError>;

    /// Makes all changes of a batch, or none, and returns when they are durable.
    ///
    /// # Errors
    ///
    /// [`StorageError::Io`] if the medium fails, [`StorageError::Full`] if it has no room,
    /// [`StorageError::Corrupt`] if its content is damaged. The changes were then made or not, but
    /// not in part: a failed sync does not tell. The storage goes on working as soon as the medium
    /// does.
    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError>;

    /// Does as [`Storage::commit`] with a batch that its caller no longer needs, and with workers
    /// that have nothing else to do, if there are any; for a storage that has a use for the one or
    /// the others. A ledger calls this: a wrapper of a storage that passes on only `commit` keeps
    /// both from it.
    ///
    /// # Errors
    ///
    /// As [`Storage::commit`].
    fn commit_owned(
        &mut self,
        batch: Batch,
        _workers: Option<&Workers>,
    ) -> Result<(), StorageError> {
        self.commit(&batch)
    }
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// One ordered map of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// The single values: format, genesis, tip.
    Meta,
    /// The newest version of every cell.
    Cells,
    /// The older versions of every cell.
    History,
    /// Blocks by height.
    Blocks,
    /// Receipts by height.
    Receipts,
    /// Records of blocks by height: digest, changed cells.
    Records,
}

impl Table {
    /// All tables.
    pub const ALL: [Table; 6] = [
        Table::Meta,
        Table::Cells,
        Table::History,
        Table::Blocks,
        Table::Receipts,
        Table::Records,
    ];

    /// Returns the name under which the table is kept.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Table::Meta => "meta",
            Table::Cells => "cells",
            Table::History => "history",
            Table::Blocks => "blocks",
            Table::Receipts => "receipts",
            Table::Records => "records",
        }
    }
}

/// Changes to be made at once, ordered by table and key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    changes: BTreeMap<Table, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl Batch {
    /// Creates a batch of no changes.
    #[must_use]
    pub fn new() -> Self {
        Batch::default()
    }

    /// Sets the value at a key; a later change of the key replaces this one.
    pub fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.changes
            .entry(table)
            .or_default()
            .insert(key, Some(value));
    }

    /// Sets the values at many keys of a table. In ascending order of the keys this is much cheaper
    /// than one after another.
    pub fn put_all(&mut self, table: Table, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let entries = entries.into_iter().map(|(key, value)| (key, Some(value)));
        let changes = self.changes.entry(table).or_default();
        if changes.is_empty() {
            *changes = entries.collect();
        } else {
            changes.extend(entries);
        }
    }

    /// Appends the changes of another batch, which replace those of the same keys here.
    pub fn append(&mut self, other: Batch) {
        for (table, mut changes) in other.changes {
            self.changes.entry(table).or_default().append(&mut changes);
        }
    }

    /// Removes a key, whether or not it is there.
    pub fn delete(&mut self, table: Table, key: Vec<u8>) {
        self.changes.entry(table).or_default().insert(key, None);
    }

    /// Returns the changes of each table, in the order of tables, each in the order of keys; `None`
    /// removes.
    pub fn tables(&self) -> impl Iterator<Item = (Table, &BTreeMap<Vec<u8>, Option<Vec<u8>>>)> {
        self.changes
            .iter()
            .map(|(table, changes)| (*table, changes))
    }

    /// Returns the number of keys that are changed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.values().map(BTreeMap::len).sum()
    }

    /// Returns whether no key is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The error of a storage.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The medium failed.
    #[error("{place}: {reason}; nothing was lost, repair the medium and try again")]
    Io {
        /// The file or the operation.
        place: String,
        /// The message of the medium.
        reason: String,
    },
    /// The medium has no room.
    #[error("{place}: no space left; free some and try again, the ledger is as it was")]
    Full {
        /// The file.
        place: String,
    },
    /// Another process has the file open.
    #[error("{place}: another process has this database open; stop it, or name another file")]
    InUse {
        /// The file.
        place: String,
    },
    /// The content is damaged, or was not written by this crate.
    #[error(
        "{place}: damaged or not a lockstep database: {reason}; restore a copy, or move it away to start anew"
    )]
    Corrupt {
        /// The file, or the table and key.
        place: String,
        /// The defect.
        reason: String,
    },
}

//! A storage in memory, which is gone with its process.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::{Batch, Entry, Storage, StorageError, Table};
use crate::sync::Workers;

/// Tables in memory. Never fails; durable as long as it is not dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStorage {
    tables: BTreeMap<Table, Entries>,
}

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;
type TableChanges = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl MemoryStorage {
    /// Creates a storage of empty tables.
    #[must_use]
    pub fn new() -> Self {
        MemoryStorage::default()
    }
}

impl Storage for MemoryStorage {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self
            .tables
            .get(&table)
            .and_then(|entries| entries.get(key))
            .cloned())
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        let entries = self.tables.get(&table);
        Ok(keys.iter().map(|key| entries?.get(key).cloned()).collect())
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        let from = (Bound::Included(start), Bound::Unbounded);
        Ok(self
            .tables
            .get(&table)
            .into_iter()
            .flat_map(|entries| entries.range::<[u8], _>(from))
            .take(limit)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.commit_owned(batch.clone(), None)
    }

    fn commit_owned(
        &mut self,
        batch: Batch,
        workers: Option<&Workers>,
    ) -> Result<(), StorageError> {
        let changed = self.changes_of(batch);
        match workers {
            Some(workers) => drop(workers.map(changed, change)),
            None => changed.into_iter().for_each(change),
        }
        self.forget_empty_tables();
        Ok(())
    }
}

impl MemoryStorage {
    /// Returns the tables that a batch changes, each with its changes.
    fn changes_of(&mut self, batch: Batch) -> Vec<(&mut Entries, TableChanges)> {
        let Batch { mut changes } = batch;
        for table in changes.keys() {
            self.tables.entry(*table).or_default();
        }
        self.tables
            .iter_mut()
            .filter_map(|(table, entries)| Some((entries, changes.remove(table)?)))
            .collect()
    }

    /// Drops empty tables, so that storages with the same entries are equal.
    fn forget_empty_tables(&mut self) {
        self.tables.retain(|_, entries| !entries.is_empty());
    }
}

/// The most entries for each change with which it is cheaper to build the whole table anew, in one pass,
/// than to search the place of each change.
pub(crate) const REBUILT_UP_TO: usize = 8;

fn change((entries, changes): (&mut Entries, TableChanges)) {
    let is_rebuilt = entries.len() / REBUILT_UP_TO <= changes.len();
    let mut put = Vec::with_capacity(changes.len());
    let mut removed = Vec::new();
    for (key, value) in changes {
        match value {
            Some(value) => put.push((key, value)),
            None => removed.push(key),
        }
    }
    if is_rebuilt {
        entries.append(&mut put.into_iter().collect());
    } else {
        entries.extend(put);
    }
    for key in removed {
        entries.remove(&key);
    }
}

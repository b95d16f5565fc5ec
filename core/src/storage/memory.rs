//! A storage that is gone with its process.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::{Batch, Entry, Storage, StorageError, Table};

/// Tables in memory. Never fails; durable as long as it is not dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStorage {
    tables: BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MemoryStorage {
    /// Empty tables.
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
        keys.iter().map(|key| self.get(table, key)).collect()
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
        for (table, changes) in batch.tables() {
            let entries = self.tables.entry(table).or_default();
            for (key, value) in changes {
                match value {
                    Some(value) => entries.insert(key.clone(), value.clone()),
                    None => entries.remove(key),
                };
            }
            // So that storages with the same entries are equal.
            if entries.is_empty() {
                self.tables.remove(&table);
            }
        }
        Ok(())
    }
}

//! A storage with a defect that only a fault brings to light.

use lockstep_core::storage::{Batch, Entry, Storage, StorageError, Table};

/// A storage that makes one commit of the cells and another of the rest.
///
/// Nobody notices as long as nothing comes in between.
pub struct InTwoCommits<S>(pub S);

impl<S: Storage> Storage for InTwoCommits<S> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.get(table, key)
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.0.get_many(table, keys)
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.0.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.0.commit(&part(batch, |table| table == Table::Cells))?;
        self.0.commit(&part(batch, |table| table != Table::Cells))
    }
}

fn part(batch: &Batch, is_in: impl Fn(Table) -> bool) -> Batch {
    let mut part = Batch::new();
    for (table, changes) in batch.tables().filter(|(table, _)| is_in(*table)) {
        for (key, value) in changes {
            match value {
                Some(value) => part.put(table, key.clone(), value.clone()),
                None => part.delete(table, key.clone()),
            }
        }
    }
    part
}

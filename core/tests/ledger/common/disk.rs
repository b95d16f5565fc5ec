//! A storage that tests can look into while a ledger uses it, and that fails when told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use lockstep_core::parallel::Workers;
use lockstep_core::storage::{Batch, Entry, Storage, StorageError, Table};

/// The content of a storage.
pub(crate) type Tables = BTreeMap<Table, Vec<Entry>>;

/// Returns all entries of all tables of a storage.
pub(crate) fn tables_of(storage: &impl Storage) -> Tables {
    Table::ALL
        .into_iter()
        .map(|table| {
            let entries = storage.scan(table, &[], usize::MAX);
            (table, entries.expect("the tables are readable"))
        })
        .collect()
}

/// Returns the tables that hold state: without blocks, receipts, records and the tip.
pub(crate) fn state_of(mut tables: Tables) -> Tables {
    for table in [Table::Meta, Table::Blocks, Table::Receipts, Table::Records] {
        tables.remove(&table);
    }
    tables
}

/// One storage with several owners.
pub(crate) struct Disk<S>(Arc<Mutex<Inner<S>>>);

struct Inner<S> {
    storage: S,
    calls: usize,
    failing: Option<usize>,
}

impl<S> Clone for Disk<S> {
    fn clone(&self) -> Self {
        Disk(Arc::clone(&self.0))
    }
}

impl<S: Storage> Disk<S> {
    pub(crate) fn new(storage: S) -> Self {
        Disk(Arc::new(Mutex::new(Inner {
            storage,
            calls: 0,
            failing: None,
        })))
    }

    pub(crate) fn tables(&self) -> Tables {
        tables_of(&self.inner().storage)
    }

    /// Makes one call fail, the next being number 0, and counts from there.
    pub(crate) fn fail_call(&self, number: usize) {
        let mut inner = self.inner();
        inner.calls = 0;
        inner.failing = Some(number);
    }

    /// Makes no call fail; returns whether the call that should have failed was reached.
    pub(crate) fn heal(&self) -> bool {
        let mut inner = self.inner();
        let number = inner.failing.take();
        number.is_some_and(|number| number < inner.calls)
    }

    /// Changes the storage itself, behind the back of its user.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        change(&mut self.inner().storage)
    }

    fn inner(&self) -> MutexGuard<'_, Inner<S>> {
        self.0.lock().expect("no test panics inside a storage call")
    }

    fn call(&self) -> Result<MutexGuard<'_, Inner<S>>, StorageError> {
        let mut inner = self.inner();
        let number = inner.calls;
        inner.calls += 1;
        if inner.failing == Some(number) {
            return Err(StorageError::Io {
                place: "the test's disk".to_owned(),
                reason: format!("call {number} was told to fail"),
            });
        }
        Ok(inner)
    }
}

impl<S: Storage> Storage for Disk<S> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.call()?.storage.get(table, key)
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.call()?.storage.get_many(table, keys)
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.call()?.storage.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.call()?.storage.commit(batch)
    }

    fn commit_owned(
        &mut self,
        batch: Batch,
        workers: Option<&Workers>,
    ) -> Result<(), StorageError> {
        self.call()?.storage.commit_owned(batch, workers)
    }
}

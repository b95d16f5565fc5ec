//! Storages with a seeded bug that panics, fails by itself, or is left in a wrong state by a panic.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockstep_core::storage::{Batch, Entry, Storage, StorageError, Table};

use super::PlainStorage;
use super::on_disk_bug::OnDiskBug;

/// A storage with one of the bugs of this file.
pub(super) struct UnreliableStorage {
    inner: PlainStorage,
    bug: OnDiskBug,
    state: Mutex<BugState>,
}

#[derive(Default)]
struct BugState {
    /// True from a panic until the next commit.
    has_panicked: bool,
    /// True from a panic of a read until the next look at the tip.
    is_cancelled: bool,
    /// True from a panic of a commit on.
    is_poisoned: bool,
    /// The cells of a commit that has not ended.
    written: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

/// Largest number of changes in the commit of a block that does not fail by itself.
const MOST_CHANGES: usize = 12;

impl UnreliableStorage {
    pub(super) fn new(inner: PlainStorage, bug: OnDiskBug) -> Self {
        UnreliableStorage {
            inner,
            bug,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, BugState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, bug: OnDiskBug) -> bool {
        self.bug == bug
    }

    fn read<T>(
        &self,
        table: Table,
        read: impl FnOnce() -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if self.has(OnDiskBug::FallbackFailsToo) {
            let mut state = self.state();
            match table {
                Table::Meta => state.is_cancelled = false,
                _ if state.is_cancelled => return Err(failed("the block was cancelled")),
                _ => {}
            }
        }
        let read = catch_unwind(AssertUnwindSafe(read));
        read.unwrap_or_else(|panic| {
            self.state().is_cancelled = true;
            resume_unwind(panic)
        })
    }

    /// Panics once a block, at a cell that does not exist and that is loaded with others.
    fn unless_absent<T>(&self, table: Table, value: Option<T>) -> Option<T> {
        if value.is_none() && table == Table::Cells && self.has(OnDiskBug::SwallowedPanic) {
            let is_second = std::mem::replace(&mut self.state().has_panicked, true);
            assert!(is_second, "a worker takes every cell for one that exists");
        }
        value
    }

    /// Returns the value of a cell as a commit that has not ended leaves it.
    fn written(&self, table: Table, key: &[u8], value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        match table {
            Table::Cells => self.state().written.get(key).cloned().unwrap_or(value),
            _ => value,
        }
    }
}

impl Storage for UnreliableStorage {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        let value = self.read(table, || self.inner.get(table, key))?;
        Ok(self.written(table, key, value))
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        let values = self.read(table, || self.inner.get_many(table, keys))?;
        let values = keys
            .iter()
            .zip(values)
            .map(|(key, value)| self.unless_absent(table, self.written(table, key, value)));
        Ok(values.collect())
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.inner.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        match self.bug {
            OnDiskBug::ErrorWithoutFault
                if batch.len() > MOST_CHANGES && has(batch, Table::Blocks) =>
            {
                return Err(failed("a buffer is too small for this commit"));
            }
            OnDiskBug::PoisonedByPanic if self.state().is_poisoned => {
                return Err(failed("a lock is poisoned"));
            }
            OnDiskBug::HalfACommit => {
                let cells = batch.tables().filter(|(table, _)| *table == Table::Cells);
                let cells = cells.flat_map(|(_, changes)| changes);
                let cells = cells.map(|(key, value)| (key.clone(), value.clone()));
                self.state().written = cells.collect();
            }
            _ => {}
        }
        let inner = &mut self.inner;
        let committed = catch_unwind(AssertUnwindSafe(|| inner.commit(batch)));
        let mut state = self.state();
        match committed {
            Ok(committed) => {
                state.has_panicked = false;
                state.written.clear();
                committed
            }
            Err(panic) => {
                state.is_poisoned = true;
                drop(state);
                resume_unwind(panic)
            }
        }
    }
}

fn has(batch: &Batch, table: Table) -> bool {
    batch.tables().any(|(changed, _)| changed == table)
}

fn failed(reason: &str) -> StorageError {
    StorageError::Io {
        place: "the unreliable storage".to_owned(),
        reason: reason.to_owned(),
    }
}

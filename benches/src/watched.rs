//! A storage whose share of the time is known.

use std::mem;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use lockstep_core::parallel::Workers;
use lockstep_core::storage::{Batch, Entry, Storage, StorageError, Table};

/// Storage that measures the time of its calls.
#[derive(Debug)]
pub struct Watched<S> {
    storage: S,
    spent: Mutex<Spent>,
}

/// Time that a storage took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// To read.
    pub reading: Duration,
    /// To commit.
    pub committing: Duration,
}

impl<S> Watched<S> {
    /// Watches a storage.
    pub fn new(storage: S) -> Self {
        Watched {
            storage,
            spent: Mutex::default(),
        }
    }

    /// Takes the time that the storage took since the last call of this.
    #[must_use]
    pub fn take_spent(&self) -> Spent {
        mem::take(&mut *self.spent.lock().expect("no thread panics while counting"))
    }

    fn read<T>(&self, read: impl FnOnce(&S) -> T) -> T {
        let start = Instant::now();
        let answer = read(&self.storage);
        self.spent
            .lock()
            .expect("no thread panics while counting")
            .reading += start.elapsed();
        answer
    }
}

impl<S: Storage> Storage for Watched<S> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.read(|storage| storage.get(table, key))
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.read(|storage| storage.get_many(table, keys))
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.read(|storage| storage.scan(table, start, limit))
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.commit_owned(batch.clone(), None)
    }

    fn commit_owned(
        &mut self,
        batch: Batch,
        workers: Option<&Workers>,
    ) -> Result<(), StorageError> {
        let start = Instant::now();
        let done = self.storage.commit_owned(batch, workers);
        let took = start.elapsed();
        self.spent
            .get_mut()
            .expect("no thread panics while counting")
            .committing += took;
        done
    }
}

//! Memory of which one call fails.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockstep_core::storage::{Batch, Entry, MemoryStorage, Storage, StorageError, Table};

use lockstep_harness::choice::Choices;

/// A call that fails, and the kind of its failure.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The call with this number, counted from 0.
    Call(u64),
    /// The first commit, of which nothing is made.
    Commit,
    /// The same, because there is no room.
    Full,
    /// The first commit, which is made all the same: a failed sync does not tell.
    Sync,
}

impl Fault {
    /// Draws a fault; in one of eight cases none.
    pub(super) fn draw(choices: &mut impl Choices) -> Option<Fault> {
        match choices.below(8) {
            0 => None,
            1..5 => Some(Fault::Call(choices.below(16))),
            5 => Some(Fault::Commit),
            6 => Some(Fault::Full),
            _ => Some(Fault::Sync),
        }
    }

    pub(super) const fn commits_all_the_same(self) -> bool {
        matches!(self, Fault::Sync)
    }
}

/// A copy of it is the same storage, which outlives the ledger on it.
#[derive(Clone)]
pub(super) struct FailingStorage(Arc<Mutex<Inside>>);

struct Inside {
    tables: MemoryStorage,
    fault: Option<Fault>,
    met: bool,
    /// Since it was armed.
    calls: u64,
    commits: usize,
    /// Seeded bug: a commit that fails is made in part.
    tears: bool,
}

impl FailingStorage {
    /// Empty. Where it `tears`, commits that fail are made in part, which no storage may do.
    pub(super) fn new(tears: bool) -> Self {
        FailingStorage(Arc::new(Mutex::new(Inside {
            tables: MemoryStorage::new(),
            fault: None,
            met: false,
            calls: 0,
            commits: 0,
            tears,
        })))
    }

    /// From now on calls and commits are counted, and this one fails.
    pub(super) fn arm(&self, fault: Option<Fault>) {
        let mut inside = self.inside();
        inside.fault = fault;
        inside.met = false;
        inside.calls = 0;
        inside.commits = 0;
    }

    /// Ends the fault; returns true if it was met.
    pub(super) fn disarm(&self) -> bool {
        let mut inside = self.inside();
        inside.fault = None;
        inside.met
    }

    /// Number of commits since it was armed.
    pub(super) fn commits(&self) -> usize {
        self.inside().commits
    }

    /// Everything that is kept.
    pub(super) fn tables(&self) -> MemoryStorage {
        self.inside().tables.clone()
    }

    /// True if these are all of its tables' content.
    pub(super) fn keeps(&self, tables: &MemoryStorage) -> bool {
        self.inside().tables == *tables
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Result<MutexGuard<'_, Inside>, StorageError> {
        let mut inside = self.inside();
        if inside.is_the_call() {
            return Err(failed());
        }
        Ok(inside)
    }
}

impl Inside {
    /// Counts a call.
    fn is_the_call(&mut self) -> bool {
        let is_it = matches!(self.fault, Some(Fault::Call(call)) if call == self.calls);
        self.calls += 1;
        self.met |= is_it;
        is_it
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.commits += 1;
        self.tables.commit(batch)
    }
}

fn failed() -> StorageError {
    StorageError::Io {
        place: "the medium".to_owned(),
        reason: "this call fails".to_owned(),
    }
}

impl Storage for FailingStorage {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.read()?.tables.get(table, key)
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.read()?.tables.get_many(table, keys)
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.read()?.tables.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        let mut inside = self.inside();
        let fails = inside.is_the_call();
        let fault = inside
            .fault
            .filter(|fault| fails || !matches!(fault, Fault::Call(_)));
        let Some(fault) = fault else {
            return inside.commit(batch);
        };
        inside.met = true;
        if inside.tears {
            inside.commit(&first_half(batch))?;
        }
        match fault {
            Fault::Sync => {
                inside.commit(batch)?;
                Err(failed())
            }
            Fault::Full => Err(StorageError::Full {
                place: "the medium".to_owned(),
            }),
            Fault::Call(_) | Fault::Commit => Err(failed()),
        }
    }
}

fn first_half(batch: &Batch) -> Batch {
    let mut half = Batch::new();
    let changes = batch.tables().flat_map(|(table, changes)| {
        changes
            .iter()
            .map(move |(key, value)| (table, key.clone(), value.clone()))
    });
    for (table, key, value) in changes.take(batch.len() / 2) {
        match value {
            Some(value) => half.put(table, key, value),
            None => half.delete(table, key),
        }
    }
    half
}

//! A storage that counts the reads of a ledger and injects a fault into one of them.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockstep_core::model::PublicKey;
use lockstep_core::parallel::Workers;
use lockstep_core::storage::{Batch, Entry, Storage, StorageError, Table};

/// A fault of reads. Reads are counted from 0, beginning when the fault is planned.
pub(super) enum FaultPlan {
    /// One read fails.
    Fails {
        /// Number of the read.
        at: u64,
    },
    /// A read of a cell of this account panics.
    Panics {
        /// Owner of the cells.
        account: PublicKey,
        /// True if every such read panics, false if only the first does.
        persists: bool,
    },
    /// One read of cells panics.
    PanicsAt {
        /// Number of reads of cells before it.
        left: u64,
    },
    /// The next commit panics.
    CommitPanics {
        /// True if it is written before the panic.
        is_written: bool,
    },
    /// An action is executed before a read.
    Does {
        /// Number of the read.
        at: u64,
        /// The action; the reader waits for it.
        act: Box<dyn FnOnce() + Send>,
    },
}

/// Shared state of a [`WatchedStorage`] and the faults planned for it; a clone is another handle.
#[derive(Clone, Default)]
pub struct FaultWatch(Arc<Mutex<FaultState>>);

#[derive(Default)]
struct FaultState {
    reads: u64,
    plan: Option<FaultPlan>,
    is_reached: bool,
}

impl FaultWatch {
    pub(super) fn plan(&self, plan: FaultPlan) {
        *self.state() = FaultState {
            plan: Some(plan),
            ..FaultState::default()
        };
    }

    /// Records that the fault happened, outside of a read.
    pub(super) fn reach(&self) {
        self.state().is_reached = true;
    }

    /// Removes the planned fault; returns whether it happened.
    pub(super) fn clear(&self) -> bool {
        std::mem::take(&mut *self.state()).is_reached
    }

    fn state(&self) -> MutexGuard<'_, FaultState> {
        // No code panics half way through a change of it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits, and panics before or after it if that was planned.
    fn committing<T>(&self, commit: impl FnOnce() -> T) -> T {
        let mut state = self.state();
        let Some(FaultPlan::CommitPanics { is_written }) = state.plan else {
            drop(state);
            return commit();
        };
        state.is_reached = true;
        state.plan = None;
        drop(state);
        if is_written {
            commit();
        }
        panic_quietly("injected panic in a commit".to_owned())
    }

    fn reading<'k>(
        &self,
        table: Table,
        mut keys: impl Iterator<Item = &'k [u8]>,
    ) -> Result<(), StorageError> {
        let mut state = self.state();
        let number = state.reads;
        state.reads += 1;
        match &mut state.plan {
            Some(FaultPlan::Fails { at }) if *at == number => {
                state.is_reached = true;
                Err(StorageError::Io {
                    place: "the simulated storage".to_owned(),
                    reason: format!("injected failure of read {number}"),
                })
            }
            Some(FaultPlan::Panics { account, persists })
                if table == Table::Cells && keys.any(|key| is_of(key, *account)) =>
            {
                let (account, persists) = (*account, *persists);
                state.is_reached = true;
                if !persists {
                    state.plan = None;
                }
                drop(state);
                panic_quietly(format!("injected panic at a cell of {account}"))
            }
            Some(FaultPlan::PanicsAt { left: 0 }) if table == Table::Cells => {
                state.is_reached = true;
                state.plan = None;
                drop(state);
                panic_quietly(format!("injected panic at read {number}"))
            }
            Some(FaultPlan::PanicsAt { left }) if table == Table::Cells => {
                *left -= 1;
                Ok(())
            }
            Some(FaultPlan::Does { at, .. }) if *at == number => {
                state.is_reached = true;
                let plan = state.plan.take();
                drop(state);
                if let Some(FaultPlan::Does { act, .. }) = plan {
                    act();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Panics without the hook: a campaign would print thousands of expected panics.
fn panic_quietly(message: String) -> ! {
    resume_unwind(Box::new(message))
}

/// Returns whether a key contains this account, independent of the layout of keys.
fn is_of(key: &[u8], account: PublicKey) -> bool {
    key.windows(account.0.len()).any(|part| part == account.0)
}

/// A storage whose reads a [`FaultWatch`] counts.
pub struct WatchedStorage<S> {
    storage: S,
    watch: FaultWatch,
}

impl<S> WatchedStorage<S> {
    pub(super) fn new(storage: S, watch: FaultWatch) -> Self {
        WatchedStorage { storage, watch }
    }
}

impl<S: Storage> Storage for WatchedStorage<S> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.watch.reading(table, [key].into_iter())?;
        self.storage.get(table, key)
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.watch.reading(table, keys.iter().map(Vec::as_slice))?;
        self.storage.get_many(table, keys)
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.watch.reading(table, std::iter::empty())?;
        self.storage.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        let storage = &mut self.storage;
        self.watch.committing(|| storage.commit(batch))
    }

    fn commit_owned(
        &mut self,
        batch: Batch,
        workers: Option<&Workers>,
    ) -> Result<(), StorageError> {
        let storage = &mut self.storage;
        self.watch
            .committing(|| storage.commit_owned(batch, workers))
    }
}

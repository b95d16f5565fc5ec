//! A storage that is watched while a ledger uses it, and that interferes with a read.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockstep_core::model::PublicKey;
use lockstep_core::parallel::Workers;
use lockstep_core::storage::{Batch, Entry, Storage, StorageError, Table};

/// What happens to reads. Reads are counted from 0, the next one, whenever this is planned.
pub(super) enum FaultPlan {
    /// One of them fails.
    Fails {
        /// Which one.
        at: u64,
    },
    /// Whoever reads what this account has panics.
    Panics {
        /// Whose cells.
        account: PublicKey,
        /// Every time, and not only the first.
        persists: bool,
    },
    /// Something is done first.
    Does {
        /// Before which one.
        at: u64,
        /// What. Whoever reads waits for it.
        act: Box<dyn FnOnce() + Send>,
    },
}

/// The eye on a [`WatchedStorage`] storage; a clone is the same.
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

    /// What was to happen happens, and not in a read.
    pub(super) fn reach(&self) {
        self.state().is_reached = true;
    }

    /// Plans nothing any more. Whether what was planned happened.
    pub(super) fn clear(&self) -> bool {
        std::mem::take(&mut *self.state()).is_reached
    }

    fn state(&self) -> MutexGuard<'_, FaultState> {
        // Nothing in here panics half way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reading<'k>(
        &self,
        table: Table,
        mut keys: impl Iterator<Item = &'k [u8]>,
    ) -> Result<(), StorageError> {
        let mut state = self.state();
        let number = state.reads;
        state.reads += 1;
        match &state.plan {
            Some(FaultPlan::Fails { at }) if *at == number => {
                state.is_reached = true;
                Err(StorageError::Io {
                    place: "the simulated storage".to_owned(),
                    reason: format!("read {number} was told to fail"),
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
                // Without the hook: a campaign would print thousands of panics that are no news.
                resume_unwind(Box::new(format!("told to panic at what {account} has")))
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

/// Whether this is the key of a cell of this account, however keys are made: it is in there.
fn is_of(key: &[u8], account: PublicKey) -> bool {
    key.windows(account.0.len()).any(|part| part == account.0)
}

/// A storage under a [`FaultWatch`].
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
        self.storage.commit(batch)
    }

    fn commit_owned(
        &mut self,
        batch: Batch,
        workers: Option<&Workers>,
    ) -> Result<(), StorageError> {
        self.storage.commit_owned(batch, workers)
    }
}

//! A storage that is watched while a ledger uses it, and that interferes with a read.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockstep_core::model::PublicKey;
use lockstep_core::parallel::Workers;
use lockstep_core::storage::{Batch, Entry, Storage, StorageError, Table};

/// What happens to reads. Reads are counted from 0, the next one, whenever this is planned.
pub(super) enum Plan {
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

/// The eye on a [`Watched`] storage; a clone is the same.
#[derive(Clone, Default)]
pub struct Watch(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    reads: u64,
    plan: Option<Plan>,
    is_reached: bool,
}

impl Watch {
    pub(super) fn plan(&self, plan: Plan) {
        *self.state() = State {
            plan: Some(plan),
            ..State::default()
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

    fn state(&self) -> MutexGuard<'_, State> {
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
            Some(Plan::Fails { at }) if *at == number => {
                state.is_reached = true;
                Err(StorageError::Io {
                    place: "the simulated storage".to_owned(),
                    reason: format!("read {number} was told to fail"),
                })
            }
            Some(Plan::Panics { account, persists })
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
            Some(Plan::Does { at, .. }) if *at == number => {
                state.is_reached = true;
                let plan = state.plan.take();
                drop(state);
                if let Some(Plan::Does { act, .. }) = plan {
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

/// A storage under a [`Watch`].
pub struct Watched<S> {
    storage: S,
    watch: Watch,
}

impl<S> Watched<S> {
    pub(super) fn new(storage: S, watch: Watch) -> Self {
        Watched { storage, watch }
    }
}

impl<S: Storage> Storage for Watched<S> {
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

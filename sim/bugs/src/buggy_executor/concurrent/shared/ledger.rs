//! The ledger that several threads share, and the permit to write to it.

use lockstep_core::model::Height;

use super::cache::Cache;
use super::sync::{self, Arc, Mutex, RwLock};
use crate::buggy_executor::CommittedState;
use crate::buggy_executor::concurrent::ThreadBug;
use crate::buggy_executor::concurrent::placing::Placing;

/// The settings of execution.
#[derive(Clone, Copy, Debug)]
pub(in crate::buggy_executor::concurrent) struct Settings {
    /// Largest number of workers at once.
    pub(in crate::buggy_executor::concurrent) workers: usize,
    pub(in crate::buggy_executor::concurrent) hash_seed: u64,
    pub(in crate::buggy_executor::concurrent) bug: Option<ThreadBug>,
}

/// A ledger that several threads use at once.
pub(in crate::buggy_executor::concurrent) struct Ledger {
    /// The permit to write.
    permit: Mutex<()>,
    pub(super) committed: RwLock<CommittedState>,
    /// The cache of the current block; empty between two.
    pub(super) cache: Cache,
    pub(super) settings: Settings,
}

impl Ledger {
    pub(in crate::buggy_executor::concurrent) fn new(
        committed: CommittedState,
        settings: Settings,
    ) -> Arc<Self> {
        Arc::new(Ledger {
            permit: Mutex::new(()),
            committed: RwLock::new(committed),
            cache: Cache::new(Placing::new(settings.hash_seed), settings.bug),
            settings,
        })
    }

    pub(super) fn has(&self, bug: ThreadBug) -> bool {
        self.settings.bug == Some(bug)
    }

    /// Returns a copy of the committed state.
    pub(in crate::buggy_executor::concurrent) fn committed(&self) -> CommittedState {
        sync::read(&self.committed).clone()
    }

    /// Undoes the blocks above a height.
    pub(in crate::buggy_executor::concurrent) fn rewind_to(&self, height: Height) {
        let _permit = (!self.has(ThreadBug::OpenWindow)).then(|| self.permit.lock());
        sync::write(&self.committed).rewind_to(height);
    }

    /// Acquires the permit to write, which excludes other writers.
    pub(super) fn permit(&self) -> sync::MutexGuard<'_, ()> {
        self.permit.lock()
    }
}

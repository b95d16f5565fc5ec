//! The ledger that several threads share, and the permit to write to it.

use lockstep_core::model::Height;

use super::cache::Cache;
use super::sync::{self, Arc, Mutex, RwLock};
use crate::buggy_executor::CommittedState;
use crate::buggy_executor::concurrent::ThreadBug;
use crate::buggy_executor::concurrent::placing::Placing;

/// How blocks are executed.
#[derive(Clone, Copy, Debug)]
pub(in crate::buggy_executor::concurrent) struct Settings {
    /// The most workers at once.
    pub(in crate::buggy_executor::concurrent) workers: usize,
    pub(in crate::buggy_executor::concurrent) hash_seed: u64,
    pub(in crate::buggy_executor::concurrent) bug: Option<ThreadBug>,
}

/// A ledger that several threads have at once.
pub(in crate::buggy_executor::concurrent) struct Ledger {
    /// Who has it writes.
    permit: Mutex<()>,
    pub(super) committed: RwLock<CommittedState>,
    /// Of the block that is executed; empty between two.
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

    /// What is kept now.
    pub(in crate::buggy_executor::concurrent) fn committed(&self) -> CommittedState {
        sync::read(&self.committed).clone()
    }

    /// Undoes the blocks above a height.
    pub(in crate::buggy_executor::concurrent) fn rewind_to(&self, height: Height) {
        let _permit = (!self.has(ThreadBug::OpenWindow)).then(|| self.permit.lock());
        sync::write(&self.committed).rewind_to(height);
    }

    /// Locks out who else would write.
    pub(super) fn permit(&self) -> sync::MutexGuard<'_, ()> {
        self.permit.lock()
    }
}

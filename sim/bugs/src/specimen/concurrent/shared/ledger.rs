//! The ledger that several threads share, and the permit to write to it.

use lockstep_core::model::Height;

use super::cache::Cache;
use super::sync::{self, Arc, Mutex, RwLock};
use crate::specimen::Kept;
use crate::specimen::concurrent::Defect;
use crate::specimen::concurrent::placing::Placing;

/// How blocks are executed.
#[derive(Clone, Copy, Debug)]
pub(in crate::specimen::concurrent) struct Settings {
    /// The most workers at once.
    pub(in crate::specimen::concurrent) workers: usize,
    pub(in crate::specimen::concurrent) hash_seed: u64,
    pub(in crate::specimen::concurrent) defect: Option<Defect>,
}

/// A ledger that several threads have at once.
pub(in crate::specimen::concurrent) struct Ledger {
    /// Who has it writes.
    permit: Mutex<()>,
    pub(super) kept: RwLock<Kept>,
    /// Of the block that is executed; empty between two.
    pub(super) cache: Cache,
    pub(super) settings: Settings,
}

impl Ledger {
    pub(in crate::specimen::concurrent) fn new(kept: Kept, settings: Settings) -> Arc<Self> {
        Arc::new(Ledger {
            permit: Mutex::new(()),
            kept: RwLock::new(kept),
            cache: Cache::new(Placing::new(settings.hash_seed), settings.defect),
            settings,
        })
    }

    pub(super) fn has(&self, defect: Defect) -> bool {
        self.settings.defect == Some(defect)
    }

    /// What is kept now.
    pub(in crate::specimen::concurrent) fn kept(&self) -> Kept {
        sync::read(&self.kept).clone()
    }

    /// Undoes the blocks above a height.
    pub(in crate::specimen::concurrent) fn rewind_to(&self, height: Height) {
        let _permit = (!self.has(Defect::OpenWindow)).then(|| self.permit.lock());
        sync::write(&self.kept).rewind_to(height);
    }

    /// Locks out who else would write.
    pub(super) fn permit(&self) -> sync::MutexGuard<'_, ()> {
        self.permit.lock()
    }
}

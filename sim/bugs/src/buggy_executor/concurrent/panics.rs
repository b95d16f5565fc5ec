//! A planned panic in a chosen transaction.

use std::sync::{Mutex, PoisonError};

/// A panic that is planned, and whether it has happened.
#[derive(Debug)]
pub(super) struct Panics {
    plan: Option<(usize, bool)>,
    has_happened: Mutex<bool>,
}

impl Panics {
    /// Plans a panic in the transaction of this index, at every execution if the flag is set, or none.
    pub(super) const fn planned(plan: Option<(usize, bool)>) -> Self {
        Panics {
            plan,
            has_happened: Mutex::new(false),
        }
    }

    /// Executes the plan before this transaction.
    ///
    /// # Panics
    ///
    /// If the panic is planned for this transaction and persists or has not happened yet.
    pub(super) fn meet(&self, transaction: usize) {
        let Some((planned, persists)) = self.plan else {
            return;
        };
        if planned != transaction {
            return;
        }
        let mut has_happened = self.locked();
        let is_now = persists || !*has_happened;
        *has_happened = true;
        drop(has_happened);
        assert!(!is_now, "the panic that was planned");
    }

    pub(super) fn have_happened(&self) -> bool {
        *self.locked()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, bool> {
        self.has_happened
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

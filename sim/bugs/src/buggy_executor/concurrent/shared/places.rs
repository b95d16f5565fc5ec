//! The places of a pool, which work occupies while it runs; used only by a bug.

use super::sync::{Condvar, Mutex, execution_has_panicked};

/// A number of places.
pub(super) struct Places {
    free: Mutex<usize>,
    changed: Condvar,
}

/// An occupied place, free again when it is dropped.
pub(super) struct Place<'p>(&'p Places);

impl Places {
    /// Creates this number of places, at least 2, all of them free.
    pub(super) fn new(number: usize) -> Self {
        Places {
            free: Mutex::new(number.max(2)),
            changed: Condvar::new(),
        }
    }

    /// Occupies a place; waits until one is free.
    pub(super) fn occupy(&self) -> Place<'_> {
        let mut free = self.free.lock();
        while *free == 0 {
            free = self.changed.wait(free);
        }
        *free -= 1;
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // A checker that has found a deadlock unwinds: a second panic here would end the process.
        if execution_has_panicked() {
            return;
        }
        *self.0.free.lock() += 1;
        self.0.changed.notify_one();
    }
}

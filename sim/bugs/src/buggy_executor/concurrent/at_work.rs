//! The number of workers that execute transactions at once.

use std::sync::{Mutex, PoisonError};

use lockstep_sim::subject::AtWork;

/// A counter of working threads. It is invisible to a model checker, because no decision depends on it.
#[derive(Debug)]
pub(super) struct Attendance(Mutex<Counts>);

#[derive(Debug)]
struct Counts {
    now: usize,
    seen: AtWork,
}

impl Attendance {
    pub(super) const fn new(limit: usize) -> Self {
        let seen = AtWork { limit, most: 0 };
        Attendance(Mutex::new(Counts { now: 0, seen }))
    }

    /// Counts a worker that begins a transaction.
    pub(super) fn enter(&self) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.now += 1;
        counts.seen.most = counts.seen.most.max(counts.now);
    }

    /// Counts a worker that has ended its transaction.
    pub(super) fn leave(&self) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.now -= 1;
    }

    pub(super) fn seen(&self) -> AtWork {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).seen
    }
}

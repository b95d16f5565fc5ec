//! How many workers are at work at once.

use std::sync::{Mutex, PoisonError};

use lockstep_sim::subject::AtWork;

/// Counts who is at work. A checker does not see it: it decides nothing.
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

    /// Somebody comes.
    pub(super) fn comes(&self) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.now += 1;
        counts.seen.most = counts.seen.most.max(counts.now);
    }

    /// Somebody goes who came.
    pub(super) fn goes(&self) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.now -= 1;
    }

    pub(super) fn seen(&self) -> AtWork {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).seen
    }
}

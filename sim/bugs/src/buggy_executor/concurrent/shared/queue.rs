//! The queue of the transactions of a block, which holds each back until its batch may begin.

use lockstep_core::model::Outcome;

use super::sync::{Condvar, Mutex};
use crate::buggy_executor::concurrent::ThreadBug;

/// The transactions of a block in the order of their batches. A position is a place in that order.
pub(super) struct Queue {
    /// The transaction at each position.
    order: Vec<usize>,
    /// Start and end of the batch of each position.
    batches: Vec<(usize, usize)>,
    state: Mutex<QueueState>,
    changed: Condvar,
    bug: Option<ThreadBug>,
}

struct QueueState {
    /// The next position that no worker has.
    next: usize,
    finished: usize,
    /// End of the last batch whose last transaction is finished; used only by a bug.
    latched: usize,
    is_stopped: bool,
    /// The results by position.
    filed: Vec<Option<Filed>>,
}

/// The filed result of a transaction.
#[derive(Clone)]
pub(super) struct Filed {
    pub(super) outcome: Outcome,
    /// True if it was retried after a panic.
    pub(super) is_second_try: bool,
}

impl Queue {
    pub(super) fn new(batches: &[Vec<usize>], bug: Option<ThreadBug>) -> Self {
        let mut bounds = Vec::new();
        for batch in batches {
            let start = bounds.len();
            bounds.resize(start + batch.len(), (start, start + batch.len()));
        }
        Queue {
            order: batches.concat(),
            state: Mutex::new(QueueState {
                next: 0,
                finished: 0,
                latched: 0,
                is_stopped: false,
                filed: vec![None; bounds.len()],
            }),
            batches: bounds,
            changed: Condvar::new(),
            bug,
        }
    }

    /// Returns the transaction at a position.
    pub(super) fn transaction(&self, position: usize) -> usize {
        self.order[position]
    }

    /// Files the result of this worker, and returns the position of its next transaction. Waits until its
    /// batch may begin, unless it is taken `early`.
    pub(super) fn next(&self, done: Option<(usize, Filed)>, early: bool) -> Option<usize> {
        let mut state = self.state.lock();
        if let Some((position, filed)) = done {
            state.filed[position] = Some(filed);
            state.finished += 1;
            let (_, end) = self.batches[position];
            if position + 1 == end {
                state.latched = state.latched.max(end);
            }
            self.changed.notify_all();
        }
        if state.is_stopped || state.next == self.order.len() {
            return None;
        }
        let position = state.next;
        state.next += 1;
        if !early {
            while !self.may_begin(&state, position) {
                state = self.changed.wait(state);
            }
        }
        (!state.is_stopped).then_some(position)
    }

    /// Waits until the batch of this position may begin.
    pub(super) fn begin(&self, position: usize) {
        let mut state = self.state.lock();
        while !self.may_begin(&state, position) {
            state = self.changed.wait(state);
        }
    }

    /// True if every transaction before the batch of this position is finished, or the queue is stopped.
    fn may_begin(&self, state: &QueueState, position: usize) -> bool {
        let (start, _) = self.batches[position];
        let finished = match self.bug {
            Some(ThreadBug::DoneFlagLatched) => state.latched.max(state.finished),
            _ => state.finished,
        };
        state.is_stopped || finished >= start
    }

    /// Files the result of a transaction before it is finished.
    pub(super) fn file(&self, position: usize, filed: Filed) {
        let mut state = self.state.lock();
        state.filed[position] = Some(filed);
        self.changed.notify_all();
    }

    /// Waits until all results are filed.
    pub(super) fn wait_for_results(&self) {
        let mut state = self.state.lock();
        while !(state.is_stopped || state.filed.iter().all(Option::is_some)) {
            state = self.changed.wait(state);
        }
    }

    /// Stops the queue: no further transaction begins.
    pub(super) fn stop(&self) {
        self.state.lock().is_stopped = true;
        self.changed.notify_all();
    }

    /// Returns the filed results in the order of transactions.
    pub(super) fn results(&self) -> Vec<Outcome> {
        let state = self.state.lock();
        let mut results: Vec<(bool, usize, Outcome)> = self
            .order
            .iter()
            .zip(&state.filed)
            .filter_map(|(index, filed)| {
                let Filed {
                    outcome,
                    is_second_try,
                } = filed.clone()?;
                let is_late = is_second_try && self.bug == Some(ThreadBug::ResultIndexLost);
                Some((is_late, *index, outcome))
            })
            .collect();
        results.sort_by_key(|(is_late, index, _)| (*is_late, *index));
        results.into_iter().map(|(_, _, outcome)| outcome).collect()
    }
}

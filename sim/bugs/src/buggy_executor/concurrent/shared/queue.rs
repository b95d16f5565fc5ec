//! What is executed next, and when its batch may begin.

use lockstep_core::model::Outcome;

use super::sync::{Condvar, Mutex};
use crate::buggy_executor::concurrent::ThreadBug;

/// The transactions of a block in the order of their batches. A position is a place in that order.
pub(super) struct Queue {
    /// The transaction at each position.
    order: Vec<usize>,
    /// Where the batch of each position begins and ends.
    batches: Vec<(usize, usize)>,
    state: Mutex<State>,
    changed: Condvar,
    bug: Option<ThreadBug>,
}

struct State {
    /// The next position that nobody has.
    next: usize,
    finished: usize,
    /// Only a bug looks at this: where the last batch ends of which the last one is finished.
    latched: usize,
    is_stopped: bool,
    /// By position.
    filed: Vec<Option<Filed>>,
}

/// What became of a transaction.
#[derive(Clone)]
pub(super) struct Filed {
    pub(super) outcome: Outcome,
    /// Whether it was tried again after a panic.
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
            state: Mutex::new(State {
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

    /// The transaction at a position.
    pub(super) fn transaction(&self, position: usize) -> usize {
        self.order[position]
    }

    /// Says what this worker has finished, and gives it something to do: its position. Waits until
    /// its batch may begin, unless it is taken `early`.
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

    /// Everything before the batch is finished; then nothing else is, for that could not begin.
    fn may_begin(&self, state: &State, position: usize) -> bool {
        let (start, _) = self.batches[position];
        let finished = match self.bug {
            Some(ThreadBug::DoneFlagLatched) => state.latched.max(state.finished),
            _ => state.finished,
        };
        state.is_stopped || finished >= start
    }

    /// Files what becomes of a transaction before it is finished.
    pub(super) fn file(&self, position: usize, filed: Filed) {
        let mut state = self.state.lock();
        state.filed[position] = Some(filed);
        self.changed.notify_all();
    }

    /// Waits until everything is filed.
    pub(super) fn wait_for_results(&self) {
        let mut state = self.state.lock();
        while !(state.is_stopped || state.filed.iter().all(Option::is_some)) {
            state = self.changed.wait(state);
        }
    }

    /// Nothing else is begun.
    pub(super) fn stop(&self) {
        self.state.lock().is_stopped = true;
        self.changed.notify_all();
    }

    /// What became of each transaction, by its index; what is not filed is left out.
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

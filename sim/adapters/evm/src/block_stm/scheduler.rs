//! The scheduler: which transaction is executed or validated next.
//!
//! Knows neither keys nor values. One lock guards all of it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::bug::Bug;
use super::pace::Pace;
use crate::execution::Failure;

/// A piece of work, claimed by one worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Task {
    /// Executes a transaction, for the n-th time.
    Execute(usize, usize),
    /// Validates the n-th execution of a transaction.
    Validate(usize, usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Ready,
    Executing,
    Executed,
    Aborted,
}

#[derive(Debug)]
struct Inner {
    execution: usize,
    validation: usize,
    active: usize,
    /// Phase and incarnation of every transaction.
    status: Vec<(Phase, usize)>,
    /// The transactions that wait for one.
    waiters: Vec<Vec<usize>>,
    executions: usize,
    /// Workers that found nothing to do since the last change.
    idle: Vec<bool>,
    changes: u64,
    is_done: bool,
    failure: Option<Failure>,
}

/// The scheduler of one block.
#[derive(Debug)]
pub(super) struct Scheduler {
    inner: Mutex<Inner>,
    changed: Condvar,
    bug: Option<Bug>,
}

impl Scheduler {
    pub(super) fn new(transactions: usize, workers: usize, bug: Option<Bug>) -> Self {
        let inner = Inner {
            execution: 0,
            validation: 0,
            active: 0,
            status: vec![(Phase::Ready, 0); transactions],
            waiters: vec![Vec::new(); transactions],
            executions: 0,
            idle: vec![false; workers],
            changes: 0,
            is_done: transactions == 0,
            failure: None,
        };
        Self {
            inner: Mutex::new(inner),
            changed: Condvar::new(),
            bug,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks a change: idle workers look again.
    fn change(&self, inner: &mut Inner) {
        inner.changes += 1;
        inner.idle.fill(false);
        inner.is_done |= inner.is_complete();
        self.changed.notify_all();
    }

    /// The failure and the number of executions.
    pub(super) fn end(&self) -> (Option<Failure>, usize) {
        let inner = self.lock();
        (inner.failure.clone(), inner.executions)
    }

    /// True if every worker is to leave.
    pub(super) fn is_done(&self) -> bool {
        self.lock().is_done
    }

    /// Ends the block with a failure; the first one counts.
    pub(super) fn fail(&self, failure: Failure) {
        let mut inner = self.lock();
        inner.failure.get_or_insert(failure);
        inner.is_done = true;
        self.change(&mut inner);
    }

    /// The next task for `worker`, `None` when the block is done.
    pub(super) fn next(&self, pace: &Pace, worker: usize) -> Option<Task> {
        loop {
            pace.pause(worker);
            let mut inner = self.lock();
            if inner.is_done {
                return None;
            }
            if self.bug == Some(Bug::DoneBeforeCounted) && inner.validation < inner.execution {
                if let Some(task) = inner.claim_validation() {
                    // It is claimed, and not yet counted as under way.
                    inner.active -= 1;
                    self.change(&mut inner);
                    drop(inner);
                    pace.pause(worker);
                    self.lock().active += 1;
                    return Some(task);
                }
                self.change(&mut inner);
                continue;
            }
            let task = if inner.validation < inner.execution {
                inner.claim_validation()
            } else if inner.execution < inner.status.len() {
                inner.claim_execution()
            } else {
                self.rest(inner, pace, worker);
                continue;
            };
            self.change(&mut inner);
            if task.is_some() {
                return task;
            }
        }
    }

    /// Waits for a change; when every worker does, the block is stuck.
    fn rest(&self, mut inner: MutexGuard<'_, Inner>, pace: &Pace, worker: usize) {
        inner.idle[worker] = true;
        if inner.idle.iter().all(|idle| *idle) {
            inner.failure.get_or_insert(Failure::Stuck);
            inner.is_done = true;
            self.changed.notify_all();
        } else if pace.is_drawn() {
            drop(inner);
            pace.wait_for_others(worker);
        } else {
            let seen = inner.changes;
            while inner.changes == seen && !inner.is_done {
                let woken = self.changed.wait(inner);
                inner = woken.unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Lets `transaction`, which is executing, wait for `blocking`; false if there is nothing to wait
    /// for any more.
    pub(super) fn wait_for(
        &self,
        (transaction, blocking): (usize, usize),
        pace: &Pace,
        worker: usize,
    ) -> bool {
        let mut inner = self.lock();
        if inner.status[blocking].0 == Phase::Executed {
            inner.count_execution();
            return false;
        }
        if self.bug == Some(Bug::LostWake) {
            drop(inner);
            pace.pause(worker);
            inner = self.lock();
        }
        inner.status[transaction].0 = Phase::Aborted;
        inner.waiters[blocking].push(transaction);
        inner.active -= 1;
        self.change(&mut inner);
        true
    }

    /// Ends an execution, wakes those who wait for it, and may hand out its validation.
    pub(super) fn finish_execution(&self, transaction: usize, wrote_new: bool) -> Option<Task> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        inner.status[transaction].0 = Phase::Executed;
        let incarnation = inner.status[transaction].1;
        for waiter in std::mem::take(&mut inner.waiters[transaction]) {
            inner.make_ready(waiter);
        }
        let mut task = None;
        if inner.validation > transaction {
            if wrote_new && self.bug != Some(Bug::ValidatedOnce) {
                inner.validation = transaction;
            } else {
                task = Some(Task::Validate(transaction, incarnation));
            }
        }
        inner.active -= usize::from(task.is_none());
        self.change(inner);
        task
    }

    /// Aborts an execution whose validation failed; false if another worker was first.
    pub(super) fn abort(&self, transaction: usize, incarnation: usize) -> bool {
        let mut inner = self.lock();
        let is_first = inner.status[transaction] == (Phase::Executed, incarnation);
        if is_first {
            inner.status[transaction].0 = Phase::Aborted;
        }
        is_first
    }

    /// Ends a validation, and may hand out the next execution of an aborted transaction.
    pub(super) fn finish_validation(&self, transaction: usize, is_aborted: bool) -> Option<Task> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let mut task = None;
        if is_aborted {
            let is_claimed = inner.execution > transaction;
            inner.status[transaction] = (Phase::Ready, inner.status[transaction].1 + 1);
            if self.bug != Some(Bug::ValidatedOnce) {
                inner.validation = inner.validation.min(transaction + 1);
            }
            if is_claimed {
                inner.status[transaction].0 = Phase::Executing;
                task = Some(inner.execute(transaction));
            }
        }
        inner.active -= usize::from(task.is_none());
        self.change(inner);
        task
    }
}

impl Inner {
    fn is_complete(&self) -> bool {
        let is_claimed = self.execution.min(self.validation) >= self.status.len();
        // A transaction that waits for a wake that never comes is not complete: the block is stuck.
        is_claimed && self.active == 0 && self.status.iter().all(|it| it.0 == Phase::Executed)
    }

    fn claim_validation(&mut self) -> Option<Task> {
        let transaction = self.validation;
        self.validation += 1;
        let (phase, incarnation) = self.status[transaction];
        (phase == Phase::Executed).then(|| {
            self.active += 1;
            Task::Validate(transaction, incarnation)
        })
    }

    fn claim_execution(&mut self) -> Option<Task> {
        let transaction = self.execution;
        self.execution += 1;
        (self.status[transaction].0 == Phase::Ready).then(|| {
            self.active += 1;
            self.status[transaction].0 = Phase::Executing;
            self.execute(transaction)
        })
    }

    fn execute(&mut self, transaction: usize) -> Task {
        self.count_execution();
        Task::Execute(transaction, self.status[transaction].1)
    }

    /// Counts an execution; more than any order of work needs have no end.
    fn count_execution(&mut self) {
        self.executions += 1;
        let limit = 1_000 + 100 * self.status.len();
        if self.executions > limit {
            self.failure.get_or_insert(Failure::Endless);
            self.is_done = true;
        }
    }

    fn make_ready(&mut self, transaction: usize) {
        self.status[transaction] = (Phase::Ready, self.status[transaction].1 + 1);
        self.execution = self.execution.min(transaction);
    }
}

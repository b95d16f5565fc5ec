//! One run of a campaign, executed once or twice.

use crate::coverage::Coverage;
use crate::digest::Digest;
use crate::trace::{self, Difference, Observation, Trace};
use crate::violation::Failure;

use super::Workload;
use super::plan::RunId;

/// Result of executing a case once.
#[derive(Clone, Debug)]
pub struct Execution {
    /// Coverage points that it reached.
    pub coverage: Coverage,
    /// Observations, in order.
    pub trace: Trace,
    /// The hash of everything that was observed, or why there is none.
    pub outcome: Result<Digest, Failure>,
}

/// Result of one run.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The run.
    pub run: RunId,
    /// Coverage points that it reached.
    pub coverage: Coverage,
    /// Observations, in order.
    pub trace: Vec<Observation>,
    /// The hash of everything that was observed, or why there is none.
    pub outcome: Result<Digest, Failure>,
    /// Number of repetitions that were compared, here or in another process.
    pub repeated: u64,
    /// First observation that is not the same in two executions.
    pub difference: Option<Difference>,
}

/// Executions of a run that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// The case as it is written.
    First,
    /// The case with another hash seed and other numbers of workers. No result depends on them.
    Repeated,
    /// The one after the other, and compared.
    Both,
}

impl Ended {
    /// A run that failed before anything of it was known.
    #[must_use]
    pub fn failed(run: RunId, failure: Failure) -> Self {
        Ended {
            run,
            coverage: Coverage::default(),
            trace: Vec::new(),
            outcome: Err(failure),
            repeated: 0,
            difference: None,
        }
    }

    /// Compares with the same run executed another time. A violation that only the other execution
    /// shows is a violation like any other.
    pub fn compare(&mut self, outcome: Result<Digest, Failure>, observed: &[Observation]) {
        if self.outcome.is_err() || self.difference.is_some() {
            return;
        }
        self.repeated += 1;
        match outcome {
            Err(failure) => self.outcome = Err(failure),
            Ok(_) => self.difference = trace::first_difference(&self.trace, observed),
        }
    }
}

/// Draws a run and executes it.
pub fn one_run<W: Workload>(workload: &W, run: RunId, repetition: Repetition) -> Ended {
    let (_, case) = workload.draw(run);
    let mut ended = once(workload, run, &case, repetition == Repetition::Repeated);
    if repetition == Repetition::Both && ended.outcome.is_ok() {
        let repeated = once(workload, run, &case, true);
        ended.compare(repeated.outcome, &repeated.trace);
    }
    ended
}

fn once<W: Workload>(workload: &W, run: RunId, case: &W::Case, is_repeated: bool) -> Ended {
    let execution = workload.execute(case, is_repeated);
    Ended {
        run,
        coverage: execution.coverage,
        trace: execution.trace.into_observations(),
        outcome: execution.outcome,
        repeated: 0,
        difference: None,
    }
}

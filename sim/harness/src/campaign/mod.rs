//! Campaign: many runs of one workload, and one verdict over them.
//!
//! A [`Workload`] draws the case of a run from its seed, executes a case, and names the coverage points
//! that a campaign must reach. A [`Campaign`] does none of it: it chooses the next run and takes the
//! results of runs in their order, wherever they were executed. [`run`] executes them in this process;
//! a program may execute them in others, several at once, and the verdict is the same.
//!
//! *Guarantees.* The same plan and workload give the same verdict, findings and digest, unless
//! the plan ends by the clock. Before the first run the workload's self-check has to find seeded bugs,
//! or the campaign ends there. A run of which two executions differ ends it. A campaign that found
//! nothing and missed a required coverage point is vacuous.

mod lanes;
mod plan;
mod run;
mod turns;
mod verdict;

pub use lanes::run_on_lanes;
pub use plan::{Enough, Plan, RunId, Runs, Shard};
pub use run::{Ended, Execution, Repetition, one_run};
pub use turns::{Turn, Turns};
pub use verdict::{Finding, SelfCheckFailed, Summary, Verdict, describe};

use std::fmt;
use std::io::Write as _;
use std::time::Duration;

use crate::coverage::Coverage;
use crate::digest::Digest;
use crate::signature::signature;
use crate::violation::{Failure, Violation};
use crate::watchdog::{Silence, WorkerNotes, watch};

/// The workload of a campaign: draws cases and executes them.
pub trait Workload {
    /// Everything that one run depends on, as plain data.
    type Case;
    /// Parameters of a case, printed in words before the run.
    type Profile: fmt::Display;

    /// The system whose coverage points its runs count.
    fn system(&self) -> &'static str;

    /// Draws a run; everything depends on its id and on how this workload was set up.
    fn draw(&self, run: RunId) -> (Self::Profile, Self::Case);

    /// The profile alone, where that is cheaper than [`Workload::draw`].
    fn profile(&self, run: RunId) -> Self::Profile {
        self.draw(run).0
    }

    /// Executes a case once. With `is_repeated` everything on which no result may depend is another:
    /// hash seeds, numbers of workers.
    fn execute(&self, case: &Self::Case, is_repeated: bool) -> Execution;

    /// Executes seeded bugs; returns the ids of those that were found.
    ///
    /// # Errors
    ///
    /// [`SelfCheckFailed`] for the first that was not, or not by the invariant that must.
    fn self_check(&self, seed: u64) -> Result<Vec<String>, SelfCheckFailed>;

    /// Notes of the workers of its systems under test, for a watchdog.
    fn worker_notes(&self) -> WorkerNotes {
        WorkerNotes::NONE
    }

    /// Makes the violation of a run that falls silent.
    fn of_silence(&self) -> fn(&Silence) -> Violation {
        Silence::violation
    }

    /// Names of the coverage points that a campaign which ends now must have reached and has not.
    /// `is_whole`: it had all its runs, and is no shard and no run that was chosen by hand.
    fn missing(&self, coverage: &Coverage, runs: u64, is_whole: bool) -> Vec<&'static str>;
}

/// Watches a campaign that is executed in this process.
pub trait Observer<P> {
    /// Called when a run begins.
    fn drawn(&mut self, run: RunId, profile: &P);
    /// Called when a run ended.
    fn ended(&mut self, profile: &P, ended: &Ended);
    /// Time since the campaign began.
    fn elapsed(&self) -> Duration;
    /// Called for the first violation of each kind, as soon as it is found. The campaign may go on.
    fn found(&mut self, _: RunId, _: &Violation) {}
    /// True if a person asked the campaign to end.
    fn is_interrupted(&self) -> bool {
        false
    }
}

/// An observer that does nothing. For a plan that does not end by the clock: no time goes by.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl<P> Observer<P> for Unwatched {
    fn drawn(&mut self, _: RunId, _: &P) {}
    fn ended(&mut self, _: &P, _: &Ended) {}
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

/// A campaign in progress: the results so far, and the choice of the next run.
pub struct Campaign<'p, W: Workload> {
    plan: &'p Plan,
    workload: &'p W,
    runs: u64,
    repeated: u64,
    coverage: Coverage,
    digest: blake3::Hasher,
    findings: Vec<Finding<W::Case>>,
    self_checks: Vec<String>,
    stopped_by: Option<Verdict<W::Case>>,
}

impl<'p, W: Workload> Campaign<'p, W> {
    /// Creates a campaign that has not begun. Executes the workload's self-check: one that fails ends
    /// it at once.
    #[must_use]
    pub fn new(plan: &'p Plan, workload: &'p W) -> Self {
        let seed = plan.run(0).map_or(0, |run| run.seed);
        let (self_checks, stopped_by) = match plan.is_self_checked {
            false => (Vec::new(), None),
            true => match workload.self_check(seed) {
                Ok(found) => (found, None),
                Err(failed) => (Vec::new(), Some(Verdict::SelfCheckFailed(failed))),
            },
        };
        Campaign {
            plan,
            workload,
            runs: 0,
            repeated: 0,
            coverage: Coverage::default(),
            digest: blake3::Hasher::new(),
            findings: Vec::new(),
            self_checks,
            stopped_by,
        }
    }

    /// The index of the next run, and the run; `None` where the campaign is over.
    #[must_use]
    pub fn next(&self, elapsed: Duration) -> Option<(u64, RunId)> {
        if self.stopped_by.is_some() || self.findings() >= self.plan.most_findings.max(1) as u64 {
            return None;
        }
        let is_enough = match &self.plan.enough {
            Enough::Time(duration) => elapsed >= *duration,
            Enough::Totals(totals) => totals.iter().all(|(quantity, least)| {
                self.coverage.total(quantity) >= least.div_ceil(self.plan.shard.of)
            }),
            Enough::AllRuns => false,
        };
        match is_enough {
            true => None,
            false => self.plan.run(self.runs).map(|run| (self.runs, run)),
        }
    }

    fn findings(&self) -> u64 {
        self.findings.iter().map(|finding| finding.times).sum()
    }

    /// Takes the result of the next run.
    pub fn take(&mut self, ended: &Ended) {
        self.repeated += ended.repeated;
        match &ended.outcome {
            Err(Failure::Infrastructure(reason)) => {
                self.stop(Verdict::Infrastructure {
                    run: Some(ended.run),
                    reason: reason.clone(),
                });
                return;
            }
            Err(Failure::Violation(violation)) => self.found(ended.run, violation),
            Ok(observed) => {
                self.digest.update(&observed.0);
            }
        }
        self.coverage.add(&ended.coverage);
        self.runs += 1;
        if let Some(difference) = &ended.difference {
            self.stop(Verdict::NotDeterministic {
                run: ended.run,
                difference: difference.clone(),
            });
        }
    }

    /// Executes run after run with `execute`, which is given the index of a run and its id, until the
    /// plan is fulfilled or something ends the campaign. `execute` returns `None` where the observer was
    /// interrupted meanwhile.
    pub fn go_on(
        &mut self,
        observer: &mut impl Observer<W::Profile>,
        mut execute: impl FnMut(u64, RunId) -> Option<Ended>,
    ) {
        while let Some((index, run)) = self.next(observer.elapsed()) {
            if observer.is_interrupted() {
                return self.stop(Verdict::Interrupted);
            }
            let profile = self.workload.profile(run);
            observer.drawn(run, &profile);
            let Some(ended) = execute(index, run) else {
                return self.stop(Verdict::Interrupted);
            };
            observer.ended(&profile, &ended);
            let known = self.findings.len();
            self.take(&ended);
            for finding in &self.findings[known..] {
                observer.found(finding.run, &finding.violation);
            }
        }
    }

    /// Ends the campaign with a verdict, unless an earlier one ended it.
    pub fn stop(&mut self, verdict: Verdict<W::Case>) {
        self.stopped_by.get_or_insert(verdict);
    }

    /// Adds a seeded bug that was found outside of the workload's own self-check.
    pub fn saw(&mut self, seeded_bug: &str) {
        if self.stopped_by.is_none() {
            self.self_checks.push(seeded_bug.to_owned());
        }
    }

    fn found(&mut self, run: RunId, violation: &Violation) {
        let new = signature(violation);
        let known = self
            .findings
            .iter_mut()
            .find(|finding| signature(&finding.violation) == new);
        match known {
            Some(finding) => finding.times += 1,
            None => self.findings.push(Finding {
                run,
                violation: violation.clone(),
                case: Box::new(self.workload.draw(run).1),
                times: 1,
            }),
        }
    }

    /// The verdict over what it has taken.
    #[must_use]
    pub fn conclude(self) -> Summary<W::Case> {
        let is_whole = self.plan.is_whole();
        let missing = self.workload.missing(&self.coverage, self.runs, is_whole);
        let (verdict, besides) = match (self.findings.is_empty(), self.stopped_by) {
            (true, Some(verdict)) => (verdict, None),
            (true, None) if !missing.is_empty() => (Verdict::Vacuous { missing }, None),
            (true, None) => (Verdict::Passed, None),
            (false, stopped_by) => {
                let findings = self.findings;
                (Verdict::Violated { findings }, stopped_by.map(Box::new))
            }
        };
        Summary {
            verdict,
            besides,
            runs: self.runs,
            repeated: self.repeated,
            coverage: self.coverage,
            self_checks: self.self_checks,
            digest: Digest(self.digest.finalize().into()),
        }
    }
}

/// Executes a campaign in this process: self-check first, then run after run, until the plan is
/// fulfilled or something ends it.
///
/// A run that does not end ends the process, because a thread cannot be ended: its violation
/// ([`Workload::of_silence`]) is printed with the run, and gives the exit code, mostly
/// [`ExitCode::Hang`](crate::exit::ExitCode::Hang). A program that goes on after it executes runs in
/// [processes](crate::processes).
pub fn run<W: Workload>(
    plan: &Plan,
    workload: &W,
    observer: &mut impl Observer<W::Profile>,
) -> Summary<W::Case> {
    let mut campaign = Campaign::new(plan, workload);
    campaign.go_on(observer, |index, run| {
        Some(watched_run(plan, workload, index, run))
    });
    campaign.conclude()
}

/// Executes one run as its plan says. One that does not end is printed, and ends the process.
fn watched_run<W: Workload>(plan: &Plan, workload: &W, index: u64, run: RunId) -> Ended {
    let repetition = match plan.is_repeated(index) {
        true => Repetition::Both,
        false => Repetition::First,
    };
    let of_silence = workload.of_silence();
    let report = move |silence: Silence| {
        let violation = of_silence(&silence);
        // The process ends with it; that standard output is closed changes nothing.
        let _ = writeln!(std::io::stdout(), "violated: {}", describe(run, &violation));
        std::process::exit(violation.exit_code().number().into())
    };
    let notes = workload.worker_notes();
    let execute = || one_run(workload, run, repetition);
    watch(plan.run_timeout, notes, report, execute)
}

#[cfg(test)]
mod tests;

//! Many runs, and the verdict over all of them.
//!
//! [`run`] does all of it in this process, on whoever is put on [trial](OnTrial). A [`Campaign`] is
//! the same without the doing: it says which run is next and takes what the runs came to, in their
//! order, wherever they were done. So the program does them in other processes, several at once,
//! and the verdict cannot tell.

mod blindness;
mod on_trial;
mod one;
mod plan;
mod verdict;

pub use on_trial::{Circumstances, CoreOnTrial, OnTrial};
pub use one::{Ended, Time, one_run};
pub use plan::{Case, Cases, Enough, Plan, Shard};
pub use verdict::{Finding, Summary, Verdict};

use std::path::Path;
use std::time::Duration;

use lockstep_core::model::Hash;

use crate::fleet;
use crate::generate::Profile;
use crate::reproducer::Reproducer;
use crate::scenario::Scenario;
use crate::shrink::{self, Shrunk};
use crate::tally::Tally;
use crate::trial;
use lockstep_harness::violation::{Failure, Violation};

/// Who watches a campaign.
pub trait Observer {
    /// A run begins.
    fn drawn(&mut self, case: Case, profile: &Profile);
    /// A run ended.
    fn ended(&mut self, profile: &Profile, ended: &Ended);
    /// How long the campaign has been going on.
    fn elapsed(&self) -> Duration;
}

/// Nobody watches. For a plan whose end does not depend on the time: none goes by.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Observer for Unwatched {
    fn drawn(&mut self, _: Case, _: &Profile) {}
    fn ended(&mut self, _: &Profile, _: &Ended) {}
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

/// A campaign that goes on: which run is next, and what those before it came to.
#[derive(Clone, Debug)]
pub struct Campaign<'p> {
    plan: &'p Plan,
    runs: u64,
    again: u64,
    tally: Tally,
    digest: blake3::Hasher,
    findings: Vec<Finding>,
    stopped_by: Option<Verdict>,
}

impl<'p> Campaign<'p> {
    /// One that has not begun. Looks at the planted defects first: a judge that does not see them
    /// ends it at once.
    #[must_use]
    pub fn new(plan: &'p Plan) -> Self {
        let seed = plan.case(0).map_or(0, |case| case.seed);
        Campaign {
            plan,
            runs: 0,
            again: 0,
            tally: Tally::default(),
            digest: blake3::Hasher::new(),
            findings: Vec::new(),
            stopped_by: blindness::blindness(seed),
        }
    }

    /// The index of the next run, and the run; `None` where the campaign is over.
    #[must_use]
    pub fn next(&self, elapsed: Duration) -> Option<(u64, Case)> {
        if self.stopped_by.is_some() || self.findings() >= self.plan.most_findings.max(1) as u64 {
            return None;
        }
        let is_enough = match self.plan.enough {
            Enough::Time(duration) => elapsed >= duration,
            Enough::Taken {
                blocks,
                transactions,
            } => {
                let of = self.plan.shard.of;
                self.tally.blocks >= blocks.div_ceil(of)
                    && self.tally.transactions >= transactions.div_ceil(of)
            }
            Enough::AllCases => false,
        };
        match is_enough {
            true => None,
            false => self.plan.case(self.runs).map(|case| (self.runs, case)),
        }
    }

    fn findings(&self) -> u64 {
        self.findings.iter().map(|finding| finding.times).sum()
    }

    /// Takes what the next run came to.
    pub fn take(&mut self, ended: &Ended) {
        self.again += ended.again;
        match &ended.outcome {
            Err(Failure::Infrastructure(reason)) => {
                self.stop(Verdict::Infrastructure {
                    case: Some(ended.case),
                    reason: reason.clone(),
                });
                return;
            }
            Err(Failure::Violation(violation)) => self.found(ended.case, violation),
            Ok(observed) => {
                self.digest.update(&observed.0);
            }
        }
        self.tally.add(&ended.tally);
        self.runs += 1;
        if let Some(difference) = &ended.difference {
            self.stop(Verdict::NotDeterministic {
                case: ended.case,
                difference: difference.clone(),
            });
        }
    }

    /// Ends it, whatever is next.
    pub fn stop(&mut self, verdict: Verdict) {
        self.stopped_by.get_or_insert(verdict);
    }

    fn found(&mut self, case: Case, violation: &Violation) {
        let signature = fleet::signature(violation);
        let known = self
            .findings
            .iter_mut()
            .find(|finding| fleet::signature(&finding.violation) == signature);
        match known {
            Some(finding) => finding.times += 1,
            None => self.findings.push(Finding {
                case,
                violation: violation.clone(),
                reproducer: Box::new(Reproducer::new(
                    &violation.invariant,
                    self.plan.scenario(case),
                )),
                times: 1,
            }),
        }
    }

    /// The verdict over what it has taken.
    #[must_use]
    pub fn conclude(self) -> Summary {
        let missing = missing(self.plan, &self.tally);
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
            again: self.again,
            tally: self.tally,
            digest: Hash(self.digest.finalize().into()),
        }
    }
}

/// What a campaign must have reached and did not.
fn missing(plan: &Plan, tally: &Tally) -> Vec<&'static str> {
    if tally.applied == 0 {
        return vec!["an applied transaction"];
    }
    match plan.is_whole() {
        true => tally.missing(plan.preset),
        false => Vec::new(),
    }
}

/// Runs a campaign in this process: canaries first, then run after run, until the plan is fulfilled
/// or something is found.
pub fn run(plan: &Plan, on_trial: &dyn OnTrial, observer: &mut impl Observer) -> Summary {
    let mut campaign = Campaign::new(plan);
    while let Some((index, case)) = campaign.next(observer.elapsed()) {
        let profile = plan.profile(case);
        observer.drawn(case, &profile);
        let time = match plan.is_twice(index) {
            true => Time::Twice,
            false => Time::First,
        };
        let ended = one_run(plan, case, time, on_trial);
        observer.ended(&profile, &ended);
        campaign.take(&ended);
    }
    campaign.conclude()
}

/// Runs one scenario on core executed in every way in memory, and on core in a redb file in this
/// folder, which is made anew.
///
/// # Errors
///
/// As [`trial::run`].
pub fn on_core(scenario: &Scenario, folder: &Path, tally: &mut Tally) -> Result<Hash, Failure> {
    let folder = folder.to_path_buf();
    on(scenario, &CoreOnTrial { folder }, None, tally)
}

/// Shrinks a run that ended so on core, as [`shrink_on`] does.
#[must_use]
pub fn shrink(scenario: &Scenario, violation: &Violation, folder: &Path, budget: u64) -> Shrunk {
    let folder = folder.to_path_buf();
    shrink_on(scenario, violation, &CoreOnTrial { folder }, budget)
}

/// Shrinks a run that ended so. What comes out violates the same invariant, wherever.
///
/// Costs `budget` runs at the most, and two.
#[must_use]
pub fn shrink_on(
    scenario: &Scenario,
    violation: &Violation,
    on_trial: &dyn OnTrial,
    budget: u64,
) -> Shrunk {
    let shows = |candidate: &Scenario, only: Option<&str>| match on(
        candidate,
        on_trial,
        only,
        &mut Tally::default(),
    ) {
        Err(Failure::Violation(violation)) => Some(violation.invariant),
        _ => None,
    };
    let invariant = violation.invariant.as_str();
    // One subject is asked in an eighth of the time. It may need the others to be wrong, as two
    // that differ do, and then all of them are asked.
    let alone = Some(violation.subject.as_str());
    let mut spent = 0;
    if shows(scenario, alone).as_deref() == Some(invariant) {
        let shrunk = shrink::shrink(scenario, invariant, budget, &|candidate| {
            shows(candidate, alone)
        });
        if shows(&shrunk.smallest, None).as_deref() == Some(invariant) {
            return shrunk;
        }
        spent = shrunk.candidates;
    }
    let mut shrunk = shrink::shrink(
        scenario,
        invariant,
        budget.saturating_sub(spent),
        &|candidate| shows(candidate, None),
    );
    shrunk.candidates += spent;
    shrunk.budget = budget;
    shrunk
}

/// Runs one scenario on whoever is on trial, on one subject only where one is named.
fn on(
    scenario: &Scenario,
    on_trial: &dyn OnTrial,
    only: Option<&str>,
    tally: &mut Tally,
) -> Result<Hash, Failure> {
    trial::run(
        scenario,
        &|genesis, hash_seed| {
            let circumstances = Circumstances {
                hash_seed,
                is_again: false,
                has_faults: scenario.faults().next().is_some(),
                only,
            };
            on_trial.subjects(genesis, &circumstances)
        },
        tally,
    )
}

//! Campaigns of ledgers: drawn scenarios, executed on subjects and judged against the oracle.

mod factory;
mod self_check;
mod worker_notes;

pub use factory::{Circumstances, CoreSubjects, SubjectFactory};
pub use self_check::SELF_CHECKS;
pub use worker_notes::WORKER_NOTES;

use std::path::Path;

use lockstep_harness::campaign::{Execution, RunId, SelfCheckFailed, Workload};
use lockstep_harness::coverage::Coverage;
use lockstep_harness::digest::Digest;
use lockstep_harness::shrink::Budget;
use lockstep_harness::trace::Trace;
use lockstep_harness::watchdog::WorkerNotes;

use crate::coverage::{SYSTEM, totals};
use crate::generate::{self, Preset, Profile};
use crate::scenario::Scenario;
use crate::shrink::{self, Shrunk};
use crate::trial;
use lockstep_harness::violation::{Failure, Violation};

/// Added to the hash seed of a run that is repeated.
const OTHER_HASH_SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// Number of subjects that a candidate counts for where all of them execute it: about that many execute
/// core.
const SUBJECTS: u64 = 8;

/// Focus of the points that the turns of the kinds of faults reach: a whole campaign of the default preset,
/// which alone has them, must.
const TURNS: &str = "turns";

/// Workload of one ledger, on subjects that a factory creates.
#[derive(Clone, Copy)]
pub struct Ledgers<'s> {
    /// Emphasis of all scenarios.
    pub preset: Preset,
    /// Added to the hash seed of every run. No result depends on it.
    pub hash_seed: u64,
    /// Creates the subjects of each run.
    pub subjects: &'s dyn SubjectFactory,
}

impl Workload for Ledgers<'_> {
    type Case = Scenario;
    type Profile = Profile;

    fn system(&self) -> &'static str {
        SYSTEM
    }

    fn draw(&self, run: RunId) -> (Profile, Scenario) {
        let (profile, mut scenario) = generate::of_run(run, self.preset);
        scenario.mix_into_hash_seed(self.hash_seed);
        (profile, scenario)
    }

    fn profile(&self, run: RunId) -> Profile {
        generate::profile_of_run(run, self.preset)
    }

    fn execute(&self, scenario: &Scenario, is_repeated: bool) -> Execution {
        execute(scenario, is_repeated, self.subjects)
    }

    fn self_check(&self, seed: u64) -> Result<Vec<String>, SelfCheckFailed> {
        self_check::self_check(seed)
    }

    fn worker_notes(&self) -> WorkerNotes {
        WORKER_NOTES
    }

    fn missing(&self, coverage: &Coverage, _: u64, is_whole: bool) -> Vec<&'static str> {
        match (coverage.total(totals::APPLIED), is_whole) {
            (0, _) => vec!["an applied transaction"],
            (_, true) => {
                let mut missing = coverage.missing(SYSTEM, self.preset.focus());
                if self.preset == Preset::Default {
                    missing.extend(coverage.missing(SYSTEM, Some(TURNS)));
                }
                missing
            }
            (_, false) => Vec::new(),
        }
    }
}

/// Executes a scenario on the subjects of a factory; a repetition has another hash seed and other
/// numbers of workers.
pub(crate) fn execute(
    scenario: &Scenario,
    is_repeated: bool,
    subjects: &dyn SubjectFactory,
) -> Execution {
    let (mut coverage, mut trace) = (Coverage::default(), Trace::default());
    let outcome = trial::run_traced(
        scenario,
        &|genesis, hash_seed| {
            let circumstances = Circumstances {
                hash_seed: match is_repeated {
                    true => hash_seed ^ OTHER_HASH_SEED,
                    false => hash_seed,
                },
                is_repeated,
                has_faults: scenario.faults().next().is_some(),
                workers: scenario.workers,
                only: None,
            };
            subjects.subjects(genesis, &circumstances)
        },
        &mut coverage,
        &mut trace,
    );
    Execution {
        coverage,
        trace,
        outcome,
    }
}

/// Runs one scenario on core in memory in every execution mode, and on core in a redb file in this
/// folder, which is created anew.
///
/// # Errors
///
/// As [`trial::run`].
pub fn on_core(
    scenario: &Scenario,
    folder: &Path,
    coverage: &mut Coverage,
) -> Result<Digest, Failure> {
    let folder = folder.to_path_buf();
    on(scenario, &CoreSubjects { folder }, None, coverage)
}

/// Runs one scenario on the subjects of a factory.
///
/// # Errors
///
/// As [`trial::run`].
pub fn run_on(scenario: &Scenario, subjects: &dyn SubjectFactory) -> Result<Digest, Failure> {
    on(scenario, subjects, None, &mut Coverage::default())
}

/// Shrinks a run with this violation on core, as [`shrink_on`] does.
#[must_use]
pub fn shrink<'w>(
    scenario: &Scenario,
    violation: &Violation,
    folder: &Path,
    budget: impl Into<Budget<'w>>,
) -> Shrunk {
    let folder = folder.to_path_buf();
    shrink_on(scenario, violation, &CoreSubjects { folder }, budget)
}

/// Shrinks a run with this violation. The result violates the same invariant, at any step and
/// subject.
///
/// Costs at most `budget`, and two runs more.
#[must_use]
pub fn shrink_on<'w>(
    scenario: &Scenario,
    violation: &Violation,
    subjects: &dyn SubjectFactory,
    budget: impl Into<Budget<'w>>,
) -> Shrunk {
    let budget = budget.into();
    let shows = |candidate: &Scenario, only: Option<&str>| match on(
        candidate,
        subjects,
        only,
        &mut Coverage::default(),
    ) {
        Err(Failure::Violation(violation)) => Some(violation.invariant.name.to_owned()),
        _ => None,
    };
    let invariant = violation.invariant.name;
    // One subject alone takes a part of the time. A violation may need the others, as a
    // difference between two does, and then all are run.
    let alone = Some(violation.subject.as_str());
    let (mut candidates, mut spent) = (0, 0);
    if shows(scenario, alone).as_deref() == Some(invariant) {
        let shrunk = shrink::shrink(scenario, invariant, budget, &|candidate| {
            shows(candidate, alone)
        });
        if shows(&shrunk.smallest, None).as_deref() == Some(invariant) {
            return shrunk;
        }
        candidates = shrunk.candidates;
        spent = shrunk.spent;
    }
    let rest = budget.less(spent).executed(SUBJECTS);
    let mut shrunk = shrink::shrink(scenario, invariant, rest, &|candidate| {
        shows(candidate, None)
    });
    shrunk.candidates += candidates;
    shrunk.spent += spent;
    shrunk.budget = budget.most;
    shrunk
}

/// Runs one scenario on the subjects of a factory, or on the one with this name.
fn on(
    scenario: &Scenario,
    subjects: &dyn SubjectFactory,
    only: Option<&str>,
    coverage: &mut Coverage,
) -> Result<Digest, Failure> {
    trial::run(
        scenario,
        &|genesis, hash_seed| {
            let circumstances = Circumstances {
                hash_seed,
                is_repeated: false,
                has_faults: scenario.faults().next().is_some(),
                workers: scenario.workers,
                only,
            };
            subjects.subjects(genesis, &circumstances)
        },
        coverage,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_alone_is_that_of_the_scenario() {
        let folder = std::env::temp_dir();
        for preset in Preset::ALL {
            let workload = Ledgers {
                preset,
                hash_seed: 0,
                subjects: &CoreSubjects {
                    folder: folder.clone(),
                },
            };
            for run in [RunId { seed: 3, run: 0 }, RunId { seed: 3, run: 1 }] {
                let drawn = generate::of_run(run, preset);
                assert_eq!(workload.profile(run), drawn.0);
                assert_eq!(workload.draw(run), drawn);
            }
        }
    }
}

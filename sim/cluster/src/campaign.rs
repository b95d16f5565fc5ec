//! Many runs of several nodes, one a seed, and the verdict over all of them.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use lockstep_core::model::Hash;

use super::draw::{self, NodesProfile, SIZE};
use super::planted::Defect;
use super::reached::Reached;
use super::run::{Observed, run};
use super::scenario::NodesScenario;
use super::trace::Trace;
use lockstep_harness::choice::Seeded;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::violation::{Failure, Violation};

/// A campaign of so many runs must reach everything that must be reached.
pub const WHOLE: u64 = 100;

/// A planted defect must be found within so many runs.
const CANARY_RUNS: u64 = 60;

/// A campaign of so few runs looks for no planted defect first: it was chosen by hand.
const FEW: u64 = 10;

/// What a campaign does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// A run for each of these seeds.
    pub seeds: Range<u64>,
    /// The campaign also ends after so long.
    pub duration: Option<Duration>,
    /// All nodes execute with so many workers, in place of what is drawn. No result depends on it.
    pub workers: Option<usize>,
    /// Added to the hash seeds of all nodes. No result depends on it.
    pub hash_seed: u64,
    /// One node of every run has this defect.
    pub planted: Option<Defect>,
    /// Every so many runs one is done again with other workers and hash seeds, and the two traces
    /// are compared, those of the first run included.
    pub twice_every: u64,
    /// Where the files of the ledgers are.
    pub folder: PathBuf,
}

/// One run that ended, for whoever watches.
#[derive(Clone, Debug)]
pub struct RunReport<'r> {
    /// Its seed.
    pub seed: u64,
    /// What was drawn.
    pub profile: &'r NodesProfile,
    /// What was reached in it.
    pub reached: &'r Reached,
    /// What happened, line by line.
    pub trace: &'r Trace,
    /// How it ended.
    pub outcome: Result<Observed, &'r Failure>,
}

/// Who watches a campaign.
pub trait Observer {
    /// A run begins.
    fn drawn(&mut self, seed: u64, profile: &NodesProfile);
    /// A run ended.
    fn ended(&mut self, report: &RunReport<'_>);
    /// How long the campaign has been going on.
    fn elapsed(&self) -> Duration;
}

/// How a campaign ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was found, and everything that must be reached was.
    Passed,
    /// Something that must hold did not.
    Violated {
        /// The seed of the run.
        seed: u64,
        /// What.
        violation: Violation,
        /// The run, to be done again.
        scenario: Box<NodesScenario>,
    },
    /// A run that was done again with other workers and hash seeds went another way.
    NotDeterministic {
        /// The seed of the run.
        seed: u64,
        /// The line of the trace, counted from 1.
        line: usize,
        /// What stands there the first and the second time.
        traces: [String; 2],
    },
    /// A defect that was planted was not found.
    Blind {
        /// Which.
        defect: Defect,
    },
    /// Things that must be reached were not.
    Vacuous {
        /// Which.
        missing: Vec<&'static str>,
    },
    /// The machine failed.
    Infrastructure {
        /// The seed of the run.
        seed: u64,
        /// In which way.
        reason: String,
    },
}

impl Verdict {
    /// The exit code of a process that ends so.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Verdict::Passed => ExitCode::Passed,
            Verdict::Violated { violation, .. } => violation.exit_code,
            Verdict::NotDeterministic { .. } | Verdict::Blind { .. } => ExitCode::Unreliable,
            Verdict::Vacuous { .. } => ExitCode::Vacuous,
            Verdict::Infrastructure { .. } => ExitCode::Infrastructure,
        }
    }

    /// One word for tables and records.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Violated { .. } => "violated",
            Verdict::NotDeterministic { .. } => "not deterministic",
            Verdict::Blind { .. } => "blind",
            Verdict::Vacuous { .. } => "vacuous",
            Verdict::Infrastructure { .. } => "infrastructure",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Verdict::Passed => Ok(()),
            Verdict::Violated {
                seed, violation, ..
            } => write!(
                f,
                ": {} with seed {seed}, event {}, by {}\n  {}",
                violation.invariant, violation.step, violation.subject, violation.detail
            ),
            Verdict::NotDeterministic { seed, line, traces } => write!(
                f,
                ": seed {seed} with other workers and hash seeds, line {line} of the trace\n  first      {}\n  \
                 then       {}",
                traces[0], traces[1]
            ),
            Verdict::Blind { defect } => write!(
                f,
                ": the planted defect {defect} was not found in {CANARY_RUNS} runs"
            ),
            Verdict::Vacuous { missing } => write!(f, ": never reached: {}", missing.join(", ")),
            Verdict::Infrastructure { seed, reason } => write!(f, ": with seed {seed}\n  {reason}"),
        }
    }
}

/// How a campaign ended and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How it ended.
    pub verdict: Verdict,
    /// The planted defect that was found first, and in which run.
    pub canary: Option<(Defect, u64)>,
    /// How many runs it had, those that were done twice counted once.
    pub runs: u64,
    /// How many of them were done twice.
    pub twice: u64,
    /// What was reached.
    pub reached: Reached,
    /// The run that took the most events to converge after its last fault, and its seed.
    pub slowest: Option<(u64, Observed)>,
    /// The hash of all traces.
    pub digest: Hash,
}

/// Looks for a planted defect first, then does the runs until the plan is fulfilled or something is
/// found.
pub fn campaign(plan: &Plan, observer: &mut impl Observer) -> Summary {
    let mut summary = Summary {
        verdict: Verdict::Passed,
        canary: None,
        runs: 0,
        twice: 0,
        reached: Reached::default(),
        slowest: None,
        digest: Hash::ZERO,
    };
    let is_by_hand = plan.planted.is_some() || plan.seeds.end - plan.seeds.start < FEW;
    if !is_by_hand {
        let kinds = Defect::ALL.len() as u64;
        let index = usize::try_from(plan.seeds.start % kinds).expect("defects are few");
        let defect = Defect::ALL[index];
        summary.canary = found(plan, defect).map(|seed| (defect, seed));
        if summary.canary.is_none() {
            summary.verdict = Verdict::Blind { defect };
            return summary;
        }
    }
    let mut digest = blake3::Hasher::new();
    for seed in plan.seeds.clone() {
        if plan.duration.is_some_and(|most| observer.elapsed() >= most) {
            break;
        }
        match one_run(plan, seed, &mut summary, observer) {
            Ok(observed) => {
                digest.update(&observed.trace.0);
                summary.runs += 1;
            }
            Err(verdict) => {
                summary.verdict = verdict;
                return summary;
            }
        }
    }
    summary.digest = Hash(digest.finalize().into());
    let missing = match summary.runs {
        WHOLE.. if !is_by_hand => summary.reached.missing(),
        _ => ["block: added", "block: delivered", "nodes: converged"]
            .into_iter()
            .filter(|event| summary.reached.of(event) == 0)
            .collect(),
    };
    if !missing.is_empty() {
        summary.verdict = Verdict::Vacuous { missing };
    }
    summary
}

/// What is drawn with a seed, as the plan has it.
fn drawn(plan: &Plan, seed: u64) -> (NodesProfile, NodesScenario) {
    let (profile, mut scenario) = draw::scenario(&mut Seeded::new(seed, 0), SIZE);
    if let Some(workers) = plan.workers {
        scenario.set_workers(workers);
    }
    scenario.change_hash_seeds(plan.hash_seed);
    if let Some(defect) = plan.planted {
        scenario.plant(defect);
    }
    (profile, scenario)
}

/// The first seed with which a planted defect is found.
fn found(plan: &Plan, defect: Defect) -> Option<u64> {
    let planted = Plan {
        planted: Some(defect),
        ..plan.clone()
    };
    (plan.seeds.start..)
        .take(usize::try_from(CANARY_RUNS).unwrap_or(usize::MAX))
        .find(|seed| {
            let (_, scenario) = drawn(&planted, *seed);
            let (mut reached, mut trace) = (Reached::default(), Trace::hashed());
            let outcome = run(&scenario, &plan.folder, &mut reached, &mut trace);
            matches!(outcome, Err(Failure::Violation(_)))
        })
}

fn one_run(
    plan: &Plan,
    seed: u64,
    summary: &mut Summary,
    observer: &mut impl Observer,
) -> Result<Observed, Verdict> {
    let (profile, scenario) = drawn(plan, seed);
    observer.drawn(seed, &profile);
    let (mut reached, mut trace) = (Reached::default(), Trace::written());
    let outcome = run(&scenario, &plan.folder, &mut reached, &mut trace);
    observer.ended(&RunReport {
        seed,
        profile: &profile,
        reached: &reached,
        trace: &trace,
        outcome: outcome.as_ref().copied(),
    });
    let observed = outcome.map_err(|failure| verdict(seed, failure, &scenario))?;
    summary.reached.add(&reached);
    let is_slowest = summary
        .slowest
        .is_none_or(|(_, slowest)| observed.events_to_converge > slowest.events_to_converge);
    if is_slowest {
        summary.slowest = Some((seed, observed));
    }
    if plan.planted.is_none() && summary.runs.is_multiple_of(plan.twice_every.max(1)) {
        summary.twice += 1;
        again(plan, seed, scenario, &trace)?;
    }
    Ok(observed)
}

/// Does a run again with settings that must not matter.
fn again(
    plan: &Plan,
    seed: u64,
    mut scenario: NodesScenario,
    first: &Trace,
) -> Result<(), Verdict> {
    const OTHER_SEEDS: u64 = 0x9e37_79b9_7f4a_7c15;
    scenario.set_workers(match plan.workers {
        Some(8) => 1,
        _ => 8,
    });
    scenario.change_hash_seeds(OTHER_SEEDS);
    let mut then = Trace::written();
    let outcome = run(&scenario, &plan.folder, &mut Reached::default(), &mut then);
    if let Err(failure) = outcome {
        return Err(verdict(seed, failure, &scenario));
    }
    match first.first_difference(&then) {
        None => Ok(()),
        Some((line, traces)) => Err(Verdict::NotDeterministic { seed, line, traces }),
    }
}

fn verdict(seed: u64, failure: Failure, scenario: &NodesScenario) -> Verdict {
    match failure {
        Failure::Violation(violation) => Verdict::Violated {
            seed,
            violation,
            scenario: Box::new(scenario.clone()),
        },
        Failure::Infrastructure(reason) => Verdict::Infrastructure { seed, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Observer for Nobody {
        fn drawn(&mut self, _: u64, _: &NodesProfile) {}
        fn ended(&mut self, _: &RunReport<'_>) {}
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn plan(seeds: Range<u64>, folder: &std::path::Path) -> Plan {
        Plan {
            seeds,
            duration: None,
            workers: None,
            hash_seed: 0,
            planted: None,
            twice_every: 1,
            folder: folder.to_path_buf(),
        }
    }

    #[test]
    fn a_run_that_goes_two_ways_is_no_pass() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let plan = plan(25..26, folder.path());
        let (_, scenario) = drawn(&plan, 25);
        let mut first = Trace::written();
        first.line(0, "something that does not happen again");
        let verdict = again(&plan, 25, scenario, &first).expect_err("the traces differ");
        assert_eq!(verdict.exit_code(), ExitCode::Unreliable);
        assert!(
            matches!(verdict, Verdict::NotDeterministic { line: 1, .. }),
            "{verdict}"
        );
    }

    #[test]
    fn a_campaign_in_which_nothing_happened_is_vacuous() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let plan = Plan {
            duration: Some(Duration::ZERO),
            ..plan(25..26, folder.path())
        };
        let summary = campaign(&plan, &mut Nobody);
        assert_eq!(summary.runs, 0);
        assert_eq!(summary.verdict.exit_code(), ExitCode::Vacuous);
    }

    #[test]
    fn a_campaign_by_hand_counts_what_it_did() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let summary = campaign(&plan(25..26, folder.path()), &mut Nobody);
        assert_eq!(summary.verdict, Verdict::Passed);
        assert_eq!((summary.runs, summary.twice, summary.canary), (1, 1, None));
        assert_eq!(summary.reached.of("nodes: converged"), 1);
        let (seed, slowest) = summary.slowest.expect("there was a run");
        assert_eq!(seed, 25);
        assert!(slowest.events_to_converge <= slowest.most_events_to_converge);
    }

    #[test]
    fn what_is_reached_is_not_missing() {
        let mut reached = Reached::default();
        assert_eq!(reached.missing(), super::super::reached::REQUIRED);
        reached.count("network: cut");
        assert_eq!(
            reached.missing().len(),
            super::super::reached::REQUIRED.len() - 1
        );
        assert!(!reached.missing().contains(&"network: cut"));
    }
}

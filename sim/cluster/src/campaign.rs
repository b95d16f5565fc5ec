//! Clusters as the workload of a campaign: one run a seed.

use std::path::PathBuf;

use lockstep_harness::campaign::{Execution, RunId, SelfCheckFailed, Workload};
use lockstep_harness::choice::Seeded;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::trace::Trace;
use lockstep_harness::violation::Failure;
use lockstep_harness::watchdog::WorkerNotes;
use lockstep_sim::campaign::WORKER_NOTES;

use super::coverage::{SYSTEM, point};
use super::dimension::Dimension;
use super::draw::{self, NodesProfile, SIZE};
use super::run::run;
use super::scenario::NodesScenario;
use super::seeded_bugs::NodeBug;
use super::tails;

/// Number of runs from which on a campaign must reach every coverage point that is not rare.
const WHOLE: u64 = 100;

/// Name of the focus whose points a campaign of fewer runs must reach.
const FEW: &str = "a few runs";

/// Number of runs within which the seeded bug of the self-check must be found.
const SELF_CHECK_RUNS: u64 = 60;

/// Value that is xored into the hash seeds of a run that is repeated.
const OTHER_HASH_SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// The workload: clusters of core, on a network with faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clusters {
    /// Number of workers of all nodes, in place of the drawn ones. No result depends on it.
    pub workers: Option<usize>,
    /// Value that is xored into the hash seeds of all nodes. No result depends on it.
    pub hash_seed: u64,
    /// The seeded bug that one node of every run has.
    pub bug: Option<NodeBug>,
    /// Folder for the files of the ledgers, which must exist.
    pub folder: PathBuf,
}

impl Workload for Clusters {
    type Case = NodesScenario;
    type Profile = NodesProfile;

    fn system(&self) -> &'static str {
        SYSTEM
    }

    fn draw(&self, run: RunId) -> (NodesProfile, NodesScenario) {
        let mut choices = Seeded::new(run.seed, run.run);
        let (profile, mut scenario) = match Dimension::of_run(run) {
            Some(dimension) => tails::scenario(&mut choices, dimension),
            None => draw::scenario(&mut choices, SIZE),
        };
        if let Some(workers) = self.workers {
            scenario.set_workers(workers);
        }
        scenario.change_hash_seeds(self.hash_seed);
        if let Some(bug) = self.bug {
            scenario.inject_bug(bug);
        }
        (profile, scenario)
    }

    fn execute(&self, scenario: &NodesScenario, is_repeated: bool) -> Execution {
        let mut other;
        let scenario = match is_repeated {
            false => scenario,
            true => {
                other = scenario.clone();
                other.set_workers(match self.workers {
                    Some(8) => 1,
                    _ => 8,
                });
                other.change_hash_seeds(OTHER_HASH_SEED);
                &other
            }
        };
        let (mut coverage, mut trace) = (Coverage::default(), Trace::default());
        let outcome = run(scenario, &self.folder, &mut coverage, &mut trace);
        if let Ok(observed) = &outcome {
            let (took, allowed) = (
                observed.events_to_converge,
                observed.most_events_to_converge,
            );
            coverage.count_many(point!("events to converge", most), took);
            coverage.count_many(point!("events allowed to converge", most), allowed);
        }
        Execution {
            coverage,
            trace,
            outcome: outcome.map(|observed| observed.trace),
        }
    }

    /// Looks for one seeded bug, another for each seed: all of them would take minutes.
    fn self_check(&self, seed: u64) -> Result<Vec<String>, SelfCheckFailed> {
        // One that does not end would not end here either.
        let kinds: Vec<NodeBug> = NodeBug::ALL
            .into_iter()
            .filter(|bug| *bug != NodeBug::NeverEnds)
            .collect();
        let index = usize::try_from(seed % kinds.len() as u64).expect("seeded bugs are few");
        let bug = kinds[index];
        let with_bug = Clusters {
            bug: Some(bug),
            ..self.clone()
        };
        let is_found = |seed: &u64| {
            let (_, scenario) = with_bug.draw(RunId {
                seed: *seed,
                run: 0,
            });
            let outcome = with_bug.execute(&scenario, false).outcome;
            matches!(outcome, Err(Failure::Violation(_)))
        };
        let mut seeds = (0..SELF_CHECK_RUNS).filter_map(|run| seed.checked_add(run));
        match seeds.find(is_found) {
            Some(_) => Ok(vec![bug.to_string()]),
            None => Err(SelfCheckFailed {
                bug: bug.to_string(),
                found_by: "an invariant".to_owned(),
                got: format!("nothing in {SELF_CHECK_RUNS} runs"),
            }),
        }
    }

    fn worker_notes(&self) -> WorkerNotes {
        WORKER_NOTES
    }

    fn missing(&self, coverage: &Coverage, runs: u64, is_whole: bool) -> Vec<&'static str> {
        match runs {
            WHOLE.. if is_whole && self.bug.is_none() => coverage.missing(SYSTEM, None),
            _ => coverage.missing(SYSTEM, Some(FEW)),
        }
    }
}

#[cfg(test)]
mod tests {
    use lockstep_harness::campaign::{self, Plan, Runs, Unwatched, Verdict};
    use lockstep_harness::exit::ExitCode;

    use super::*;

    fn clusters(folder: &std::path::Path) -> Clusters {
        Clusters {
            workers: None,
            hash_seed: 0,
            bug: None,
            folder: folder.to_path_buf(),
        }
    }

    #[test]
    fn a_campaign_in_which_nothing_happened_is_vacuous() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let plan = Plan {
            is_self_checked: false,
            ..Plan::of(Runs::Seeds(25..25))
        };
        let summary = campaign::run(&plan, &clusters(folder.path()), &mut Unwatched);
        assert_eq!(summary.runs, 0);
        assert_eq!(summary.verdict.exit_code(), ExitCode::Vacuous);
    }

    #[test]
    fn a_campaign_counts_what_it_did_and_repeats_its_runs() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let plan = Plan {
            is_self_checked: false,
            repeat_every: 1,
            ..Plan::of(Runs::Seeds(25..26))
        };
        let summary = campaign::run(&plan, &clusters(folder.path()), &mut Unwatched);
        assert_eq!(summary.verdict, Verdict::Passed);
        assert_eq!((summary.runs, summary.repeated), (1, 1));
        let coverage = &summary.coverage;
        assert_eq!(coverage.of("nodes: converged"), 1);
        let took = coverage.total("events to converge");
        assert!(took > 0 && took <= coverage.total("events allowed to converge"));
    }

    #[test]
    fn the_self_check_finds_its_seeded_bug() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let found = clusters(folder.path()).self_check(7).expect("it is found");
        assert_eq!(found, ["takes-again"]);
    }
}

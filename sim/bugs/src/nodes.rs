//! The engine `nodes`: a cluster in which one node has the bug.

use std::path::Path;

use tempfile::TempDir;

use super::{Bug, Correct, Effort, Engine, Found, Search, Small};
use lockstep_cluster::{NodeBug, NodesScenario, SIZE};
use lockstep_harness::choice::Seeded;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::trace::Trace;
use lockstep_harness::violation::Failure;

/// The engine. A run is one cluster until it has converged.
pub(super) struct Nodes;

/// The seeded bug of one node; `None` for the control.
struct Among(Option<NodeBug>);

impl Among {
    fn of(bug: &Bug) -> Option<Among> {
        match bug.correct() {
            Some(Correct::CoreInNodes) => Some(Among(None)),
            Some(_) => None,
            None => NodeBug::named(bug.id).map(|bug| Among(Some(bug))),
        }
    }
}

impl Engine for Nodes {
    fn name(&self) -> &'static str {
        "nodes"
    }

    fn sentence(&self) -> &'static str {
        "three to seven nodes on a network with faults, one of which has the bug"
    }

    fn applies(&self, bug: &Bug) -> bool {
        Among::of(bug).is_some()
    }

    fn runs(&self) -> u64 {
        200
    }

    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String> {
        let Among(node_bug) = Among::of(bug).ok_or_else(|| format!("no node has {}", bug.id))?;
        let folder = TempDir::new().map_err(|error| format!("no temporary folder: {error}"))?;
        let mut runs = 0;
        while runs < effort.most && (effort.goes_on)(runs) {
            let (_, mut scenario) = lockstep_cluster::scenario(&mut Seeded::new(seed, runs), SIZE);
            if let Some(node_bug) = node_bug {
                scenario.inject_bug(node_bug);
            }
            runs += 1;
            if let Some(invariant) = detects(&scenario, folder.path())? {
                return Ok(Search {
                    runs,
                    found: Some(found(scenario, invariant, folder)),
                });
            }
        }
        Ok(Search { runs, found: None })
    }
}

fn found(scenario: NodesScenario, invariant: String, folder: TempDir) -> Found {
    let named = invariant.clone();
    let shrunk = move |effort: &Effort<'_>| {
        let shows = |candidate: &NodesScenario| detects(candidate, folder.path()).ok().flatten();
        let in_time = effort.while_it_goes_on(&shows);
        let small = lockstep_cluster::shrink_by(&scenario, &named, effort.most, &in_time).smallest;
        Small {
            transactions: small.transactions(),
            preemptions: None,
            shows: shows(&small),
        }
    };
    Found {
        invariant,
        shrunk: Box::new(shrunk),
    }
}

fn detects(scenario: &NodesScenario, folder: &Path) -> Result<Option<String>, String> {
    let (mut coverage, mut trace) = (Coverage::default(), Trace::hashed());
    match lockstep_cluster::run(scenario, folder, &mut coverage, &mut trace) {
        Ok(_) => Ok(None),
        Err(Failure::Violation(violation)) => Ok(Some(violation.invariant.name.to_owned())),
        Err(Failure::Infrastructure(reason)) => Err(reason),
    }
}

//! Kept runs of clusters.

use std::path::Path;

use lockstep_cluster::{BUDGET, ClusterRun, NodesReproducer};
use lockstep_harness::coverage::Coverage;
use lockstep_harness::finding::Smaller;
use lockstep_harness::invariant::Invariant;
use lockstep_harness::panic::silence_panics;
use lockstep_harness::reproducer::ReproducerError;
use lockstep_harness::shrink::Budget;
use lockstep_harness::trace::{self, Trace};
use lockstep_harness::violation::Violation;

use crate::in_processes;
use crate::report::Fact;
use crate::searching::Searching;

use super::{KeptRun, ReplayResult, Settings, write_smaller};

impl KeptRun for NodesReproducer {
    fn shows(&self) -> &str {
        &self.shows
    }

    fn description(&self) -> Vec<Fact> {
        let scenario = &self.payload.scenario;
        let nodes = scenario.nodes.iter();
        let mut facts: Vec<Fact> = nodes.map(|node| ("node", node.to_string())).collect();
        let (blocks, transactions) = (scenario.blocks.len(), scenario.transactions());
        facts.extend([
            ("blocks", blocks.to_string()),
            ("transactions", transactions.to_string()),
            ("faults", scenario.faults.len().to_string()),
        ]);
        facts
    }

    fn change(&mut self, settings: &Settings) -> Result<(), String> {
        let scenario = &mut self.payload.scenario;
        if let Some(workers) = settings.workers {
            scenario.set_workers(workers);
        }
        scenario.change_hash_seeds(settings.hash_seed);
        Ok(())
    }

    fn check_seeded_bug(&self) -> Result<(), String> {
        match &self.seeded_bug {
            Some(_) => {
                Err("seeded_bug: a cluster has it at one of its nodes; move it there".to_owned())
            }
            None => Ok(()),
        }
    }

    fn run(&self, scratch: &Path) -> ReplayResult {
        let (mut coverage, mut trace) = (Coverage::default(), Trace::default());
        let observed = silence_panics(|| {
            lockstep_cluster::run(&self.payload.scenario, scratch, &mut coverage, &mut trace)
        });
        let text = trace::as_text(trace.observations());
        ReplayResult {
            notes: match observed {
                Ok(_) => Vec::new(),
                Err(_) => last_events(&text),
            },
            outcome: observed.map(|observed| {
                vec![
                    ("events", observed.events.to_string()),
                    ("trace", observed.trace.to_string()),
                ]
            }),
            unit: "event",
            trace: Some(text),
        }
    }

    fn without_seeded_bugs(&self) -> Option<Box<dyn KeptRun>> {
        let mut without = self.clone();
        let nodes = without.payload.scenario.nodes.iter_mut();
        let bugs = nodes.filter_map(|node| node.seeded_bug.take()).count();
        (bugs > 0).then(|| Box::new(without) as Box<dyn KeptRun>)
    }

    fn shrink_into(
        &self,
        out: &Path,
        violation: &Violation,
        budget: Option<u64>,
        searching: &Searching,
        scratch: &Path,
        from: &str,
    ) -> Result<String, ReproducerError> {
        let invariant = violation.invariant;
        let budget = searching.budget(budget.unwrap_or(BUDGET));
        let smaller = smaller(&self.payload, invariant, scratch, budget);
        write_smaller(self, out, invariant.name, smaller, from)
    }

    fn as_test(&self, name: &str) -> String {
        lockstep_cluster::as_test(self, name)
    }
}

/// The last five events of a trace.
fn last_events(trace: &str) -> Vec<Fact> {
    const LINES: usize = 5;
    let lines: Vec<&str> = trace.lines().collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    let keys = std::iter::once("last events").chain(std::iter::repeat(""));
    let lines = last.iter().map(|line| line.trim().to_owned());
    keys.zip(lines).collect()
}

/// Shrinks a run that violates this invariant, with the panic messages of candidates silenced; `None` if no
/// smaller run was confirmed.
pub(crate) fn smaller(
    whole: &ClusterRun,
    invariant: &Invariant,
    scratch: &Path,
    budget: Budget<'_>,
) -> Option<Smaller<ClusterRun>> {
    let (scenario, name) = (&whole.scenario, invariant.name);
    let shrunk = match in_processes::needs_process(invariant) {
        true => in_processes::shrunk::<_, ClusterRun>(
            invariant,
            None,
            scratch,
            budget,
            |budget, judge| lockstep_cluster::shrink_by(scenario, name, budget, judge),
        )?,
        false => silence_panics(|| lockstep_cluster::shrink(scenario, name, scratch, budget)),
    };
    Some(Smaller {
        shrunk: shrunk.to_string(),
        payload: shrunk.smallest.into(),
        remarks: Vec::new(),
    })
}

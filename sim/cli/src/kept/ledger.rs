//! Kept runs of one ledger.

use std::path::Path;

use lockstep_bugs::injected::InjectedBug;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::finding::Smaller;
use lockstep_harness::invariant::Invariant;
use lockstep_harness::panic::silence_panics;
use lockstep_harness::reproducer::{Payload as _, ReproducerError};
use lockstep_harness::shrink::{Budget, counted};
use lockstep_harness::violation::{Failure, Violation};
use lockstep_sim::campaign::{self, CoreSubjects, SubjectFactory};
use lockstep_sim::export;
use lockstep_sim::reproducer::{LedgerRun, Reproducer};
use lockstep_sim::scenario::Scenario;
use lockstep_sim::shrink::{BUDGET, Shrunk, shrink};
use lockstep_sim::trial;

use crate::in_processes;
use crate::report::Fact;
use crate::searching::Searching;

use super::{KeptRun, ReplayResult, Settings, means_nothing, no_such_bug, write_smaller};

impl KeptRun for Reproducer {
    fn shows(&self) -> &str {
        &self.shows
    }

    fn description(&self) -> Vec<Fact> {
        described(&self.payload.scenario, self.seeded_bug.as_deref())
    }

    fn change(&mut self, settings: &Settings) -> Result<(), String> {
        let refused = |flag, why| Err(means_nothing(flag, LedgerRun::KIND, why));
        if settings.workers.is_some() {
            return refused("--workers", "it is executed with several worker counts");
        }
        if settings.is_traced {
            return refused("--trace", "only clusters are traced");
        }
        self.payload.scenario.hash_seed ^= settings.hash_seed;
        Ok(())
    }

    fn check_seeded_bug(&self) -> Result<(), String> {
        match &self.seeded_bug {
            Some(id) if InjectedBug::named(id).is_none() => {
                Err(no_such_bug(id, InjectedBug::all().map(|bug| bug.id())))
            }
            _ => Ok(()),
        }
    }

    fn without_seeded_bugs(&self) -> Option<Box<dyn KeptRun>> {
        self.seeded_bug.as_ref()?;
        Some(Box::new(self.clone().with_seeded_bug(None)))
    }

    fn run(&self, scratch: &Path) -> ReplayResult {
        let (scenario, mut coverage) = (&self.payload.scenario, Coverage::default());
        let injected = self.seeded_bug.as_deref().and_then(InjectedBug::named);
        let observed = match injected {
            Some(bug) => trial::run(
                scenario,
                &|genesis, hash_seed| {
                    Ok(vec![bug.subject(genesis, hash_seed, scenario.workers)?])
                },
                &mut coverage,
            ),
            None => campaign::on_core(scenario, scratch, &mut coverage),
        };
        ReplayResult {
            outcome: observed.map(|digest| vec![("digest", digest.to_string())]),
            unit: "step",
            notes: Vec::new(),
            trace: None,
        }
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
        let budget = searching.budget(budget.unwrap_or(BUDGET));
        let folder = scratch.to_path_buf();
        let core = CoreSubjects { folder };
        let injected = self.seeded_bug.as_deref().and_then(InjectedBug::named);
        let subjects: &dyn SubjectFactory = match &injected {
            Some(bug) => bug,
            None => &core,
        };
        let (scenario, invariant) = (&self.payload.scenario, violation.invariant);
        let seeded_bug = self.seeded_bug.as_deref();
        let shrunk = match in_processes::needs_process(invariant) {
            true => shrunk_in_processes(scenario, invariant, seeded_bug, scratch, budget),
            false => Some(quietly_shrunk(scenario, violation, subjects, budget)),
        };
        write_smaller(self, out, invariant.name, shrunk.map(smaller), from)
    }

    fn as_test(&self, name: &str) -> String {
        export::as_test(self, name)
    }
}

/// The scenario in numbers, and the seeded bug of its subject.
pub(super) fn described(scenario: &Scenario, seeded_bug: Option<&str>) -> Vec<Fact> {
    let bug = seeded_bug.map(|id| ("seeded bug", id.to_owned()));
    [("scenario", in_words(scenario))]
        .into_iter()
        .chain(bug)
        .collect()
}

fn in_words(scenario: &Scenario) -> String {
    format!(
        "{}, {}, {}",
        counted(scenario.steps.len(), "step"),
        counted(scenario.blocks(), "block"),
        counted(scenario.transactions(), "transaction")
    )
}

/// Shrinks a scenario with the panic messages of candidates silenced: the finding was reported once.
pub(crate) fn quietly_shrunk(
    scenario: &Scenario,
    violation: &Violation,
    subjects: &dyn SubjectFactory,
    budget: Budget<'_>,
) -> Shrunk {
    silence_panics(|| campaign::shrink_on(scenario, violation, subjects, budget))
}

/// Executes a scenario on the subjects of a factory, with panic messages silenced; returns what it violates.
pub(crate) fn quietly_judged(
    scenario: &Scenario,
    subjects: &dyn SubjectFactory,
) -> Option<Violation> {
    match silence_panics(|| campaign::run_on(scenario, subjects)) {
        Err(Failure::Violation(violation)) => Some(violation),
        _ => None,
    }
}

/// Shrinks a scenario that ends its process or does not end, in processes; `None` if that fails.
pub(crate) fn shrunk_in_processes(
    scenario: &Scenario,
    invariant: &Invariant,
    seeded_bug: Option<&str>,
    scratch: &Path,
    budget: Budget<'_>,
) -> Option<Shrunk> {
    in_processes::shrunk::<_, LedgerRun>(invariant, seeded_bug, scratch, budget, |budget, judge| {
        shrink(scenario, invariant.name, budget, judge)
    })
}

pub(crate) fn smaller(shrunk: Shrunk) -> Smaller<LedgerRun> {
    Smaller {
        shrunk: shrunk.to_string(),
        payload: shrunk.smallest.into(),
        remarks: Vec::new(),
    }
}

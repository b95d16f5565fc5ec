//! The engines `trial`, `oracle` and `invariants`: the harness, and each half of it alone.

use super::buggy_subject::BuggySubject;
use super::{Bug, Effort, Engine, Search, search_scenarios};
use lockstep_harness::choice::Seeded;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::violation::Failure;
use lockstep_sim::invariants::{self, Check, SAME_AS_SERIAL};
use lockstep_sim::scenario::Scenario;
use lockstep_sim::trial;

/// An engine that runs trials with some of the invariants, checked after every step.
pub(super) struct Trial {
    name: &'static str,
    sentence: &'static str,
    asks: fn(&Check) -> bool,
    /// True if it injects faults where a bug needs one. The invariants of faults compare with the oracle,
    /// so it takes both halves.
    has_faults: bool,
}

/// The whole harness.
pub(super) const TRIAL: Trial = Trial {
    name: "trial",
    sentence: "the harness: drawn scenarios, checked against the oracle and all invariants after every \
               step, with faults if the bug needs one",
    asks: |_| true,
    has_faults: true,
};

/// The harness with the comparison with the oracle alone.
pub(super) const ORACLE: Trial = Trial {
    name: "oracle",
    sentence: "the same scenarios, checked against the oracle alone: receipts, state diffs, versions \
               and digests",
    asks: |check| *check.invariant == SAME_AS_SERIAL,
    has_faults: false,
};

/// The harness with every invariant that needs no oracle.
pub(super) const INVARIANTS: Trial = Trial {
    name: "invariants",
    sentence: "the same scenarios, checked against all invariants but the comparison with the oracle",
    asks: |check| *check.invariant != SAME_AS_SERIAL,
    has_faults: false,
};

impl Engine for Trial {
    fn name(&self) -> &'static str {
        self.name
    }

    fn sentence(&self) -> &'static str {
        self.sentence
    }

    fn applies(&self, bug: &Bug) -> bool {
        BuggySubject::of(bug).is_some_and(|subject| self.has_faults || subject.needs_no_fault())
    }

    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String> {
        let subject =
            BuggySubject::of(bug).ok_or_else(|| format!("no single ledger has {}", bug.id))?;
        let asked: Vec<Check> = invariants::ALL.into_iter().filter(self.asks).collect();
        search_scenarios(
            effort,
            |run| subject.scenario(&mut Seeded::new(seed, run)),
            move |scenario| detects(subject, &asked, scenario),
        )
    }
}

/// Runs a trial with these invariants. Returns the name of the one that is violated, if any.
pub(super) fn detects(
    subject: BuggySubject,
    asked: &[Check],
    scenario: &Scenario,
) -> Result<Option<String>, String> {
    let outcome = trial::run_asking(
        asked,
        scenario,
        &|genesis, hash_seed| {
            Ok(vec![subject.subject(
                genesis,
                hash_seed,
                scenario.workers,
            )?])
        },
        &mut Coverage::default(),
    );
    match outcome {
        Ok(_) => Ok(None),
        Err(Failure::Violation(violation)) => Ok(Some(violation.invariant.name.to_owned())),
        Err(Failure::Infrastructure(reason)) => Err(reason),
    }
}

//! The buggy executor with threads on threads of the system: the same scenarios for the harness and
//! for what one would have otherwise.

use std::time::Duration;

use super::baselines::{balances_differ, plain};
use super::buggy_subject::BuggySubject;
use super::trial::detects;
use super::{Bug, Correct, Effort, Engine, Found, Search, Small};
use crate::buggy_executor::concurrent::{Concurrent, ThreadBug};
use lockstep_harness::choice::{Choices, Seeded};
use lockstep_sim::generate::{self, Size};
use lockstep_sim::invariants;
use lockstep_sim::scenario::{ConcurrentRequest, Fault, InjectionPoint, Scenario, Step};
use lockstep_sim::shrink::shrink;

/// So often a scenario is executed before the next one is drawn.
const TIMES: u64 = 5;

/// So often a candidate is executed that is to be smaller, before it shows nothing.
const TIMES_SMALLER: u64 = 40;

/// Somebody who hangs is waited for so long while a scenario is made smaller.
const PATIENCE_SMALLER: Duration = Duration::from_millis(300);

/// Small: schedules multiply with each transaction.
const SIZE: Size = Size {
    blocks: 2,
    transactions: 8,
    accounts: 5,
};

/// The harness, on threads of the system.
pub(super) struct Threads;

/// What a stress test does: random transfers that can be paid, on threads of the system, and the
/// balances at the end, against the oracle's.
pub(super) struct Stress;

/// Whether the buggy executor with threads has the bug, or is the right one: its thread_bug.
pub(super) fn of(bug: &Bug) -> Option<Option<ThreadBug>> {
    match bug.correct() {
        Some(Correct::ExecutorWithThreads) => Some(None),
        Some(_) => None,
        None => ThreadBug::named(bug.id).map(Some),
    }
}

/// Whether a checker can show the bug: a panic ends what it executes.
pub(super) fn takes_no_panic(bug: &Bug) -> bool {
    of(bug).is_some_and(|thread_bug| thread_bug != Some(ThreadBug::ResultIndexLost))
}

/// As [`of`], for a search.
pub(super) fn must_be_there(bug: &Bug) -> Result<Option<ThreadBug>, String> {
    of(bug).ok_or_else(|| format!("the buggy executor with threads has no {}", bug.id))
}

/// What happens to the buggy executor: somebody comes or panics where it takes that.
pub(super) fn scenario(choices: &mut impl Choices, thread_bug: Option<ThreadBug>) -> Scenario {
    let mut scenario = generate::scenario(choices, SIZE).1;
    let mut steps = Vec::new();
    for step in scenario.steps {
        if let Step::Block(block) = &step
            && choices.chance(1, 2)
        {
            let transactions = block.transactions.len().max(1) as u64;
            let panic = Fault::Panic {
                transaction: choices.below(transactions),
                persists: choices.chance(1, 4),
            };
            let rewinds = Fault::ConcurrentRequest(
                InjectionPoint::Step(0),
                ConcurrentRequest::Rewind(choices.between(1, 2)),
            );
            let reads =
                Fault::ConcurrentRequest(InjectionPoint::Step(0), ConcurrentRequest::Reader);
            let fault = match thread_bug {
                None => Some(choices.pick(&[panic, rewinds, reads])),
                Some(ThreadBug::ResultIndexLost) => Some(panic),
                Some(ThreadBug::OpenWindow) => Some(rewinds),
                Some(ThreadBug::GuardAcrossAwait) => Some(reads),
                Some(_) => None,
            };
            steps.extend(fault.map(Step::Fault));
        }
        steps.push(step);
    }
    scenario.steps = steps;
    scenario
}

impl Engine for Threads {
    fn name(&self) -> &'static str {
        "threads"
    }

    fn sentence(&self) -> &'static str {
        "the harness, with the buggy executor's workers on threads of the system: each scenario five \
         times, a run each; who does not end in five seconds hangs"
    }

    fn applies(&self, bug: &Bug) -> bool {
        of(bug).is_some()
    }

    fn runs(&self) -> u64 {
        5_000
    }

    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String> {
        let thread_bug = must_be_there(bug)?;
        let judge = move |scenario: &Scenario, patience| {
            detects(
                BuggySubject::Threads(thread_bug, patience),
                &invariants::ALL,
                scenario,
            )
        };
        search_on_threads(
            effort,
            |run| scenario(&mut Seeded::new(seed, run / TIMES), thread_bug),
            judge,
        )
    }
}

impl Engine for Stress {
    fn name(&self) -> &'static str {
        "stress"
    }

    fn sentence(&self) -> &'static str {
        "a stress test: transfers that can be paid, on threads of the system, five times each, and \
         the balances at the end against the oracle's"
    }

    fn applies(&self, bug: &Bug) -> bool {
        of(bug).is_some()
    }

    fn runs(&self) -> u64 {
        5_000
    }

    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String> {
        let thread_bug = must_be_there(bug)?;
        let judge = move |scenario: &Scenario, patience| {
            Ok(balances_differ(
                BuggySubject::Threads(thread_bug, patience),
                scenario,
            ))
        };
        search_on_threads(
            effort,
            |run| plain(&mut Seeded::new(seed, run / TIMES)),
            judge,
        )
    }
}

/// Judges scenarios until one accuses. The system schedules, so that a seed does not always find the
/// same.
fn search_on_threads(
    effort: &Effort<'_>,
    drawn: impl Fn(u64) -> Scenario,
    judge: impl Fn(&Scenario, Duration) -> Result<Option<String>, String> + 'static,
) -> Result<Search, String> {
    let mut runs = 0;
    while runs < effort.most && (effort.goes_on)(runs) {
        let scenario = drawn(runs);
        runs += 1;
        if let Some(invariant) = judge(&scenario, Concurrent::PATIENCE)? {
            let named = invariant.clone();
            let shrunk = move |effort: &Effort<'_>| {
                let shows = |candidate: &Scenario, patience| {
                    (0..TIMES_SMALLER).find_map(|_| {
                        let shown = judge(candidate, patience).ok().flatten();
                        shown.filter(|shown| *shown == named)
                    })
                };
                let smaller = |candidate: &Scenario| shows(candidate, PATIENCE_SMALLER);
                let in_time = effort.while_it_goes_on(&smaller);
                let small = shrink(&scenario, &named, effort.most, &in_time).smallest;
                Small {
                    transactions: small.transactions(),
                    preemptions: None,
                    shows: shows(&small, Concurrent::PATIENCE),
                }
            };
            let found = Found {
                invariant,
                shrunk: Box::new(shrunk),
            };
            return Ok(Search {
                runs,
                found: Some(found),
            });
        }
    }
    Ok(Search { runs, found: None })
}

//! The engines `threads` and `stress`: the buggy executor with native threads, judged by the harness and
//! by a baseline.

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

/// Number of executions of a scenario before the next one is drawn.
const TIMES: u64 = 5;

/// Number of executions of a candidate of shrinking without a violation before it is rejected.
const TIMES_SMALLER: u64 = 40;

/// Time after which a block counts as hanging while a scenario is shrunk.
const HANG_AFTER_SMALLER: Duration = Duration::from_millis(300);

/// Size of the scenarios: small, because schedules multiply with each transaction.
const SIZE: Size = Size {
    blocks: 2,
    transactions: 8,
    accounts: 5,
};

/// The engine `threads`: the harness over native threads.
pub(super) struct Threads;

/// The baseline `stress`: affordable transfers on native threads, with the final balances compared with the
/// oracle's.
pub(super) struct Stress;

/// Returns the bug of the buggy executor with threads, or `Some(None)` for its control; `None` if it cannot
/// have the bug.
pub(super) fn of(bug: &Bug) -> Option<Option<ThreadBug>> {
    match bug.correct() {
        Some(Correct::ExecutorWithThreads) => Some(None),
        Some(_) => None,
        None => ThreadBug::named(bug.id).map(Some),
    }
}

/// True if loom can show the bug: it shows without a fault.
pub(super) fn takes_no_fault(bug: &Bug) -> bool {
    of(bug).is_some_and(|thread_bug| !thread_bug.is_some_and(ThreadBug::takes_a_fault))
}

/// Returns [`of`] for a search, with an error in place of `None`.
pub(super) fn must_be_there(bug: &Bug) -> Result<Option<ThreadBug>, String> {
    of(bug).ok_or_else(|| format!("the buggy executor with threads has no {}", bug.id))
}

/// Draws a scenario, with a concurrent request or a fault if the bug needs one.
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
                None => {
                    let fails = fails(choices, transactions);
                    let cancel = cancel(choices, transactions);
                    Some(choices.pick(&[panic, rewinds, reads, fails, cancel]))
                }
                Some(ThreadBug::ResultIndexLost) => Some(panic),
                Some(ThreadBug::PanicNotTold) => Some(Fault::Panic {
                    transaction: choices.below(transactions),
                    persists: true,
                }),
                Some(ThreadBug::WorkerFailureRejects) => Some(fails(choices, transactions)),
                Some(ThreadBug::CancelledWorkerWrites) => Some(cancel(choices, transactions)),
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

fn fails(choices: &mut impl Choices, transactions: u64) -> Fault {
    Fault::ReadFails {
        at: choices.below(transactions),
    }
}

fn cancel(choices: &mut impl Choices, transactions: u64) -> Fault {
    Fault::Cancel(InjectionPoint::Step(choices.below(transactions)))
}

impl Engine for Threads {
    fn name(&self) -> &'static str {
        "threads"
    }

    fn sentence(&self) -> &'static str {
        "the harness with native threads as workers, each scenario five times; a run is one execution, \
         and one that takes longer than five seconds hangs"
    }

    fn applies(&self, bug: &Bug) -> bool {
        of(bug).is_some()
    }

    fn runs(&self) -> u64 {
        5_000
    }

    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String> {
        let thread_bug = must_be_there(bug)?;
        let judge = move |scenario: &Scenario, hang_after| {
            detects(
                BuggySubject::Threads(thread_bug, hang_after),
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
        "baseline: a stress test of affordable transfers on native threads, five times each, with the \
         final balances compared with the oracle's"
    }

    fn applies(&self, bug: &Bug) -> bool {
        of(bug).is_some()
    }

    fn runs(&self) -> u64 {
        5_000
    }

    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String> {
        let thread_bug = must_be_there(bug)?;
        let judge = move |scenario: &Scenario, hang_after| {
            Ok(balances_differ(
                BuggySubject::Threads(thread_bug, hang_after),
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

/// Judges drawn scenarios until one violates something. The operating system schedules, so the same seed
/// does not always give the same result.
fn search_on_threads(
    effort: &Effort<'_>,
    drawn: impl Fn(u64) -> Scenario,
    judge: impl Fn(&Scenario, Duration) -> Result<Option<String>, String> + 'static,
) -> Result<Search, String> {
    let mut runs = 0;
    while runs < effort.most && (effort.goes_on)(runs) {
        let scenario = drawn(runs);
        runs += 1;
        if let Some(invariant) = judge(&scenario, Concurrent::HANG_AFTER)? {
            let named = invariant.clone();
            let shrunk = move |effort: &Effort<'_>| {
                let shows = |candidate: &Scenario, hang_after| {
                    (0..TIMES_SMALLER).find_map(|_| {
                        let shown = judge(candidate, hang_after).ok().flatten();
                        shown.filter(|shown| *shown == named)
                    })
                };
                let smaller = |candidate: &Scenario| shows(candidate, HANG_AFTER_SMALLER);
                let in_time = effort.while_it_goes_on(&smaller);
                let small = shrink(&scenario, &named, effort.most, &in_time).smallest;
                Small {
                    transactions: small.transactions(),
                    preemptions: None,
                    shows: shows(&small, Concurrent::HANG_AFTER),
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

//! The search over drawn schedules, and the shrinking of its findings.

use std::sync::Arc;

use super::super::threads::scenario;
use super::super::{Effort, Found, Search, Small};
use crate::buggy_executor::concurrent::ThreadBug;
use crate::buggy_executor::concurrent::under_shuttle::Explored;
use lockstep_harness::choice::Seeded;
use lockstep_harness::panic::keep_panic_hook;
use lockstep_sim::explore::{self, SCHEDULERS, SearchPlan};
use lockstep_sim::scenario::Scenario;
use lockstep_sim::shrink::shrink;

/// Number of schedules that each scheduler draws for each block.
const SCHEDULES: usize = 20;

/// Number of schedules that each draws for a candidate of shrinking.
const SCHEDULES_SMALLER: usize = 50;

pub(super) const fn left_out() -> Option<String> {
    None
}

pub(super) fn search(
    schedulers: &'static [&'static str],
    thread_bug: Option<ThreadBug>,
    seed: u64,
    effort: &Effort<'_>,
) -> Result<Search, String> {
    leave_the_panic_hook();
    let explorable = Arc::new(Explored::new(thread_bug));
    let (mut runs, mut scenarios) = (0, 0);
    while runs < effort.most && (effort.goes_on)(runs) {
        let scenario = scenario(&mut Seeded::new(seed, scenarios), thread_bug);
        let plan = SearchPlan {
            schedulers,
            ..plan(seed.wrapping_add(scenarios), SCHEDULES)
        };
        scenarios += 1;
        let (explored, finding) = explore::explore(&scenario, plan, &explorable)?;
        runs += explored.schedules;
        if let Some(finding) = finding {
            let invariant = finding.violation.invariant.name.to_owned();
            let named = invariant.clone();
            let shrunk =
                move |effort: &Effort<'_>| shrunk(&explorable, &scenario, &named, plan, effort);
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

/// Returns a plan over the graph with two to four workers, by the seed.
const fn plan(seed: u64, schedules: usize) -> SearchPlan {
    SearchPlan {
        over_graph: true,
        ..SearchPlan::of_seed(seed, schedules)
    }
}

/// Restores the panic hook of the process, which shuttle replaces when it first runs.
fn leave_the_panic_hook() {
    keep_panic_hook(explore::install_shuttle_panic_hook);
}

/// Shrinks a finding: first to fewer workers, then to fewer transactions under any schedule, then to fewer
/// preemptions.
fn shrunk(
    explorable: &Arc<Explored>,
    scenario: &Scenario,
    named: &str,
    plan: SearchPlan,
    effort: &Effort<'_>,
) -> Small {
    let mut plan = SearchPlan {
        schedulers: &SCHEDULERS,
        schedules: SCHEDULES_SMALLER,
        ..plan
    };
    let shown_by = |candidate: &Scenario, plan: SearchPlan| {
        let (_, finding) = explore::explore(candidate, plan, explorable).ok()?;
        finding.map(|finding| finding.violation.invariant.name.to_owned())
    };
    let two = SearchPlan { workers: 2, ..plan };
    if shown_by(scenario, two).is_some_and(|shown| shown == named) {
        plan = two;
    }
    let shows = |candidate: &Scenario| shown_by(candidate, plan);
    let in_time = effort.while_it_goes_on(&shows);
    let small = shrink(scenario, named, effort.most, &in_time).smallest;
    let Some((schedule, preemptions)) = explore::simplest_schedule(&small, named, plan, explorable)
    else {
        return Small {
            transactions: small.transactions(),
            preemptions: None,
            shows: shows(&small),
        };
    };
    let shown = explore::replay(&small, &schedule, explorable);
    Small {
        transactions: small.transactions(),
        preemptions: Some(preemptions.len()),
        shows: shown
            .ok()
            .and_then(|(violation, _)| violation)
            .map(|violation| violation.invariant.name.to_owned()),
    }
}

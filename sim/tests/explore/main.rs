//! Schedule exploration: core has one result under every schedule, and an executor that has two is
//! detected, shrunk and replayed.

mod exported;
mod graph_without_receivers;

use std::sync::Arc;

use graph_without_receivers::GraphWithoutReceivers;
use lockstep_harness::choice::Seeded;
use lockstep_harness::schedule::Schedule;
use lockstep_sim::explore::{self, CoreLedger, Explored, Finding, SCHEDULERS, SearchPlan};
use lockstep_sim::generate::{self, Size};
use lockstep_sim::reproducer::{ScheduledReproducer, ScheduledRun};
use lockstep_sim::scenario::Scenario;

const SIZE: Size = Size {
    blocks: 2,
    transactions: 12,
    accounts: 4,
};

fn drawn(seed: u64) -> Scenario {
    generate::scenario(&mut Seeded::new(seed, 0), SIZE).1
}

#[test]
fn core_has_one_result_under_every_schedule() {
    let core = Arc::new(CoreLedger);
    let mut sum = Explored::default();
    for seed in 0..12 {
        let plan = SearchPlan::of_seed(seed, 15);
        let (explored, finding) =
            explore::explore(&drawn(seed), plan, &core).expect("memory does not fail");
        assert_eq!(finding, None, "seed {seed}");
        sum = sum.and(explored);
    }
    assert!(sum.blocks >= 10, "{sum:?}");
    assert!(sum.distinct * 2 > sum.schedules, "{sum:?}");
    assert!(sum.preemptions > sum.schedules, "{sum:?}");
}

#[test]
fn one_seed_draws_the_same_schedules() {
    let core = Arc::new(CoreLedger);
    let explored = || explore::explore(&drawn(5), SearchPlan::of_seed(5, 10), &core);
    assert_eq!(explored(), explored());
}

/// Finds the first scenario that the buggy executor violates under a drawn schedule alone.
fn finding(buggy: &Arc<GraphWithoutReceivers>) -> (Scenario, SearchPlan, Finding) {
    let plan = SearchPlan {
        seed: 1,
        schedules: 10,
        workers: 2,
        over_graph: true,
        schedulers: &SCHEDULERS,
    };
    let shown = (0..50).find_map(|seed| {
        let scenario = drawn(seed);
        let explored = explore::explore(&scenario, plan, buggy);
        let (_, finding) = explored.expect("memory does not fail");
        let finding = finding?;
        // A violation under the default schedule says nothing about schedules.
        let is_drawn = |schedule: &Schedule| !schedule.switches.is_empty();
        let is_one = finding.schedule.as_ref().is_some_and(is_drawn);
        is_one.then_some((scenario, plan, finding))
    });
    shown.expect("a conflict that the graph misses shows under some schedule")
}

#[test]
fn an_executor_that_misses_conflicts_is_detected_shrunk_and_replayed() {
    explore::install_shuttle_panic_hook();
    let buggy = Arc::new(GraphWithoutReceivers);
    let (scenario, plan, found) = finding(&buggy);
    let invariant = found.violation.invariant.name;

    let shrunk = explore::shrink(&scenario, invariant, plan, 400, &buggy);
    assert!(shrunk.smallest.transactions() <= 3, "{shrunk}");
    let again = explore::explore(&shrunk.smallest, plan, &buggy);
    let (_, again) = again.expect("memory does not fail");
    let schedule = again.and_then(|finding| finding.schedule);
    let schedule = schedule.expect("what shrinking kept shows it under some schedule");
    let least = explore::minimise(&shrunk.smallest, &schedule, invariant, &buggy);
    let switches = (least.switches.len(), schedule.switches.len());
    assert!(switches.0 <= switches.1, "{switches:?}");

    let run = ScheduledRun {
        scenario: shrunk.smallest,
        schedule: least,
    };
    let written = ScheduledReproducer::new(invariant, run);
    let text = written.to_text("").expect("a scenario can be written");
    let read = ScheduledReproducer::from_text(&text, "here").expect("what is written can be read");
    assert_eq!(read, written);
    let ScheduledRun { scenario, schedule } = &read.payload;
    let replayed = explore::replay(scenario, schedule, &buggy);
    let (violation, preemptions) = replayed.expect("memory does not fail");
    let violation = violation.expect("a reproducer shows what it showed");
    assert_eq!(violation.invariant.name, invariant);
    assert!(
        !preemptions.is_empty() && preemptions.len() <= 2,
        "{preemptions:?}"
    );
    // A preemption names the transaction and a place in core or in its sync crate.
    let preemption = preemptions[0].to_string();
    assert!(preemptions[0].transaction.is_some(), "{preemption}");
    assert!(
        preemption.contains("core/src/") || preemption.contains("core/sync/src/"),
        "{preemption}"
    );
}

/// The recorded switches of a drawn schedule replay it step by step.
#[test]
fn a_drawn_schedule_violates_the_same_when_it_is_replayed() {
    explore::install_shuttle_panic_hook();
    let buggy = Arc::new(GraphWithoutReceivers);
    let (scenario, _, found) = finding(&buggy);
    let schedule = found.schedule.expect("it shows under a schedule alone");
    let replayed = explore::replay(&scenario, &schedule, &buggy);
    let (violation, preemptions) = replayed.expect("memory does not fail");
    assert_eq!(violation, Some(found.violation));
    assert!(!preemptions.is_empty());
}

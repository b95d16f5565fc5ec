//! Blocks under schedules: core comes to the same under all, and an executor that does not is found,
//! shrunk and replayed.

mod blind;
mod exported;

use std::sync::Arc;

use blind::Blind;
use lockstep_harness::choice::Seeded;
use lockstep_harness::schedule::Schedule;
use lockstep_sim::explore::{self, CoreLedger, Explored, Finding, Plan, SCHEDULERS};
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
fn core_comes_to_the_same_under_every_schedule() {
    let core = Arc::new(CoreLedger);
    let mut sum = Explored::default();
    for seed in 0..12 {
        let plan = Plan::of_seed(seed, 15);
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
    let explored = || explore::explore(&drawn(5), Plan::of_seed(5, 10), &core);
    assert_eq!(explored(), explored());
}

/// The first scenario in which the blind executor shows something that its serial run does not.
fn finding(blind: &Arc<Blind>) -> (Scenario, Plan, Finding) {
    let plan = Plan {
        seed: 1,
        schedules: 10,
        workers: 2,
        over_graph: true,
        schedulers: &SCHEDULERS,
    };
    let shown = (0..50).find_map(|seed| {
        let scenario = drawn(seed);
        let explored = explore::explore(&scenario, plan, blind);
        let (_, finding) = explored.expect("memory does not fail");
        let finding = finding?;
        // Some show where nobody chooses, too: those say nothing of schedules.
        let is_drawn = |schedule: &Schedule| !schedule.switches.is_empty();
        let is_one = finding.schedule.as_ref().is_some_and(is_drawn);
        is_one.then_some((scenario, plan, finding))
    });
    shown.expect("conflicts that nobody sees show under some schedule")
}

#[test]
fn an_executor_that_misses_conflicts_is_found_shrunk_and_replayed() {
    explore::let_shuttle_take_the_panic_hook();
    let blind = Arc::new(Blind);
    let (scenario, plan, found) = finding(&blind);
    let invariant = found.violation.invariant.name;

    let shrunk = explore::shrink(&scenario, invariant, plan, 400, &blind);
    assert!(shrunk.smallest.transactions() <= 3, "{shrunk}");
    let again = explore::explore(&shrunk.smallest, plan, &blind);
    let (_, again) = again.expect("memory does not fail");
    let schedule = again.and_then(|finding| finding.schedule);
    let schedule = schedule.expect("what shrinking kept shows it under some schedule");
    let least = explore::minimise(&shrunk.smallest, &schedule, invariant, &blind);
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
    let followed = explore::follow(scenario, schedule, &blind);
    let (violation, pauses) = followed.expect("memory does not fail");
    let violation = violation.expect("a reproducer shows what it showed");
    assert_eq!(violation.invariant.name, invariant);
    assert!(!pauses.is_empty() && pauses.len() <= 2, "{pauses:?}");
    // Who was paused is told by what it was about and by a place in core or in its door.
    let pause = pauses[0].to_string();
    assert!(pauses[0].transaction.is_some(), "{pause}");
    assert!(
        pause.contains("core/src/") || pause.contains("core/sync/src/"),
        "{pause}"
    );
}

/// A schedule that was drawn is followed step by step by what was kept of it.
#[test]
fn what_was_drawn_shows_the_same_when_it_is_followed() {
    explore::let_shuttle_take_the_panic_hook();
    let blind = Arc::new(Blind);
    let (scenario, _, found) = finding(&blind);
    let schedule = found.schedule.expect("it shows under a schedule alone");
    let followed = explore::follow(&scenario, &schedule, &blind);
    let (violation, pauses) = followed.expect("memory does not fail");
    assert_eq!(violation, Some(found.violation));
    assert!(!pauses.is_empty());
}

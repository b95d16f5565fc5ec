//! Every interleaving of the smallest scenarios, or every one with a few preemptions: each bug of
//! the buggy executor with threads is found, and the right one is accused in none.

use std::io::{Write as _, stderr};
use std::time::{Duration, Instant};

use lockstep_bugs::buggy_executor::concurrent::under_loom::{Extent, Searched, search};
use lockstep_bugs::buggy_executor::concurrent::{ThreadBug, triggers};
use lockstep_sim::scenario::Scenario;

/// A search that takes longer is cut short, and fails.
const DEADLINE: Duration = Duration::from_secs(45);

const WORKERS: usize = 2;

fn searched(
    claim: &str,
    scenario: &Scenario,
    bug: Option<ThreadBug>,
    preemptions: Option<usize>,
) -> Searched {
    let begun = Instant::now();
    let in_time = move |_| begun.elapsed() < DEADLINE;
    let searched = search(scenario, WORKERS, bug, preemptions, in_time)
        .unwrap_or_else(|reason| panic!("{claim}: {reason}"));
    assert_ne!(searched.extent, Extent::CutShort, "{claim}");
    // Past the capture of the test's output: how much was searched is to be seen of passing tests.
    writeln!(
        stderr(),
        "loom: {claim}: {} interleavings, {:?}, {}",
        searched.interleavings,
        searched.extent,
        searched
            .found
            .as_ref()
            .map_or("nothing", |(invariant, _)| invariant)
    )
    .expect("stderr can be written to");
    searched
}

/// Those that loom can show: a panic ends a model.
fn of_loom() -> impl Iterator<Item = (ThreadBug, Vec<Scenario>)> {
    let defects = ThreadBug::ALL.iter().copied();
    defects
        .filter(|bug| *bug != ThreadBug::ResultIndexLost)
        .map(|bug| (bug, triggers(bug)))
}

#[test]
fn every_defect_is_found_by_loom_with_two_preemptions() {
    for (bug, scenarios) in of_loom() {
        for scenario in scenarios {
            let searched = searched(bug.id(), &scenario, Some(bug), Some(2));
            let (invariant, detail) = searched
                .found
                .unwrap_or_else(|| panic!("{bug} is not found"));
            let ends = invariant != "always-ends";
            assert_eq!(bug.hangs(), !ends, "{bug}: {detail}");
            assert!(scenario.transactions() <= 3, "{bug}");
        }
    }
}

/// Two keys of one shard, and two shards in opposite orders.
#[test]
fn a_guard_that_is_held_shows_in_both_ways() {
    let kinds = ["lock cycle: ", "self-deadlock: "];
    let scenarios = triggers(ThreadBug::ShardGuard);
    assert_eq!(scenarios.len(), kinds.len());
    for (scenario, kind) in scenarios.iter().zip(kinds) {
        let searched = searched(kind, scenario, Some(ThreadBug::ShardGuard), Some(2));
        let (_, detail) = searched.found.expect("it is found");
        assert!(detail.starts_with(kind), "{detail}");
    }
}

#[test]
fn the_right_one_is_never_accused() {
    for (bug, scenarios) in of_loom() {
        // Transactions that share shards have too many interleavings.
        let preemptions = match bug {
            ThreadBug::LateInsert | ThreadBug::ShardGuard => Some(3),
            _ => None,
        };
        for scenario in scenarios {
            let claim = format!("right, where {bug} shows");
            let searched = searched(&claim, &scenario, None, preemptions);
            assert_eq!(searched.found, None, "{claim}");
        }
    }
}

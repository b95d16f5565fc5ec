//! Loom over the smallest scenarios, exhaustively or with a few preemptions: each bug of the buggy executor
//! with threads is found, and there are no false positives.

use std::io::{Write as _, stderr};
use std::time::{Duration, Instant};

use lockstep_bugs::buggy_executor::concurrent::under_loom::{Extent, Searched, search};
use lockstep_bugs::buggy_executor::concurrent::{ThreadBug, triggers};
use lockstep_sim::scenario::Scenario;

/// Time after which a search is cut short and its test fails.
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
    // Not captured, so that the extent of the search shows for passing tests as well.
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

/// Returns the bugs that loom can show, with their scenarios: a panic ends a model.
fn of_loom() -> impl Iterator<Item = (ThreadBug, Vec<Scenario>)> {
    let bugs = ThreadBug::ALL.iter().copied();
    bugs.filter(|bug| !bug.takes_a_fault())
        .map(|bug| (bug, triggers(bug)))
}

#[test]
fn every_bug_is_found_by_loom_with_two_preemptions() {
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

/// The two ways are two shards in opposite orders, and two keys of one shard.
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
fn there_are_no_false_positives() {
    for (bug, scenarios) in of_loom() {
        // Transactions that share shards have too many interleavings for an exhaustive search.
        let preemptions = match bug {
            ThreadBug::LateInsert | ThreadBug::ShardGuard => Some(3),
            _ => None,
        };
        for scenario in scenarios {
            let claim = format!("correct, where {bug} shows");
            let searched = searched(&claim, &scenario, None, preemptions);
            assert_eq!(searched.found, None, "{claim}");
        }
    }
}

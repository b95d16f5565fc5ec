//! Every interleaving of the smallest scenarios, or every one with a few preemptions: each defect of
//! the specimen with real workers is found, and the right one is accused in none.

use std::io::{Write as _, stderr};
use std::time::{Duration, Instant};

use lockstep_bugs::specimen::concurrent::under_loom::{Extent, Searched, search};
use lockstep_bugs::specimen::concurrent::{Defect, triggers};
use lockstep_sim::scenario::Scenario;

/// A search that takes longer is cut short, and fails.
const DEADLINE: Duration = Duration::from_secs(45);

const WORKERS: usize = 2;

fn searched(
    claim: &str,
    scenario: &Scenario,
    defect: Option<Defect>,
    preemptions: Option<usize>,
) -> Searched {
    let begun = Instant::now();
    let in_time = move |_| begun.elapsed() < DEADLINE;
    let searched = search(scenario, WORKERS, defect, preemptions, in_time)
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
fn of_loom() -> impl Iterator<Item = (Defect, Vec<Scenario>)> {
    let defects = Defect::ALL.iter().copied();
    defects
        .filter(|defect| *defect != Defect::ResultIndexLost)
        .map(|defect| (defect, triggers(defect)))
}

#[test]
fn every_defect_is_found_by_loom_with_two_preemptions() {
    for (defect, scenarios) in of_loom() {
        for scenario in scenarios {
            let searched = searched(defect.id(), &scenario, Some(defect), Some(2));
            let (invariant, detail) = searched
                .found
                .unwrap_or_else(|| panic!("{defect} is not found"));
            let ends = invariant != "always-ends";
            assert_eq!(defect.hangs(), !ends, "{defect}: {detail}");
            assert!(scenario.transactions() <= 3, "{defect}");
        }
    }
}

/// Two keys of one shard, and two shards in opposite orders.
#[test]
fn a_guard_that_is_held_shows_in_both_ways() {
    let kinds = ["lock cycle: ", "self-deadlock: "];
    let scenarios = triggers(Defect::ShardGuard);
    assert_eq!(scenarios.len(), kinds.len());
    for (scenario, kind) in scenarios.iter().zip(kinds) {
        let searched = searched(kind, scenario, Some(Defect::ShardGuard), Some(2));
        let (_, detail) = searched.found.expect("it is found");
        assert!(detail.starts_with(kind), "{detail}");
    }
}

#[test]
fn the_right_one_is_never_accused() {
    for (defect, scenarios) in of_loom() {
        // Transactions that share shards have too many interleavings.
        let preemptions = match defect {
            Defect::LateInsert | Defect::ShardGuard => Some(3),
            _ => None,
        };
        for scenario in scenarios {
            let claim = format!("right, where {defect} shows");
            let searched = searched(&claim, &scenario, None, preemptions);
            assert_eq!(searched.found, None, "{claim}");
        }
    }
}

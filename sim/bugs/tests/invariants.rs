//! Each invariant detects the seeded bug of the catalogue that it claims to catch.

use lockstep_bugs::{Bug, ENGINES, Effort, Engine};
use lockstep_harness::invariant::{self, Invariant};

/// Seeds that are tried: the invariant that detects a bug first depends on the run.
const SEEDS: std::ops::Range<u64> = 0..12;
/// Runs of one seed.
const RUNS: u64 = 200;

/// Returns the engines of this build that apply to a bug.
fn engines(bug: &Bug) -> Vec<&'static dyn Engine> {
    let names = ["trial", "crash", "nodes", "threads", "random"];
    let mut engines: Vec<_> = ENGINES.to_vec();
    engines.retain(|one| names.contains(&one.name()) && one.applies(bug));
    engines.retain(|one| one.left_out().is_none());
    engines
}

fn is_named_by(bug: &Bug, invariant: &Invariant) -> bool {
    engines(bug).into_iter().any(|engine| {
        SEEDS.clone().any(|seed| {
            let searched = engine.search(bug, seed, &Effort::of(RUNS));
            let searched = searched.expect("the machine does not fail");
            searched
                .found
                .is_some_and(|found| found.invariant == invariant.name)
        })
    })
}

/// Returns the invariants whose seeded bug is in the catalogue, with that bug.
fn with_a_bug() -> impl Iterator<Item = (&'static Invariant, &'static Bug)> {
    let all = invariant::registered().into_values();
    all.filter_map(|invariant| Some((invariant, Bug::named(invariant.seeded_bug)?)))
}

#[test]
fn every_invariant_names_the_bug_of_the_catalogue_that_it_claims() {
    for (invariant, bug) in with_a_bug() {
        // The order of workers decides whether these show: they take a scheduler.
        let takes_a_scheduler = ["open-window", "unbounded-tasks"].contains(&bug.id);
        if takes_a_scheduler && cfg!(not(feature = "shuttle")) {
            continue;
        }
        assert!(is_named_by(bug, invariant), "{}: {invariant}", bug.id);
    }
}

#[test]
fn an_invariant_that_does_not_name_a_bug_is_found() {
    let bug = Bug::named("half-applied").expect("it is a bug");
    let other = invariant::named("versions-descend").expect("it is an invariant");
    assert!(!is_named_by(bug, other));
}

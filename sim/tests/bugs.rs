//! The harness is held against defects that executors really had: it finds every one that the
//! specimen can have, says so in few transactions, and never accuses the specimen that has none.

use lockstep_sim::bugs::{self, Engine};
use lockstep_sim::specimen::Defect;

const SEED: u64 = 2;

/// So many scenarios are enough for every defect.
const RUNS: u64 = 1_000;

/// So many tries to make one smaller.
const TRIES: u64 = 3_000;

#[test]
fn every_defect_is_found_soon_and_shrunk_to_three_transactions() {
    for &defect in Defect::ALL {
        let search = bugs::search(Engine::Trial, Some(defect), SEED, RUNS, &|| true)
            .expect("nothing fails in memory");
        let found = search
            .found
            .unwrap_or_else(|| panic!("{defect} is not found in {RUNS} runs of seed {SEED}"));
        let small = bugs::shrunk(Engine::Trial, Some(defect), &found, TRIES);
        let shown = Engine::Trial
            .accuses(&small, Some(defect))
            .expect("nothing fails in memory");
        assert_eq!(shown.as_ref(), Some(&found.invariant), "{defect}");
        let size = small.transactions();
        assert!(size <= 3, "{defect} takes {size} transactions");
    }
}

#[test]
fn the_right_specimen_is_never_accused() {
    for engine in Engine::ALL {
        let search =
            bugs::search(engine, None, SEED, RUNS, &|| true).expect("nothing fails in memory");
        assert_eq!(search.found, None, "{engine}");
        assert_eq!(search.runs, RUNS, "{engine}");
    }
}

/// The point of the harness is the difference to what there would be otherwise.
#[test]
fn comparing_balances_or_runs_with_each_other_misses_what_the_trial_finds() {
    let misses = |engine, defect| {
        bugs::search(engine, Some(defect), 1, 200, &|| true)
            .expect("nothing fails in memory")
            .found
            .is_none()
    };
    assert!(misses(Engine::Balances, Defect::ReceiptDiffers));
    assert!(misses(Engine::Balances, Defect::SelfLinkedVersion));
    assert!(misses(Engine::Balances, Defect::ReceiverNotRegistered));
    assert!(!misses(Engine::Balances, Defect::FeeNotDebited));
    assert!(misses(Engine::Plain, Defect::HalfApplied));
    assert!(misses(Engine::Plain, Defect::NonceRuleDiffers));
    assert!(!misses(Engine::Plain, Defect::SelfTransfer));
    assert!(misses(Engine::Itself, Defect::FeeNotDebited));
}

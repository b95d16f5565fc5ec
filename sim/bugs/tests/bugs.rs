//! The harness is held against defects that executors really had: every one is found by some engine
//! and in few transactions, every engine finds one, and nobody accuses who has none.

use lockstep_bugs::{BUGS, Bug, CORRECT, ENGINES, Effort, Engine, Search};
use lockstep_sim::faulty::OnDiskBug;

const SEED: u64 = 2;

/// So many scenarios are enough for every bug that the trial meets.
const RUNS: u64 = 1_000;

/// So many tries to make one smaller.
const TRIES: u64 = 3_000;

fn engine(name: &str) -> &'static dyn Engine {
    let mut all = ENGINES.iter().copied();
    all.find(|engine| engine.name() == name)
        .unwrap_or_else(|| panic!("{name} is an engine"))
}

fn bug(id: &str) -> &'static Bug {
    Bug::named(id).unwrap_or_else(|| panic!("{id} is a bug"))
}

fn search(engine: &dyn Engine, bug: &Bug, seed: u64, runs: u64) -> Search {
    engine
        .search(bug, seed, &Effort::of(runs))
        .unwrap_or_else(|reason| panic!("{} and {}: {reason}", engine.name(), bug.id))
}

#[test]
fn the_trial_finds_every_bug_that_it_meets_soon_and_in_three_transactions() {
    let trial = engine("trial");
    for bug in BUGS.iter().filter(|bug| trial.applies(bug)) {
        let found = search(trial, bug, SEED, RUNS)
            .found
            .unwrap_or_else(|| panic!("{} is not found in {RUNS} runs of seed {SEED}", bug.id));
        if let Some(seeded) = OnDiskBug::named(bug.id) {
            let mut named_by = seeded.seeding().named_by.iter();
            assert!(named_by.any(|one| one.name == found.invariant), "{seeded}");
        }
        let small = (found.shrunk)(&Effort::of(TRIES));
        assert_eq!(small.shows.as_ref(), Some(&found.invariant), "{}", bug.id);
        let size = small.transactions;
        assert!(size <= 3, "{} takes {size} transactions", bug.id);
    }
}

/// A fuzzer is built with another compiler, and no part of the ordinary tests. Its target is tested
/// where it is, in `sim/src/fuzz/buggy executor.rs`. Those that need a checker have tests of their own.
fn engines() -> impl Iterator<Item = &'static dyn Engine> {
    ENGINES
        .iter()
        .copied()
        .filter(|engine| !["fuzz", "loom", "random", "urw", "pct"].contains(&engine.name()))
}

#[test]
fn nobody_is_accused_who_is_right() {
    for engine in engines() {
        // What is searched by default takes up to a minute.
        let runs = engine.runs() / 10;
        for right in CORRECT.iter().filter(|right| engine.applies(right)) {
            let search = search(engine, right, SEED, runs);
            let accused = search.found.map(|found| found.invariant);
            assert_eq!(accused, None, "{} and {}", engine.name(), right.id);
            // A scenario under schedules is several runs.
            assert!(search.runs >= runs, "{} and {}", engine.name(), right.id);
        }
    }
}

/// So many runs are enough for whoever finds a bug in a test.
const FEW: u64 = 600;

fn finds(engine: &dyn Engine, bug: &Bug, runs: u64) -> bool {
    let search = search(engine, bug, SEED, runs);
    search
        .found
        .is_some_and(|found| !found.invariant.is_empty())
}

/// An engine that finds nothing is blind.
#[test]
fn every_engine_finds_a_bug() {
    for engine in engines() {
        // Most of them find something at once, if not the first that is asked for.
        let finds_any = |runs| {
            let mut met = BUGS.iter().filter(|bug| engine.applies(bug));
            met.any(|bug| finds(engine, bug, runs))
        };
        assert!(
            finds_any(FEW / 20) || finds_any(FEW),
            "{} finds nothing",
            engine.name()
        );
    }
}

/// A bug that nobody finds is a row without evidence.
#[test]
fn every_bug_is_found() {
    // Those that a checker meets take luck without it.
    let has_own_tests = |bug: &Bug| {
        ["trial", "random"]
            .map(engine)
            .iter()
            .any(|one| one.applies(bug))
    };
    for bug in BUGS.iter().filter(|bug| !has_own_tests(bug)) {
        let mut meet = engines().filter(|engine| engine.applies(bug)).peekable();
        assert!(meet.peek().is_some(), "no engine looks for {}", bug.id);
        assert!(
            meet.any(|engine| finds(engine, bug, FEW)),
            "nobody finds {}",
            bug.id
        );
    }
}

#[test]
fn whoever_accuses_has_a_reproducer_that_shows_the_same() {
    for (name, id) in [
        ("oracle", "receipt-differs"),
        ("invariants", "fee-not-debited"),
        ("crash", "merge-beside-block"),
        ("crash", "merge-not-atomic"),
        ("nodes", "merge-order"),
        ("balances", "self-transfer"),
        ("plain", "balance-from-storage"),
    ] {
        let found = search(engine(name), bug(id), SEED, FEW).found;
        let found = found.unwrap_or_else(|| panic!("{name} finds {id}"));
        let small = (found.shrunk)(&Effort::of(TRIES));
        assert_eq!(small.shows, Some(found.invariant), "{name} and {id}");
        assert!(small.transactions <= 3, "{name} and {id}: {small:?}");
    }
}

#[test]
fn who_has_no_time_finds_nothing_and_shrinks_nothing() {
    let none = |_| false;
    let out_of_time = Effort {
        most: FEW,
        goes_on: &none,
    };
    for engine in engines() {
        let bug = BUGS.iter().find(|bug| engine.applies(bug));
        let bug = bug.unwrap_or_else(|| panic!("{} meets a bug", engine.name()));
        let search = engine
            .search(bug, SEED, &out_of_time)
            .expect("nothing fails before it begins");
        assert_eq!(search.runs, 0, "{}", engine.name());
        assert!(search.found.is_none(), "{}", engine.name());
    }
    let found = search(engine("trial"), bug("self-transfer"), SEED, FEW).found;
    let found = found.expect("the trial finds it");
    let whole = (found.shrunk)(&out_of_time).transactions;
    assert!(whole > (found.shrunk)(&Effort::of(TRIES)).transactions);
}

/// The point of the harness is the difference to what there would be otherwise.
#[test]
fn comparing_balances_or_runs_with_each_other_misses_what_the_trial_finds() {
    let misses = |name: &str, id: &str| search(engine(name), bug(id), 1, 200).found.is_none();
    assert!(misses("balances", "receipt-differs"));
    assert!(misses("balances", "self-linked-version"));
    assert!(misses("balances", "receiver-not-registered"));
    assert!(!misses("balances", "fee-not-debited"));
    assert!(misses("plain", "half-applied"));
    assert!(misses("plain", "nonce-rule-differs"));
    assert!(!misses("plain", "self-transfer"));
    assert!(misses("itself", "fee-not-debited"));
}

/// Neither half of the harness is enough.
#[test]
fn the_oracle_and_the_invariants_each_name_what_the_other_does_not() {
    let named = |name: &str, id: &str| {
        let found = search(engine(name), bug(id), 1, 200).found;
        found.map(|found| found.invariant)
    };
    let overtaking = "overtaking-batch";
    assert_eq!(
        named("oracle", overtaking).as_deref(),
        Some("same-as-serial")
    );
    assert_eq!(named("invariants", overtaking), None);
    let debit = "debit-dropped";
    assert_eq!(
        named("invariants", debit).as_deref(),
        Some("receipts-explain-balances")
    );
    assert_eq!(named("oracle", debit).as_deref(), Some("same-as-serial"));
}

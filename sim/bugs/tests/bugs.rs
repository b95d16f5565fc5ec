//! The harness against bugs that executors really had: every bug is detected by some engine in few
//! transactions, every engine detects a bug, and no engine has false positives.

use lockstep_bugs::{BUGS, Bug, CORRECT, ENGINES, Effort, Engine, Search};
use lockstep_sim::buggy_core::AnswerBug;
use lockstep_sim::buggy_core::PathBug;
use lockstep_sim::buggy_core::PoolBug;
use lockstep_sim::faulty::OnDiskBug;

const SEED: u64 = 2;

/// Number of scenarios within which the trial finds every bug that it applies to.
const RUNS: u64 = 1_000;

/// Number of candidates of shrinking.
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
        let most = match bug.id {
            // A chain of four.
            "one-level-deep" => 4,
            _ => 3,
        };
        assert!(size <= most, "{} takes {size} transactions", bug.id);
    }
}

/// Returns the engines of the ordinary tests. The fuzzer is built with another compiler, and its target is
/// tested in `fuzz/tests/buggy_executor.rs`; the engines that need a model checker have tests of their own.
fn engines() -> impl Iterator<Item = &'static dyn Engine> {
    ENGINES
        .iter()
        .copied()
        .filter(|engine| !["fuzz", "loom", "random", "urw", "pct"].contains(&engine.name()))
}

#[test]
fn no_engine_has_false_positives() {
    for engine in engines() {
        // A search of the default length takes up to a minute.
        let runs = engine.runs() / 10;
        for control in CORRECT.iter().filter(|control| engine.applies(control)) {
            let search = search(engine, control, SEED, runs);
            let violated = search.found.map(|found| found.invariant);
            assert_eq!(violated, None, "{} and {}", engine.name(), control.id);
            // A scenario under drawn schedules is several runs.
            assert!(search.runs >= runs, "{} and {}", engine.name(), control.id);
        }
    }
}

/// Number of runs within which a bug must be found in a test.
const FEW: u64 = 600;

fn finds(engine: &dyn Engine, bug: &Bug, runs: u64) -> bool {
    let search = search(engine, bug, SEED, runs);
    search
        .found
        .is_some_and(|found| !found.invariant.is_empty())
}

/// An engine without a detection is broken.
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

/// A bug that no engine finds is a row without evidence.
#[test]
fn every_bug_is_found() {
    // The bugs that take a model checker are found by chance without it.
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
            "no engine finds {}",
            bug.id
        );
    }
}

#[test]
fn a_shrunk_detection_shows_the_same_violation() {
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
fn without_time_nothing_is_found_and_nothing_is_shrunk() {
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

/// The baselines miss bugs that the harness finds.
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

/// Neither half of the harness suffices alone.
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

/// Wrong answers of core to its public calls, a wrong mempool, and bytes that it should not store: no
/// result of a block shows any of them.
#[test]
fn the_trial_finds_what_questions_and_bytes_show_and_the_oracle_alone_finds_none() {
    let seedings = AnswerBug::ALL.map(AnswerBug::seeding).into_iter();
    let seedings = seedings.chain(PathBug::ALL.map(PathBug::seeding));
    for seeding in seedings.chain(PoolBug::ALL.map(PoolBug::seeding)) {
        let seeded = seeding.bug;
        let bug = bug(seeded.id);
        let search = search(engine("trial"), bug, SEED, RUNS);
        let found = search.found;
        let found = found.unwrap_or_else(|| panic!("{seeded} is not found in {RUNS} runs"));
        let mut named_by = seeding.named_by.iter();
        assert!(named_by.any(|one| one.name == found.invariant), "{seeded}");
        assert!(!finds(engine("oracle"), bug, FEW / 20), "{seeded}");
        let small = (found.shrunk)(&Effort::of(TRIES));
        assert_eq!(small.shows.as_ref(), Some(&found.invariant), "{seeded}");
        assert!(small.transactions <= 3, "{seeded}: {small:?}");
    }
}

//! The harness is held against defects that executors really had: every one is found by some engine
//! and in few transactions, every engine finds one, and nobody accuses who has none.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lockstep_bugs::specimen::{Defect, concurrent};
use lockstep_bugs::{BUGS, Bug, ENGINES, Effort, Engine, RIGHT, Search};

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
        let small = (found.shrunk)(&Effort::of(TRIES));
        assert_eq!(small.shows.as_ref(), Some(&found.invariant), "{}", bug.id);
        let size = small.transactions;
        assert!(size <= 3, "{} takes {size} transactions", bug.id);
    }
}

/// A fuzzer is built with another compiler, and no part of the ordinary tests. Its target is tested
/// where it is, in `sim/src/fuzz/specimen.rs`. Those that need a checker have tests of their own.
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
        for right in RIGHT.iter().filter(|right| engine.applies(right)) {
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
        if meet.peek().is_none() {
            // The page must say where it is instead, and is asked below.
            continue;
        }
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

/// A row of the page: the id of a bug, what is wrong, and where it is re-created.
fn rows_of_the_page() -> Vec<[String; 3]> {
    let page = root().join("docs/known-bugs.md");
    fs::read_to_string(&page)
        .unwrap_or_else(|error| panic!("{}: {error}", page.display()))
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix("| ")?.split(" | ").collect();
            let [id, what, place] = cells[..] else {
                return None;
            };
            let place = place.trim_end_matches('|').trim();
            (id != "id").then(|| [id, what, place].map(str::to_owned))
        })
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn is_of_specimen(id: &str) -> bool {
    Defect::named(id).is_some() || concurrent::Defect::named(id).is_some()
}

/// What is wrong with the place of a row. A bug that an engine meets is somewhere.
fn objection(id: &str, place: &str) -> Option<String> {
    if place == "specimen" {
        return (!is_of_specimen(id)).then(|| format!("{id}: the specimen has no such defect"));
    }
    if is_of_specimen(id) {
        return Some(format!(
            "{id}: the specimen has it, the page says {place:?}"
        ));
    }
    if let Some(reason) = place.strip_prefix("not yet: ") {
        if ENGINES.iter().any(|engine| engine.applies(bug(id))) {
            return Some(format!("{id}: an engine meets it, the page says {place:?}"));
        }
        return reason.is_empty().then(|| format!("{id}: no reason"));
    }
    let parts: Vec<&str> = place.split('`').collect();
    let ["", file, ": ", word, ""] = parts[..] else {
        return Some(format!("{id}: {place:?} is no place"));
    };
    match fs::read_to_string(root().join(file)) {
        Ok(text) if text.contains(word) => None,
        Ok(_) => Some(format!("{id}: {file} does not contain {word}")),
        Err(error) => Some(format!("{id}: {file}: {error}")),
    }
}

#[test]
fn the_page_lists_every_bug_and_says_where_it_is() {
    let rows = rows_of_the_page();
    let of_page: Vec<(&str, &str)> = rows
        .iter()
        .map(|[id, what, _]| (id.as_str(), what.as_str()))
        .collect();
    let known: Vec<(&str, &str)> = BUGS.iter().map(|bug| (bug.id, bug.what)).collect();
    assert_eq!(of_page, known, "the page and the list of the program");
    let objections: Vec<String> = rows
        .iter()
        .filter_map(|[id, _, place]| objection(id, place))
        .collect();
    assert_eq!(objections, Vec::<String>::new());
    let ids: BTreeSet<&str> = BUGS.iter().chain(RIGHT).map(|bug| bug.id).collect();
    assert_eq!(
        ids.len(),
        BUGS.len() + RIGHT.len(),
        "every bug has an id of its own"
    );
    let of_specimen = |is_there: fn(&str) -> bool| -> Vec<&str> {
        rows.iter()
            .filter(|[id, _, place]| place == "specimen" && is_there(id))
            .map(|[id, ..]| id.as_str())
            .collect()
    };
    let defects: Vec<&str> = Defect::ALL.iter().map(|defect| defect.name()).collect();
    let there = of_specimen(|id| Defect::named(id).is_some());
    assert_eq!(there, defects, "the page and the specimen, in order");
    let concurrent = concurrent::Defect::ALL;
    let defects: Vec<&str> = concurrent.iter().map(|defect| defect.name()).collect();
    let there = of_specimen(|id| concurrent::Defect::named(id).is_some());
    assert_eq!(there, defects, "the page and its workers, in order");
}

#[test]
fn a_row_without_a_place_is_objected_to() {
    for (id, place) in [
        ("merge-order", ""),
        ("merge-order", "not yet: "),
        ("merge-order", "specimen"),
        ("merge-order", "somewhere"),
        ("merge-order", "`sim/src/nodes/none.rs`: `merge-order`"),
        ("merge-order", "`sim/src/lib.rs`: `merge-order`"),
        ("self-transfer", "not yet: it is hard"),
    ] {
        assert!(objection(id, place).is_some(), "{id}: {place:?}");
    }
}

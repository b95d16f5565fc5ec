//! The harness is held against defects that executors really had: it finds every one that the
//! specimen can have, says so in few transactions, and never accuses the specimen that has none.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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

/// A row of the page: the name of a defect, and where it is re-created.
fn rows_of_the_page() -> Vec<(String, String)> {
    let page = root().join("docs/known-bugs.md");
    fs::read_to_string(&page)
        .unwrap_or_else(|error| panic!("{}: {error}", page.display()))
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix("| ")?.split(" | ").collect();
            let place = cells.last()?.trim_end_matches('|').trim();
            (cells[0] != "id").then(|| (cells[0].to_owned(), place.to_owned()))
        })
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What is wrong with the place of a row.
fn objection(id: &str, place: &str) -> Option<String> {
    if place == "specimen" {
        return Defect::named(id)
            .is_none()
            .then(|| format!("{id}: the specimen has no such defect"));
    }
    if Defect::named(id).is_some() {
        return Some(format!(
            "{id}: the specimen has it, the page says {place:?}"
        ));
    }
    if let Some(reason) = place.strip_prefix("not yet: ") {
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
fn every_row_of_the_page_has_its_place_and_every_defect_its_row() {
    let rows = rows_of_the_page();
    let objections: Vec<String> = rows
        .iter()
        .filter_map(|(id, place)| objection(id, place))
        .collect();
    assert_eq!(objections, Vec::<String>::new());
    let ids: BTreeSet<&str> = rows.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids.len(), rows.len(), "every row has a name of its own");
    let of_specimen: Vec<&str> = rows
        .iter()
        .filter(|(_, place)| place == "specimen")
        .map(|(id, _)| id.as_str())
        .collect();
    let defects: Vec<&str> = Defect::ALL.iter().map(|defect| defect.name()).collect();
    assert_eq!(of_specimen, defects, "the page and the specimen, in order");
}

#[test]
fn a_row_without_a_place_is_objected_to() {
    for (id, place) in [
        ("late-insert", ""),
        ("late-insert", "not yet: "),
        ("late-insert", "specimen"),
        ("late-insert", "somewhere"),
        (
            "late-insert",
            "`loom-tests/tests/none.rs`: `a_late_insert_is_found`",
        ),
        ("late-insert", "`sim/src/lib.rs`: `a_late_insert_is_found`"),
        ("self-transfer", "not yet: it is hard"),
    ] {
        assert!(objection(id, place).is_some(), "{id}: {place:?}");
    }
}

fn lockstep(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    command.args(arguments);
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("LOCKSTEP_") {
            command.env_remove(variable);
        }
    }
    command.output().expect("the program starts")
}

#[test]
fn every_defect_is_a_row_of_what_is_printed() {
    let short = ["bugs", "--engine", "itself", "--runs", "1", "--seeds", "1"];
    let printed = lockstep(&short);
    assert_eq!(printed.status.code(), Some(0), "{printed:?}");
    let text = String::from_utf8(printed.stdout).expect("what is printed is text");
    let names: Vec<&str> = text
        .lines()
        .skip(2)
        .filter_map(|line| line.split(' ').next())
        .collect();
    let mut expected = vec!["none"];
    expected.extend(Defect::ALL.iter().map(|defect| defect.name()));
    assert_eq!(names, expected);
}

#[test]
fn a_defect_that_is_found_has_numbers_and_one_that_is_not_fails_the_command() {
    let of_trial = |bug: &str| {
        lockstep(&[
            "bugs", "--json", "--engine", "trial", "--runs", "9", "--seeds", "1", "--seed", "2",
            "--bug", bug,
        ])
    };
    let found = of_trial("fee-not-debited");
    assert_eq!(found.status.code(), Some(0), "{found:?}");
    let text = String::from_utf8(found.stdout).expect("what is printed is text");
    let rows: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is a record"))
        .collect();
    assert_eq!(rows.len(), 2, "the right one and the wrong one");
    assert_eq!(
        (&rows[0]["bug"], &rows[0]["found"]),
        (&"none".into(), &0.into())
    );
    assert_eq!(rows[0]["runs"]["worst"], 9);
    assert_eq!(rows[1]["found"], 1);
    assert_eq!(rows[1]["transactions"], 1);
    assert_eq!(rows[1]["invariants"][0], "receipts-explain-balances");

    // It takes an account with more than half of all that there can be.
    let missed = of_trial("saturating-credit");
    assert_eq!(missed.status.code(), Some(13), "{missed:?}");
    let complaint = String::from_utf8(missed.stderr).expect("what is printed is text");
    assert!(complaint.contains("saturating-credit"), "{complaint}");
}

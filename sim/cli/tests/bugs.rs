//! `lockstep bugs`, as a process.

use std::fs;
use std::process::{Command, Output};

use lockstep_bugs::{BUGS, CORRECT};
use lockstep_harness::seeded_bug::catalogue;

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
fn every_bug_is_a_line_of_the_output() {
    let short = ["bugs", "--engine", "itself", "--runs", "1", "--seeds", "1"];
    let printed = lockstep(&short);
    // Compared with itself, an executor is nearly always right.
    assert_eq!(printed.status.code(), Some(13), "{printed:?}");
    let text = String::from_utf8(printed.stdout).expect("what is printed is text");
    let names: Vec<&str> = text
        .lines()
        .skip(5)
        .take_while(|line| !line.starts_with("-: "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let known: Vec<&str> = CORRECT
        .iter()
        .chain(BUGS.iter())
        .map(|bug| bug.id)
        .collect();
    assert_eq!(names, known);
}

#[test]
fn the_catalogue_is_printed_with_hosts_and_engines() {
    let printed = lockstep(&["bugs", "--list"]);
    assert_eq!(printed.status.code(), Some(0), "{printed:?}");
    let text = String::from_utf8(printed.stdout).expect("what is printed is text");
    let ids: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).collect();
    let catalogue = catalogue();
    let known: Vec<&str> = catalogue.iter().map(|entry| entry.bug.id).collect();
    assert_eq!(ids, known);
    for part in [
        "io-error-is-rejection\n  sentence      a storage that cannot be read changes a result\n",
        "  hosts         core on disk, node\n  engines       trial, nodes\n",
        "process-dies\n  sentence      a process ends in the middle of a run\n",
        "  engines       -\n  invariants    process-survives\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let file = folder.path().join("bugs.html");
    let printed = lockstep(&[
        "bugs",
        "--engine=trial,plain",
        "--bug=half-applied,correct-executor,late-insert",
        "--runs=60",
        "--seeds=2",
        "--html",
        file.to_str().expect("a temporary folder is text"),
    ]);
    assert_eq!(printed.status.code(), Some(0), "{printed:?}");
    let page = fs::read_to_string(&file).expect("the page was written");
    for part in [
        "lockstep bugs --seeds 2 --seed 1 --budget 60s --runs 60 --bug half-applied",
        "<th>trial<th>plain",
        "<b>half-applied</b><small>the transfers before the one that cannot be paid stay</small>",
        "2/2, worst ",
        "0/2<br>60 runs each",
        "n/a",
        "1 of 1 seeded bugs",
        "No false positives.",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    for foreign in ["<script", "http:", "https:", "<link", "src=", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn a_detected_bug_has_numbers_and_a_missed_one_fails_the_command() {
    let of_trial = |bug: &str| {
        lockstep(&[
            "bugs", "--json", "--engine", "trial", "--runs", "9", "--seeds", "1", "--seed", "2",
            "--bug", bug,
        ])
    };
    let rows = |printed: &Output| -> Vec<serde_json::Value> {
        String::from_utf8_lossy(&printed.stdout)
            .lines()
            .map(|line| serde_json::from_str(line).expect("every line is a record"))
            .collect()
    };
    let right = of_trial("correct-executor,correct-core-serial");
    assert_eq!(right.status.code(), Some(0), "{right:?}");
    for row in rows(&right) {
        assert_eq!(
            (&row["detected"], &row["runs"]["worst"]),
            (&0.into(), &9.into())
        );
    }
    let found = of_trial("fee-not-debited");
    assert_eq!(found.status.code(), Some(0), "{found:?}");
    let rows = rows(&found);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["detected"], 1);
    assert_eq!(rows[0]["transactions"], 1);
    assert_eq!(rows[0]["invariants"][0], "receipts-explain-balances");

    // It takes an account with more than half of all that there can be.
    let missed = of_trial("saturating-credit");
    assert_eq!(missed.status.code(), Some(13), "{missed:?}");
    let complaint = String::from_utf8(missed.stderr).expect("what is printed is text");
    assert!(complaint.contains("saturating-credit"), "{complaint}");
}

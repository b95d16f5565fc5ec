//! Findings from the command line: printed with the whole run before they are shrunk, and kept when a
//! person ends the search.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The program, with piped output, in this folder.
fn lockstep(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    // Variables of the environment of these tests must not matter.
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("LOCKSTEP_") {
            command.env_remove(variable);
        }
    }
    command
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The place of a line in a text.
#[track_caller]
fn place_of(text: &str, line: &str) -> usize {
    text.find(line)
        .unwrap_or_else(|| panic!("{line} is in\n{text}"))
}

#[test]
fn a_finding_is_printed_with_its_whole_run_before_it_is_shrunk() {
    for (command, whole) in [
        (
            &["run", "--inject-bug", "self-transfer"][..],
            "receipts-explain-balances-seed1-run0.unshrunk.repro",
        ),
        (
            &["crash", "--inject-bug", "merge-not-atomic"],
            "crash-seed1.unshrunk.repro",
        ),
    ] {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let output = lockstep(folder.path(), command).output();
        let output = output.expect("the program starts");
        let text = String::from_utf8(output.stdout).expect("what is printed is text");
        let violated = place_of(&text, "\nviolated: ");
        let reproduce = place_of(&text, "  reproduce     lockstep ");
        let replay = format!("  replay        lockstep replay reproducers/{whole}\n");
        let replay = place_of(&text, &replay);
        let shrunk = place_of(&text, "  shrunk        from ");
        let order = [violated, reproduce, replay, shrunk];
        assert!(order.is_sorted(), "{order:?} in\n{text}");
        let small = whole.replace(".unshrunk", "");
        let small = format!("  replay        lockstep replay reproducers/{small}\n");
        assert!(place_of(&text, &small) > shrunk, "{text}");
        assert!(folder.path().join("reproducers").join(whole).exists());
    }
}

#[test]
fn the_json_record_of_a_finding_comes_before_it_is_shrunk() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    for command in ["run", "nodes", "crash"] {
        let bug = match command {
            "run" => "self-transfer",
            "nodes" => "reorg-not-undone",
            _ => "merge-not-atomic",
        };
        let arguments = [command, "--json", "--inject-bug", bug];
        let output = lockstep(folder.path(), &arguments).output();
        let output = output.expect("the program starts");
        let text = String::from_utf8(output.stdout).expect("what is printed is text");
        let records: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line is a record"))
            .collect();
        let [.., finding, last] = &records[..] else {
            panic!("{command}: {text}");
        };
        let findings = records.iter().filter(|record| record["kind"] == "finding");
        assert_eq!(findings.count(), 1, "{text}");
        assert_eq!(finding["kind"], "finding", "{text}");
        let whole = finding["unshrunk"].as_str().expect("it is kept");
        assert!(folder.path().join(whole).exists(), "{whole}");
        assert_eq!(finding["shrunk"], Value::Null);
        assert_eq!(last["exit_code"], finding["exit_code"]);
        assert!(last.to_string().contains("shrunk from "), "{last}");
    }
}

/// Sends what Ctrl-C sends.
#[cfg(unix)]
fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status();
    assert!(sent.expect("there is a kill").success());
}

/// Starts a command, interrupts it after the line that contains this, and returns the rest of what it
/// prints, and its exit code.
#[cfg(unix)]
fn interrupted_after(folder: &Path, arguments: &[&str], line: &str) -> (String, Option<i32>) {
    let mut child = lockstep(folder, arguments).spawn().expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut read = String::new();
    loop {
        let mut next = String::new();
        let length = out.read_line(&mut next).expect("it is text");
        assert!(length > 0, "{line} is printed: {read}");
        read.push_str(&next);
        if next.contains(line) {
            break;
        }
    }
    interrupt(&child);
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("it is text");
    (rest, child.wait().expect("it ends").code())
}

#[cfg(unix)]
#[test]
fn an_interrupted_search_keeps_the_smallest_run_so_far_and_says_so() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let arguments = ["run", "--inject-bug", "self-transfer"];
    let (rest, code) = interrupted_after(folder.path(), &arguments, "unshrunk.repro");
    assert!(rest.contains(", interrupted\n"), "{rest}");
    assert!([Some(10), Some(11)].contains(&code), "{code:?}: {rest}");
    let small = rest.split("lockstep replay ").nth(1).expect("it is kept");
    let small = small.lines().next().expect("it has a name");
    let replayed = lockstep(folder.path(), &["replay", small]).output();
    let replayed = replayed.expect("the program starts");
    assert_eq!(replayed.status.code(), code, "it still shows it");
}

#[cfg(unix)]
#[test]
fn an_interrupted_campaign_ends_with_its_summary() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    for (command, line) in [
        (&["run", "--for", "10m"][..], "  run 1 "),
        (&["nodes", "--for", "10m"], "  seed 1 "),
    ] {
        let (rest, code) = interrupted_after(folder.path(), command, line);
        assert_eq!(code, Some(130), "{rest}");
        let runs = place_of(&rest, "  runs          ");
        assert!(place_of(&rest, "\ninterrupted\n") > runs, "{rest}");
    }
}

/// Limit of silence of these tests, and a time in which a finding is printed whatever the machine does.
const RUN_TIMEOUT: [&str; 2] = ["--run-timeout", "2s"];

/// Executes a command whose run does not end; returns what it prints.
#[track_caller]
fn hangs(folder: &Path, arguments: &[&str]) -> String {
    let arguments = [arguments, &RUN_TIMEOUT].concat();
    let output = lockstep(folder, &arguments).output();
    let output = output.expect("the program starts");
    let text = String::from_utf8(output.stdout).expect("what is printed is text");
    assert_eq!(output.status.code(), Some(12), "{text}");
    let place = place_of(&text, "violated: finishes-in-time\n");
    text[place..].to_owned()
}

#[test]
fn a_run_that_does_not_end_is_found_shrunk_and_replayed() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    // Few candidates: each that does not end takes a second.
    let arguments = ["run", "--inject-bug", "never-ends", "--budget", "12"];
    let text = hangs(folder.path(), &arguments);
    place_of(&text, "  subject       buggy executor\n");
    place_of(&text, "  detail        no end of block ");
    let noted = place_of(&text, "last noted    by main: transaction ");
    let replay = place_of(&text, "  replay        lockstep replay ");
    let shrunk = place_of(&text, "  shrunk        from ");
    assert!(noted < replay && replay < shrunk, "{text}");
    let small = text.rsplit("lockstep replay ").next().expect("it is kept");
    let small = small.lines().next().expect("it has a name");
    let replayed = hangs(folder.path(), &["replay", small]);
    place_of(&replayed, "last noted    by main: transaction ");
}

#[test]
fn a_node_and_a_large_block_that_do_not_end_are_found() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let nodes = [
        "nodes",
        "--seeds",
        "0..4",
        "--inject-bug",
        "never-ends",
        "--budget",
        "2",
    ];
    let text = hangs(folder.path(), &nodes);
    place_of(&text, "last noted    by main: ");
    place_of(&text, "  shrunk        from ");
    let stress = [
        "stress",
        "--txs",
        "60",
        "--pattern",
        "hot",
        "--workers",
        "2",
        "--inject-bug",
        "never-ends",
    ];
    let text = hangs(folder.path(), &stress);
    place_of(&text, "last noted    by main: transaction ");
}

/// Executes a command that exits with this code; returns its standard output and its standard error.
#[track_caller]
fn ran(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let output = lockstep(folder, arguments)
        .env_remove("RUST_BACKTRACE")
        .output();
    let output = output.expect("the program starts");
    let text = String::from_utf8(output.stdout).expect("what is printed is text");
    let errors = String::from_utf8(output.stderr).expect("what is printed is text");
    assert_eq!(output.status.code(), Some(code), "{text}{errors}");
    (text, errors)
}

#[test]
fn a_finding_of_stress_is_a_reproducer_that_replays() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let stress = [
        "stress",
        "--txs",
        "60",
        "--pattern",
        "hot",
        "--workers",
        "2",
        "--inject-bug",
        "fee-not-debited",
    ];
    let (text, errors) = ran(folder.path(), &stress, 11);
    assert_eq!(errors, "", "nothing is reported twice");
    // A trial of the block asks for more than its result, and names the defect.
    place_of(&text, "violated: receipts-explain-balances\n");
    place_of(
        &text,
        "  shrunk        from 60 transactions in 1 block to 1 transaction in 1 block",
    );
    let files: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("replay        lockstep replay "))
        .collect();
    assert_eq!(files.len(), 2, "whole and shrunk: {text}");
    for file in files {
        let (text, _) = ran(folder.path(), &["replay", file], 11);
        place_of(&text, "violated: receipts-explain-balances\n");
    }
}

#[test]
fn a_difference_of_storages_names_table_key_and_both_values() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let nodes = [
        "nodes",
        "--seeds",
        "0..40",
        "--inject-bug",
        "reorg-not-undone",
    ];
    let (text, _) = ran(folder.path(), &nodes, 11);
    place_of(&text, "violated: same-on-every-storage\n");
    let detail = text
        .lines()
        .find(|line| line.starts_with("  detail        "));
    let detail = detail.expect("it is explained");
    assert!(detail.contains("table history, key "), "{detail}");
    place_of(&text, "  got           0x");
    place_of(&text, "  expected      ");
}

#[test]
fn a_panic_is_reported_with_its_message_and_its_place() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let run = ["run", "--inject-bug", "swallowed-panic", "--budget", "40"];
    let (text, errors) = ran(folder.path(), &run, 11);
    place_of(&text, "\nviolated: ");
    let place = place_of(&text, "  panicked at   ");
    let line = text[place..].lines().next().expect("it is a line");
    assert!(line.contains(".rs:"), "{line}");
    assert!(errors.len() < 2_000, "{} bytes: {errors}", errors.len());
}

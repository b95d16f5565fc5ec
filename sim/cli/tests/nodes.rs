//! `lockstep nodes`, as a process.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn lockstep(arguments: &[&str], folder: &Path, workers: &str) -> Output {
    let out = folder.display().to_string();
    let more: &[&str] = match arguments[0] {
        "nodes" => &["--out", &out],
        _ => &[],
    };
    let output = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(arguments)
        .args(more)
        .args(["--workers", workers])
        .env("TMPDIR", folder)
        .env(
            "TZ",
            if workers == "1" {
                "UTC"
            } else {
                "Asia/Kathmandu"
            },
        )
        .output()
        .expect("the program starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!complaint.contains("panicked"), "{complaint}");
    output
}

#[test]
fn two_processes_with_other_settings_write_the_same_traces_byte_for_byte() {
    let folders = [1, 2].map(|_| tempfile::tempdir().expect("there is room"));
    let traces = folders.each_ref().map(|folder| {
        let trace = folder.path().join("traces");
        let workers = if folder.path() == folders[0].path() {
            "1"
        } else {
            "8"
        };
        let arguments = [
            "nodes",
            "--seeds",
            "4..6",
            "--hash-seed",
            workers,
            "--trace",
            &trace.display().to_string(),
        ]
        .map(str::to_owned);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = lockstep(&arguments, folder.path(), workers);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        ["nodes-seed4.trace", "nodes-seed5.trace"]
            .map(|name| fs::read(trace.join(name)).expect("each seed has a trace"))
    });
    assert!(traces[0].iter().all(|trace| trace.len() > 1_000));
    assert_eq!(traces[0], traces[1]);
}

#[test]
fn a_finding_is_printed_in_a_few_lines_and_replays_from_its_file() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let arguments = ["nodes", "--seeds", "0..3", "--inject-bug", "merge-order"];
    let found = lockstep(&arguments, folder.path(), "2");
    assert_eq!(found.status.code(), Some(10), "{found:?}");
    let text = String::from_utf8_lossy(&found.stdout);
    let (_, verdict) = text
        .split_once("\nviolated: same-as-serial\n  seed          0\n  event         ")
        .expect(&text);
    assert!(verdict.lines().count() <= 12, "{verdict}");
    assert!(verdict.contains(" candidates "), "{verdict}");
    // The first one is of the whole run.
    let command = verdict
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix("replay "))
        .expect(verdict);
    let replay: Vec<&str> = command.split_whitespace().skip(1).collect();
    let traces = folder.path().join("traces");
    let trace = traces.display().to_string();
    let replay = [replay.as_slice(), &["--trace", &trace]].concat();
    let replayed = lockstep(&replay, folder.path(), "2");
    assert_eq!(replayed.status.code(), Some(10), "{replayed:?}");
    let text = String::from_utf8_lossy(&replayed.stdout);
    assert!(
        text.contains("violated: same-as-serial\n  event         "),
        "{text}"
    );
    let trace = fs::read_to_string(traces.join("nodes-same-as-serial-seed0.trace"));
    assert!(trace.is_ok_and(|trace| trace.contains("block 1")));
    let whole = folder
        .path()
        .join("nodes-same-as-serial-seed0.unshrunk.repro");
    assert!(whole.exists(), "the unshrunk run is kept beside it");
}

#[test]
fn an_invalid_command_line_for_nodes_is_usage() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    for arguments in [
        &["nodes", "--seeds", "7"][..],
        &["nodes", "--seeds", "7..7"],
        &["nodes", "--for", "a while"],
        &["nodes", "--inject-bug", "a-tree"],
        &["replay", "no-such-file.repro"],
    ] {
        let output = lockstep(arguments, folder.path(), "2");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

//! Campaigns from the command line: split over processes and machines, and merged.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn lockstep(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    // Variables of the environment of these tests must not matter.
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("LOCKSTEP_") {
            command.env_remove(variable);
        }
    }
    command.args(arguments).envs(environment.iter().copied());
    command.output().expect("the program starts")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("what is printed is text")
}

fn records(output: &Output) -> Vec<Value> {
    let lines = out(output);
    let records = lines.lines().map(serde_json::from_str);
    records
        .map(|record| record.expect("a line is a record"))
        .collect()
}

/// A campaign of few small runs that reaches its coverage points.
const SMALL: [&str; 6] = ["run", "--json", "--preset", "reorg", "--seeds", "0..12"];

fn written(folder: &Path, name: &str, output: &Output) -> String {
    let path = folder.join(name);
    std::fs::write(&path, &output.stdout).expect("a temporary file can be written");
    path.display().to_string()
}

#[test]
fn shards_without_a_coordinator_make_one_verdict() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let typed = lockstep(&[&SMALL[..], &["--shard", "0/2"]].concat(), &[]);
    // The same from the environment, as a job array has it.
    let set = lockstep(
        &["run"],
        &[
            ("LOCKSTEP_RUN_JSON", "1"),
            ("LOCKSTEP_RUN_PRESET", "reorg"),
            ("LOCKSTEP_RUN_SEEDS", "0..12"),
            ("LOCKSTEP_RUN_SHARD", "1/2"),
        ],
    );
    assert_eq!((typed.status.code(), set.status.code()), (Some(0), Some(0)));

    let mut seeds = BTreeSet::new();
    for shard in [&typed, &set] {
        let records = records(shard);
        assert_eq!(records.len(), 7, "six runs and a verdict");
        let runs = records.iter().filter(|record| record["kind"] == "run");
        seeds.extend(runs.map(|run| run["seed"].as_u64().expect("a seed is a number")));
    }
    assert_eq!(seeds, (0..12).collect());

    let first = written(folder.path(), "0.jsonl", &typed);
    let second = written(folder.path(), "1.jsonl", &set);
    let merged = lockstep(&["merge", &second, &first], &[]);
    let text = out(&merged);
    assert_eq!(merged.status.code(), Some(0), "{text}");
    assert!(text.contains("reorg, seeds 0..12"), "{text}");
    assert!(text.contains("shards        2 of 2"), "{text}");
    assert!(text.contains("runs          12, "), "{text}");

    let half = lockstep(&["merge", &first], &[]);
    assert_eq!(half.status.code(), Some(20));
    assert!(out(&half).contains("shard 1/2 is missing"));
    let json = lockstep(&["merge", "--json", &first], &[]);
    assert_eq!(records(&json)[0]["exit_code"], 20);
}

#[test]
fn a_repeated_run_is_executed_here_and_in_another_process() {
    let output = lockstep(
        &[
            "run",
            "--json",
            "--seed",
            "5",
            "--only",
            "1",
            "--doublecheck",
        ],
        &[],
    );
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(records(&output)[0]["repetitions"], 2);
    let once = lockstep(
        &[
            "run",
            "--json",
            "--seed",
            "5",
            "--only",
            "1",
            "--cross-process-every",
            "0",
        ],
        &[],
    );
    let (twice, once) = (records(&output), records(&once));
    assert_eq!(once[0]["repetitions"], 1);
    assert_eq!(once[1]["digest"], twice[1]["digest"]);
}

#[test]
fn the_number_of_processes_shows_nowhere() {
    let of = |jobs| {
        let arguments = [
            "run", "--preset", "reorg", "--seeds", "0..6", "--jobs", jobs,
        ];
        let output = lockstep(&arguments, &[]);
        assert_eq!(output.status.code(), Some(0));
        out(&output)
    };
    let one = of("1");
    assert_eq!(one.matches("\n  seed ").count(), 6);
    assert_eq!(one, of("3"));
}

#[test]
fn a_process_that_dies_in_the_middle_of_a_run_reports_its_run() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let dir = folder.path().display().to_string();
    let output = lockstep(
        &[
            "worker",
            "--preset",
            "reorg",
            "--hash-seed",
            "0",
            "--dir",
            &dir,
            "--run-timeout-ms",
            "20000",
            "--dies",
            "3:0:first",
            "4:0:first",
        ],
        &[],
    );
    assert_eq!(output.status.code(), None, "it is ended by a signal");
    let mut records = records(&output);
    records.retain(|record| record != "Alive");
    assert_eq!(records.len(), 1, "nothing is said of what was not done");
    assert_eq!(records[0]["Begun"]["seed"], 3);
}

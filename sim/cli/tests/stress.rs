//! `lockstep stress`, as a process.

use std::process::{Command, Output};

fn lockstep(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .arg("stress")
        .args(arguments)
        .env_remove("LOCKSTEP_LOG")
        .output()
        .expect("the program starts")
}

fn out(output: &Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{complaint}");
    String::from_utf8(output.stdout.clone()).expect("what is printed is text")
}

#[test]
fn the_report_names_the_parameters_and_the_results() {
    let report = out(&lockstep(&[
        "--txs",
        "300",
        "--accounts",
        "40",
        "--pattern",
        "zipf",
        "--workers",
        "2",
        "--seed",
        "5",
        "--signed",
    ]));
    for part in [
        "lockstep stress --txs 300 --accounts 40 --pattern zipf --workers 2 --seed 5\n",
        "  transactions  300\n",
        "  parties       40 accounts\n",
        "  applied       100.00 % of the transactions\n",
        "core in memory: serial ",
        "core in memory: parallel validation on 2 workers",
        "core in memory: graph on 2 workers",
        "  mixed run     every kind of transaction in a second block, undone and added again; 3 blocks, 1 rewind, ",
        "  peak memory   ",
    ] {
        assert!(report.contains(part), "{part:?} in {report}");
    }
    assert!(report.ends_with("\npassed\n"), "{report}");
}

#[test]
fn an_adversarial_block_is_measured_by_an_independent_one() {
    for signed in [&["--signed", "true"][..], &["--unsigned"]] {
        let mut arguments = vec!["--txs", "100", "--pattern", "adversarial", "--workers", "1"];
        arguments.extend(signed);
        let report = out(&lockstep(&arguments));
        assert_eq!(
            report.matches(" times the baseline, ").count(),
            3,
            "{report}"
        );
    }
}

#[test]
fn json_is_one_record_with_everything() {
    let text = out(&lockstep(&[
        "--txs",
        "100",
        "--pattern",
        "adversarial",
        "--workers",
        "2",
        "--json",
    ]));
    assert_eq!(text.lines().count(), 1);
    let record: serde_json::Value = serde_json::from_str(&text).expect("a line is a record");
    assert_eq!(record["kind"], "stress");
    assert_eq!(record["verdict"], "passed");
    assert_eq!(record["exit_code"], 0);
    assert_eq!(record["mixed"]["blocks"], 3);
    assert_eq!(record["mixed"]["rewinds"], 1);
    let transactions = |of: &str| record["mixed"][of].as_u64().expect("a count");
    assert_eq!(transactions("applied") + transactions("rejected"), 300);
    assert!(transactions("rejected") > 0);
    for block in ["measured", "baseline"] {
        assert_eq!(record[block]["applied"], 100);
        let paths = record[block]["paths"].as_array().expect("there are paths");
        assert_eq!(paths.len(), 3);
    }
}

#[test]
fn an_invalid_command_line_is_usage_and_the_error_helps() {
    for (arguments, helps) in [
        (&["--txs", "0"][..], "1..=65535"),
        (&["--txs", "65536"], "1..=65535"),
        (&["--accounts", "1"], "2..=131072"),
        (&["--pattern", "square"], "independent, zipf, hot, chain"),
        (
            &["--pattern", "adversarial", "--accounts", "3"],
            "4 accounts or more",
        ),
        (&["--workers", "0"], "1..=256"),
        (&["--signed", "perhaps"], "true, false"),
        (&["--signed", "true", "--unsigned"], "cannot be used with"),
    ] {
        let output = lockstep(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(complaint.contains(helps), "{complaint}");
    }
}

#[test]
fn a_bug_that_no_pattern_shows_is_found_in_the_mixed_run() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let path = folder.path().to_str().expect("its path is text");
    for (bug, exit_code) in [("rewind-leaves-mark", 14), ("silent-success", 11)] {
        let output = lockstep(&[
            "--txs",
            "60",
            "--pattern",
            "zipf",
            "--workers",
            "2",
            "--inject-bug",
            bug,
            "--budget",
            "20",
            "--out",
            path,
        ]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(exit_code), "{text}");
        assert!(
            text.contains("  applied       100.00 % of the transactions\n"),
            "{text}"
        );
        assert!(
            text.contains("  median of "),
            "the pattern shows nothing: {text}"
        );
        assert!(
            text.contains("  shrunk        from 124 transactions in 2 blocks to "),
            "{text}"
        );
    }
}

//! The program from the command line: its output and exit codes.

use std::path::Path;
use std::process::{Command, Output};

fn lockstep(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    command.args(arguments);
    // Variables of the environment of these tests must not matter.
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("LOCKSTEP_") {
            command.env_remove(variable);
        }
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    lockstep(arguments).output().expect("the program starts")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("what is printed is text")
}

fn complaint(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).expect("what is printed is text");
    assert!(!text.contains("panicked"), "{text}");
    text
}

#[test]
fn the_same_seed_prints_the_same_in_two_processes_and_with_two_hash_seeds() {
    let first = run(&["run", "--seed", "4", "--only", "11"]);
    let second = run(&["run", "--seed", "4", "--only", "11", "--hash-seed", "12345"]);
    assert_eq!(first.status.code(), Some(0), "{}", complaint(&first));
    assert_eq!(out(&first), out(&second));
    assert!(out(&first).contains("\npassed\n"));
}

#[test]
fn parallel_settings_in_the_environment_change_no_result() {
    let arguments = ["run", "--seed", "4", "--only", "11"];
    let plain = run(&arguments);
    for (variable, value) in [
        ("LOCKSTEP_PARALLEL_ENABLED", "off"),
        ("LOCKSTEP_PARALLEL_THRESHOLD", "0"),
        ("LOCKSTEP_PARALLEL_WORKERS", "5"),
        ("LOCKSTEP_PARALLEL_TEST_MODE", "1"),
    ] {
        let output = lockstep(&arguments)
            .env(variable, value)
            .output()
            .expect("the program starts");
        assert_eq!(out(&output), out(&plain), "{variable}={value}");
    }
}

#[test]
fn json_is_one_record_a_line_and_the_last_one_is_the_verdict() {
    let output = run(&["run", "--seed", "4", "--only", "11", "--json"]);
    let records: Vec<serde_json::Value> = out(&output)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is a record"))
        .collect();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["kind"], "run");
    assert_eq!(records[1]["verdict"], "passed");
    assert_eq!(records[1]["exit_code"], 0);
}

#[test]
fn every_command_has_help() {
    for arguments in [
        &["--help"][..],
        &["run", "--help"],
        &["merge", "--help"],
        &["replay", "--help"],
        &["shrink", "--help"],
        &["corpus", "--help"],
        &["export", "--help"],
        &["stress", "--help"],
        &["crash", "--help"],
        &["invariants", "--help"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(out(&output).contains("Exit codes:"));
    }
}

#[test]
fn a_command_line_that_makes_no_sense_is_usage() {
    for arguments in [
        &["fly"][..],
        &["run", "--seed", "many"],
        &["run", "--for", "3 fortnights"],
        &["run", "--repeat-every", "0"],
        &["crash", "--transactions", "0"],
        &["crash", "--blocks", "5", "--transactions", "5"],
        &["run", "--seeds", "7..3"],
        &["run", "--shard", "3/3"],
        &["run", "--preset", "wild"],
        &["run", "--only", "1", "--for", "1s"],
        &["merge"],
        &["merge", "/nowhere/at/all.jsonl"],
        &["replay"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!complaint(&output).is_empty());
    }
}

#[test]
fn a_bad_environment_variable_is_named() {
    for (name, value) in [
        ("LOCKSTEP_PARALLEL_WORKERS", "0"),
        ("LOCKSTEP_PARALLEL_ENABLED", "perhaps"),
        ("LOCKSTEP_LOG", "a=b=c"),
        ("LOCKSTEP_RUN_SEED", "main"),
        ("LOCKSTEP_RUN_PRESET", "wild"),
    ] {
        let output = lockstep(&["run", "--only", "0"])
            .env(name, value)
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(2), "{name}={value}");
        assert!(complaint(&output).contains(name));
    }
}

#[test]
fn a_reproducer_that_cannot_be_read_is_named_with_the_place() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let write = |name: &str, text: &[u8]| {
        std::fs::write(folder.path().join(name), text).expect("a temporary file can be written");
    };
    write("syntax", b"(\n  lockstep: 1,\n  scenario: oops,\n)\n");
    write(
        "future",
        include_bytes!("../../../corpora/reproducers/0001-fee-not-debited.repro"),
    );
    let whole = std::fs::read_to_string(at("future")).expect("it was just written");
    let future = whole.clone();
    write(
        "future",
        future.replace("lockstep: 1", "lockstep: 9").as_bytes(),
    );
    write("binary", &[0xff, 0xfe, 0x00]);
    write("empty", b"");
    write("json", b"{\"kind\": \"run\"}\n");
    write("cut", &whole.as_bytes()[..whole.len() - 10]);
    write("other", b"(lockstep: 2, kind: \"tree\")");

    for (name, expected) in [
        ("missing", "there is no such file; name a reproducer"),
        ("syntax", ":3:"),
        ("future", "this is format 9"),
        ("binary", "this is a binary file"),
        ("empty", "the file is empty"),
        ("", "this is a folder"),
        ("json", "this is no reproducer"),
        ("cut", "cut off; copy it again"),
        (
            "other",
            "this is a run of the kind \"tree\", and one of \"ledger\", ",
        ),
    ] {
        for command in ["shrink", "export"] {
            let output = run(&[command, &at(name)]);
            assert_eq!(output.status.code(), Some(2), "{command} {name}");
            assert!(complaint(&output).contains(expected), "{command} {name}");
        }
        let output = run(&["replay", &at(name)]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        let complaint = complaint(&output);
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(complaint.contains(&at(name)), "{complaint}");
        assert!(complaint.contains(expected), "{complaint}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().expect("there is room for a temporary file");
    let inside_a_file = file.path().join("folder").display().to_string();
    let output = run(&["run", "--only", "0", "--dir", &inside_a_file]);
    assert_eq!(output.status.code(), Some(20));
    assert!(complaint(&output).contains(&inside_a_file));
}

#[test]
fn a_kept_reproducer_replays() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../corpora/reproducers/0011-reorganisation-not-undone.repro");
    let output = run(&["replay", &file.display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    assert!(out(&output).contains("  shows         rewind-restores\n"));
    assert!(out(&output).contains("\n  digest        "));
}

#[test]
fn a_reader_that_stops_reading_ends_nothing() {
    use std::io::Read;
    use std::process::Stdio;
    let mut child = lockstep(&["run", "--only", "3"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let mut complaint = String::new();
    child
        .stderr
        .take()
        .expect("it is piped")
        .read_to_string(&mut complaint)
        .expect("what is printed is text");
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0), "{complaint}");
}

fn kept(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpora/reproducers");
    folder.join(name).display().to_string()
}

const A_CLUSTER: &str = "../nodes/0003-hash-seed-decides-order.repro";
const WITH_A_SCHEDULE: &str = "\
#![enable(implicit_some)]
(
  lockstep: 1,
  scenario: (
    genesis: (
      network: devnet,
      reward: 5,
      native_limit: 18446744073709551615,
      max_block_bytes: 1048576,
      balances: [],
    ),
    steps: [Block((miner: 0, later_ms: 1, transactions: []))],
  ),
  schedule: (workers: 2, over_graph: true, block: 0, switches: [(0, 1, 1)]),
)
";

#[test]
fn a_case_of_an_executor_of_other_rules_is_left_to_its_own_program() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let file = folder.path().join("it.repro");
    let text =
        "(lockstep: 2, kind: \"executor\", shows: \"same-as-reference\", executor: \"payments\")";
    std::fs::write(&file, text).expect("it can be written");
    let refused = run(&["replay", &file.display().to_string()]);
    assert_eq!(refused.status.code(), Some(2));
    let said = complaint(&refused);
    assert!(
        said.contains("replay it with the program that wrote it"),
        "{said}"
    );
}

#[test]
fn the_corpora_of_ledgers_and_clusters_are_replayed_one_line_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = lockstep(&["corpus"])
        .current_dir(&root)
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let text = out(&output);
    let files = ["corpora/reproducers", "corpora/nodes"].map(|folder| {
        let files = std::fs::read_dir(root.join(folder)).expect("the corpus is there");
        files.count()
    });
    let replayed = text.lines().filter(|line| line.starts_with("  passed "));
    assert_eq!(replayed.count(), files[0] + files[1]);
    assert!(
        text.ends_with(" passed, 0 failed, 0 left out\npassed\n"),
        "{text}"
    );
    let seeded = text
        .lines()
        .filter(|line| line.contains("violated only with the seeded bug"));
    assert_eq!(seeded.count(), files[1]);
}

#[test]
fn a_seeded_bug_that_violates_another_invariant_than_its_file_says_fails_the_corpus() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let cluster = std::fs::read_to_string(kept(A_CLUSTER)).expect("it is kept");
    let other = cluster.replace("shows: \"same-as-serial\"", "shows: \"reads-back\"");
    let fixed = cluster.replace(", seeded_bug: MergeOrder", "");
    assert!(other != cluster && fixed != cluster);
    let corpus = |text: &str| {
        std::fs::write(folder.path().join("a.repro"), text).expect("it can be written");
        run(&["corpus", &folder.path().display().to_string()])
    };
    let failed = corpus(&other);
    assert_eq!(failed.status.code(), Some(13), "{}", out(&failed));
    assert!(out(&failed).contains("its seeded bug violates same-as-serial, expected reads-back"));
    assert_eq!(corpus(&fixed).status.code(), Some(0));
}

#[cfg(not(feature = "shuttle"))]
#[test]
fn a_schedule_is_left_out_by_name_where_it_cannot_be_run() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("a.repro"), WITH_A_SCHEDULE).expect("it can be written");
    let replayed = run(&["replay", &at("a.repro")]);
    assert_eq!(replayed.status.code(), Some(2));
    assert!(complaint(&replayed).contains("--features shuttle -- replay "));
    let alone = run(&["corpus", &at("")]);
    assert_eq!(alone.status.code(), Some(15), "nothing was run");
    std::fs::copy(kept("0001-fee-not-debited.repro"), at("b.repro")).expect("it can be copied");
    let beside = run(&["corpus", &at("")]);
    assert_eq!(beside.status.code(), Some(0));
    assert!(
        out(&beside).contains("  LEFT OUT      "),
        "{}",
        out(&beside)
    );
    let exported = run(&["export", &at("a.repro")]);
    assert_eq!(exported.status.code(), Some(0));
    assert!(out(&exported).contains("switches: vec![Switch(0, 1, 1)]"));
}

#[cfg(feature = "shuttle")]
#[test]
fn an_old_file_with_a_schedule_is_replayed() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let file = folder.path().join("a.repro").display().to_string();
    std::fs::write(&file, WITH_A_SCHEDULE).expect("it can be written");
    let replayed = run(&["replay", &file]);
    assert_eq!(replayed.status.code(), Some(0), "{}", out(&replayed));
    assert!(out(&replayed).contains("  switches      1\n"));
}

#[test]
fn a_setting_without_meaning_for_a_kind_is_usage() {
    let ledger = kept("0001-fee-not-debited.repro");
    for more in [["--workers", "2"], ["--trace", "traces"]] {
        let output = run(&["replay", &ledger, more[0], more[1]]);
        assert_eq!(output.status.code(), Some(2));
        assert!(complaint(&output).contains(more[0]));
    }
    let seeds = ["0", "5"].map(|seed| out(&run(&["replay", &ledger, "--hash-seed", seed])));
    assert_eq!(seeds[0], seeds[1]);
}

#[test]
fn a_cluster_that_violates_something_is_shrunk_to_what_violates_the_same() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let small = folder.path().join("small.repro").display().to_string();
    let output = run(&["shrink", &kept(A_CLUSTER), "--budget", "20", "-o", &small]);
    assert_eq!(output.status.code(), Some(10), "{}", complaint(&output));
    assert!(
        out(&output).contains(" candidates of 20"),
        "{}",
        out(&output)
    );
    let replayed = run(&["replay", &small]);
    assert_eq!(replayed.status.code(), Some(10));
    assert!(out(&replayed).contains("violated: same-as-serial"));
}

#[test]
fn the_corpus_goes_on_after_a_failure_and_exits_with_it() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let at = folder.path().display().to_string();
    assert_eq!(run(&["corpus", &at]).status.code(), Some(15));
    std::fs::write(folder.path().join("a.repro"), "no reproducer").expect("it can be written");
    let good = kept("0001-fee-not-debited.repro");
    std::fs::copy(good, folder.path().join("b.repro")).expect("it can be copied");
    let output = run(&["corpus", &at]);
    assert_eq!(output.status.code(), Some(2));
    let lines: Vec<String> = out(&output).lines().map(str::to_owned).collect();
    assert!(lines[1].starts_with("  unreadable "), "{lines:?}");
    assert!(lines[2].starts_with("  passed "), "{lines:?}");
    assert_eq!(
        run(&["corpus", "/nowhere/at/all"]).status.code(),
        Some(2),
        "a folder that is not there is usage"
    );
}

#[test]
fn a_passing_run_is_not_shrunk() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let small = folder.path().join("small.repro");
    let file = kept("0001-fee-not-debited.repro");
    let output = run(&["shrink", &file, "-o", &small.display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    assert!(out(&output).contains("nothing to shrink"));
    assert!(!small.exists());
}

#[test]
fn export_prints_a_test() {
    let output = run(&["export", &kept("0009-multisig-deletion-lost.repro")]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    assert_eq!(
        out(&output),
        include_str!("../../tests/exported/multisig_deletion_lost.rs")
    );
    assert_eq!(run(&["export", "nowhere"]).status.code(), Some(2));
}

#[test]
fn crash_prints_the_number_of_disk_calls_and_is_deterministic() {
    let arguments = ["crash", "--seed", "2", "--transactions", "3"];
    let output = run(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let text = out(&output);
    for path in [
        "serial",
        "parallel validation on 2 workers",
        "graph on 2 workers",
    ] {
        let (_, facts) = text
            .split_once(&format!("  execution     {path}\n"))
            .expect(&text);
        let words = facts.trim_start().strip_prefix("disk calls ");
        let calls = words.and_then(|words| words.trim_start().split(':').next());
        let calls: u64 = calls
            .and_then(|calls| calls.parse().ok())
            .unwrap_or_else(|| panic!("no number of calls for {path}: {text}"));
        assert!(calls > 10, "{text}");
    }
    assert!(text.contains("merge-not-atomic detected: "), "{text}");
    assert!(text.ends_with("\npassed\n"), "{text}");
    assert!(complaint(&output).contains(" crashes/s"), "how fast it was");
    assert_eq!(out(&run(&arguments)), text);
}

#[test]
fn crash_in_many_blocks_is_one_record_with_json() {
    let output = run(&["crash", "--seed", "2", "--blocks", "4", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let record: serde_json::Value =
        serde_json::from_str(&out(&output)).expect("what is printed is one record");
    assert_eq!(record["verdict"], "passed");
    assert!(record["blocks"].as_u64() >= Some(4));
    assert!(record["crashes"].as_u64() > Some(8));
}

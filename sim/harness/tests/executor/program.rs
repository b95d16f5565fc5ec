//! The program of an executor's author, as this test acts it: its commands, what they print, their exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use lockstep_harness::executor::program::execute;
use lockstep_harness::executor::registers::{RegisterBug, RegisterMachine};
use lockstep_harness::executor::serve_if_child;
use lockstep_harness::exit::ExitCode;

/// Environment variables of a test that acts as the program: the words of its command line, one a line, and the
/// seeded bug of its executor.
const WORDS: &str = "LOCKSTEP_TEST_WORDS";
const BUG: &str = "LOCKSTEP_TEST_BUG";

#[test]
fn the_program_helps() {
    let bug = std::env::var(BUG).ok();
    let machine = RegisterMachine::new(bug.and_then(|id| RegisterBug::named(&id)));
    serve_if_child(&machine);
    if let Ok(words) = std::env::var(WORDS) {
        let words: Vec<String> = words.lines().map(str::to_owned).collect();
        let exit_code = execute(&machine, "tester", &words);
        std::process::exit(exit_code.number().into());
    }
    let help = program(None, &["help"]);
    check_ends(&help, ExitCode::Passed);
    let text = text(&help);
    for part in [
        "tester run",
        "--shard K/N",
        "tester merge FILE...",
        "   15  vacuous",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

/// Executes this test program as the program of an executor with this bug.
fn program(bug: Option<RegisterBug>, words: &[&str]) -> Output {
    let this = std::env::current_exe().expect("this test has a path");
    let mut command = Command::new(this);
    command
        .args(["--exact", "program::the_program_helps", "--nocapture"])
        .env(WORDS, words.join("\n"));
    match bug {
        Some(bug) => command.env(BUG, bug.id()),
        None => command.env_remove(BUG),
    };
    command.output().expect("it can be started")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn check_ends(output: &Output, exit_code: ExitCode) {
    let code = output.status.code();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        code,
        Some(exit_code.number().into()),
        "{}\n{errors}",
        text(output)
    );
}

fn reproducers(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("it is there").map(|entry| {
        let name = entry.expect("it is listed").file_name();
        name.to_string_lossy().into_owned()
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_right_executor_passes_and_its_report_is_the_same_each_time() {
    let run = ["run", "--runs", "60", "--seed", "3"];
    let first = program(None, &run);
    check_ends(&first, ExitCode::Passed);
    let said = text(&first);
    for part in [
        "executor      register machine",
        "reference     the executor's own serial path",
        "isolation     a child process",
        "seeded bugs   5 detected: validation-skipped",
        "cases         60, and 8 repetitions",
        "swaps of neighbours changed the result",
        "parallelism   measured in ",
        "\npassed\n",
    ] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
    for jobs in ["1", "3"] {
        let again = program(None, &[&run[..], &["--jobs", jobs]].concat());
        assert_eq!(text(&again), said, "on {jobs} lanes");
    }
}

#[test]
fn a_finding_is_kept_shrunk_replayed_and_guards_afterwards() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let out = folder.path().display().to_string();
    let bug = Some(RegisterBug::ValidationSkipped);
    let run = program(bug, &["run", "--seed", "2", "--out", &out]);
    check_ends(&run, ExitCode::Differs);
    let said = text(&run);
    for part in [
        "violated: same-as-reference",
        "class         differs in ",
        "shrunk        from ",
    ] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
    let files = reproducers(folder.path());
    let [small, unshrunk] = &files[..] else {
        panic!("{files:?}");
    };
    assert!(unshrunk.ends_with(".unshrunk.repro"), "{files:?}");
    let [small, unshrunk] =
        [small, unshrunk].map(|name| folder.path().join(name).display().to_string());
    for file in [&small, &unshrunk] {
        let replay = program(bug, &["replay", file]);
        check_ends(&replay, ExitCode::Differs);
        check_ends(&program(None, &["replay", file]), ExitCode::Passed);
    }
    let shrunk = folder.path().join("again.repro").display().to_string();
    let shrink = program(bug, &["shrink", &unshrunk, "--out", &shrunk]);
    check_ends(&shrink, ExitCode::Differs);
    let [again, first] = [&shrunk, &small].map(|file| {
        let text = fs::read_to_string(file).expect("it was written");
        let lines = text.lines().filter(|line| !line.starts_with("//"));
        lines.map(str::to_owned).collect::<Vec<String>>()
    });
    assert_eq!(again, first);
    check_ends(&program(None, &["corpus", &out]), ExitCode::Passed);
    check_ends(&program(bug, &["corpus", &out]), ExitCode::Differs);
    let json = text(&program(bug, &["replay", &small, "--json"]));
    assert!(json.contains(r#""class":"differs in"#), "{json}");
}

#[test]
fn shards_are_merged_into_one_verdict() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let shard = |shard: &str| {
        let run = program(
            None,
            &["run", "--seeds", "0..60", "--shard", shard, "--json"],
        );
        check_ends(&run, ExitCode::Passed);
        let path = folder.path().join(shard.replace('/', "-"));
        // Behind what the test program prints itself.
        let lines: Vec<String> = text(&run)
            .lines()
            .filter_map(|line| line.find('{').map(|at| line[at..].to_owned() + "\n"))
            .collect();
        fs::write(&path, lines.concat()).expect("it can be written");
        path.display().to_string()
    };
    let [first, second] = ["0/2", "1/2"].map(shard);
    let merged = program(None, &["merge", &first, &second]);
    check_ends(&merged, ExitCode::Passed);
    let said = text(&merged);
    assert!(
        said.contains("shards        2 of 2") && said.contains("cases         60"),
        "{said}"
    );
    check_ends(&program(None, &["merge", &first]), ExitCode::Infrastructure);
    check_ends(
        &program(None, &["merge", "/nowhere/at.all"]),
        ExitCode::Usage,
    );
}

#[test]
fn what_is_not_understood_is_refused_in_a_sentence() {
    for (words, said) in [
        (&["fly"][..], "there is no command \"fly\""),
        (
            &["--runs", "0"],
            "--runs 0: expected a whole number, at least 1",
        ),
        (
            &["run", "--seeds", "0..9", "--seed", "1"],
            "--seeds has a case for each seed",
        ),
        (&["replay"], "replay needs FILE"),
        (&["replay", "/nowhere/at.all"], "there is no such file"),
    ] {
        let refused = program(None, words);
        check_ends(&refused, ExitCode::Usage);
        let errors = String::from_utf8_lossy(&refused.stderr);
        assert!(errors.contains(said), "{errors}");
    }
}

#[test]
fn a_serial_executor_is_vacuous() {
    let run = program(Some(RegisterBug::AlwaysSerial), &["run", "--runs", "80"]);
    check_ends(&run, ExitCode::Vacuous);
    let said = text(&run);
    assert!(
        said.contains("not reached   parallelism: several workers at once"),
        "{said}"
    );
}

#[test]
fn a_reference_that_does_not_end_ends_the_campaign_with_its_run() {
    let bug = Some(RegisterBug::ReferenceWaits);
    let run = program(bug, &["run", "--limit", "1s"]);
    check_ends(&run, ExitCode::Unreliable);
    let said = text(&run);
    assert!(
        said.contains("violated: reference-answers in run "),
        "{said}"
    );
}

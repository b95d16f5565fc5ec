//! The engine `fuzz`: libFuzzer over the buggy executor.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::buggy_subject::BuggySubject;
use super::trial::detects;
use super::{Bug, Effort, Engine, Search, found_in};
use crate::fuzz_target::{EXECUTOR_BUG, executor_scenario};
use lockstep_sim::invariants;

/// The engine. A run is one input. It starts from the corpus of `execute_block`, and keeps no input.
pub(super) struct Fuzz;

/// Name of the fuzz target in `fuzz/fuzz_targets`.
const TARGET: &str = "buggy_executor";

/// Interval at which the fuzzer is polled for its end.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

impl Engine for Fuzz {
    fn name(&self) -> &'static str {
        "fuzz"
    }

    fn sentence(&self) -> &'static str {
        "libFuzzer over two blocks of four transactions, guided by the coverage of the buggy executor \
         and judged by the harness"
    }

    fn applies(&self, bug: &Bug) -> bool {
        // No input is as long as a run with a tail, and the generator of inputs draws no edges.
        let subject = BuggySubject::of(bug).filter(|subject| subject.needs().is_none());
        matches!(subject, Some(BuggySubject::Executor(_)))
    }

    fn left_out(&self) -> Option<String> {
        program().err()
    }

    fn runs(&self) -> u64 {
        1 << 20
    }

    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String> {
        let Some(subject @ BuggySubject::Executor(executor_bug)) = BuggySubject::of(bug) else {
            return Err(format!("the buggy executor does not have {}", bug.id));
        };
        let folder = TempDir::new().map_err(|error| format!("no temporary folder: {error}"))?;
        let inputs = folder.path().join("inputs");
        let log = folder.path().join("log");
        fs::create_dir(&inputs).map_err(|error| format!("{}: {error}", inputs.display()))?;
        let writes = fs::File::create(&log).map_err(|error| format!("no log: {error}"))?;
        let mut command = Command::new(program()?);
        match executor_bug {
            Some(executor_bug) => command.env(EXECUTOR_BUG, executor_bug.id()),
            None => command.env_remove(EXECUTOR_BUG),
        };
        command
            .arg(&inputs)
            .arg(sources().join("corpora/fuzz/execute_block"))
            // Seed 0 would be another one each time.
            .arg(format!("-seed={}", (seed % u64::from(u32::MAX)).max(1)))
            .arg(format!("-runs={}", effort.most))
            .arg(format!("-artifact_prefix={}/", folder.path().display()))
            .arg("-print_final_stats=1")
            .stdout(Stdio::null())
            .stderr(writes);
        let ended = run_while(&mut command, effort)?;
        let said = fs::read_to_string(&log).map_err(|error| format!("no log: {error}"))?;
        let runs = executed(&said);
        let Some(input) = finding(folder.path())? else {
            return match ended {
                None | Some(true) => Ok(Search { runs, found: None }),
                Some(false) => Err(format!("the fuzzer failed: {}", last_line(said.as_bytes()))),
            };
        };
        let judge = move |scenario: &_| detects(subject, &invariants::ALL, scenario);
        let scenario = executor_scenario(&input);
        let invariant = judge(&scenario)?.ok_or("the finding of the fuzzer does not reproduce")?;
        Ok(Search {
            runs,
            found: Some(found_in(scenario, invariant, judge)),
        })
    }
}

/// Returns the folder in which this program was built: a fuzzer needs its sources.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the path of the program that cargo-fuzz builds, which happens once. It is run without cargo, so
/// that cargo's time is not counted and the process can be killed.
///
/// # Errors
///
/// If its sources, nightly or cargo-fuzz are missing, or it does not build; the message says which.
fn program() -> Result<PathBuf, String> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PROGRAM.get_or_init(built).clone()
}

fn built() -> Result<PathBuf, String> {
    let sources = sources();
    if !sources.join("fuzz/Cargo.toml").is_file() {
        return Err(format!("its sources are not in {}", sources.display()));
    }
    // Without a folder cargo-fuzz creates one among the corpora.
    let inputs = TempDir::new().map_err(|error| format!("no temporary folder: {error}"))?;
    let output = Command::new("cargo")
        .args(["+nightly", "fuzz", "run", "-s", "none", TARGET])
        .arg(inputs.path())
        .args(["--", "-help=1"])
        .current_dir(&sources)
        // The toolchain of an outer cargo would be used otherwise.
        .env_remove("RUSTUP_TOOLCHAIN")
        .output()
        .map_err(|error| format!("there is no cargo: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let path = where_it_is(&said).ok_or_else(|| {
        let reason = last_line(&output.stderr);
        format!("it takes nightly and cargo-fuzz: {reason}")
    })?;
    Ok(sources.join(path))
}

/// Parses the path of the program from the output of cargo.
fn where_it_is(said: &str) -> Option<&str> {
    let command = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("Running `"))?;
    let (path, _) = command.split_once(" -artifact_prefix")?;
    Some(path)
}

/// Runs a command. Returns whether it succeeded; `None` if it was killed because the time was over.
fn run_while(command: &mut Command, effort: &Effort<'_>) -> Result<Option<bool>, String> {
    let no_fuzzer = |error| format!("no fuzzer: {error}");
    let mut child = command.spawn().map_err(no_fuzzer)?;
    loop {
        if let Some(status) = child.try_wait().map_err(no_fuzzer)? {
            return Ok(Some(status.success()));
        }
        if !(effort.goes_on)(0) {
            child.kill().map_err(no_fuzzer)?;
            child.wait().map_err(no_fuzzer)?;
            return Ok(None);
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Reads the input that the fuzzer wrote as a finding, if there is one.
fn finding(folder: &Path) -> Result<Option<Vec<u8>>, String> {
    let unreadable = |error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.file_name().to_string_lossy().starts_with("crash-") {
            return fs::read(entry.path()).map(Some).map_err(unreadable);
        }
    }
    Ok(None)
}

/// Parses the number of executed inputs: from the final statistics, or else from the last line of progress.
fn executed(said: &str) -> u64 {
    let at_the_end = said.lines().find_map(|line| {
        let rest = line.strip_prefix("stat::number_of_executed_units:")?;
        rest.trim().parse().ok()
    });
    let last = || {
        said.lines().rev().find_map(|line| {
            let (number, _) = line.strip_prefix('#')?.split_once(['\t', ' ', ':'])?;
            number.parse().ok()
        })
    };
    at_the_end.or_else(last).unwrap_or(0)
}

fn last_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let line = text.lines().rfind(|line| !line.trim().is_empty());
    line.unwrap_or("it says nothing").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_a_fuzzer_is_parsed() {
        let growing = "#2\tINITED cov: 9 ft: 12\n#512\tNEW    cov: 10\n";
        assert_eq!(executed(growing), 512);
        let ended = format!("{growing}stat::number_of_executed_units: 700\nstat::new_units: 1\n");
        assert_eq!(executed(&ended), 700);
        assert_eq!(executed(""), 0);
        assert_eq!(
            last_line(b"error: no such command: `fuzz`\n\n"),
            "error: no such command: `fuzz`"
        );
    }

    #[test]
    fn the_program_is_where_cargo_says() {
        let said = "    Finished `release` profile\n     Running `target/x/buggy_executor -artifact_prefix=a/ -help=1 b`\n";
        assert_eq!(where_it_is(said), Some("target/x/buggy_executor"));
        assert_eq!(where_it_is("error: no such command: `fuzz`"), None);
    }

    #[test]
    fn only_a_crash_file_is_a_finding() {
        let folder = TempDir::new().expect("there is room for a temporary folder");
        let write = |name: &str| fs::write(folder.path().join(name), name).expect("there is room");
        write("log");
        assert_eq!(finding(folder.path()), Ok(None));
        write("crash-1f");
        assert_eq!(finding(folder.path()), Ok(Some(b"crash-1f".to_vec())));
    }
}

//! `lockstep corpus`: replay of every kept reproducer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use clap::Args;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::invariant::FINISHES_IN_TIME;
use lockstep_harness::panic::silence_panics;
use lockstep_harness::violation::Failure;
use lockstep_harness::watchdog::{RUN_TIMEOUT, Silence, watch};
use lockstep_sim::campaign::WORKER_NOTES;

use super::kept::{self, KeptRun};
use super::report::{say_pair, say_violation};
use super::{complain, say, scratch_folder};

#[derive(Debug, Args)]
pub(super) struct Corpus {
    /// Replay the files that end in .repro in these folders
    #[arg(default_values = ["corpora/reproducers", "corpora/nodes"])]
    folders: Vec<PathBuf>,
    /// Keep the ledgers' files in this folder meanwhile [default: the system's temporary folder]
    #[arg(long, env = "LOCKSTEP_CORPUS_DIR", value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// Result of replaying a file.
enum FileResult {
    /// The run came to the result that its file states; the invariant.
    Passed(String),
    /// This build cannot execute the run; the command of the one that can.
    LeftOut(&'static str),
    /// The run came to something else: verdict, detail and exit code.
    Failed(&'static str, String, ExitCode),
}

impl Corpus {
    /// Replays all files and exits as the first one that failed.
    pub(super) fn execute(self) -> ExitCode {
        let mut files = Vec::new();
        for folder in &self.folders {
            match reproducers(folder) {
                Ok(found) if found.is_empty() => {
                    complain(format_args!(
                        "{}: no file of this folder ends in .repro; name a folder of reproducers",
                        folder.display()
                    ));
                    return ExitCode::Vacuous;
                }
                Ok(found) => files.extend(found),
                Err(error) => {
                    complain(format_args!(
                        "{}: {error}; name a folder of reproducers",
                        folder.display()
                    ));
                    return ExitCode::Usage;
                }
            }
        }
        let scratch = match scratch_folder(self.dir.as_deref()) {
            Ok(folder) => folder,
            Err(reason) => {
                complain(reason);
                return ExitCode::Infrastructure;
            }
        };
        say("lockstep corpus");
        let mut first_failure = ExitCode::Passed;
        let (mut passed, mut failed, mut left_out) = (0, 0, 0);
        for file in files {
            let path = file.display();
            let name = path.to_string();
            let report = move |silence: Silence| {
                say_pair("violated", format_args!("{name}: {}", FINISHES_IN_TIME));
                say_violation(&silence.violation(), &[], &[]);
                process::exit(ExitCode::Hang.number().into())
            };
            let replayed = || silence_panics(|| replayed(&file, scratch.path()));
            match watch(RUN_TIMEOUT, WORKER_NOTES, report, replayed) {
                FileResult::Passed(detail) => {
                    say_pair("passed", format_args!("{path}: {detail}"));
                    passed += 1;
                }
                FileResult::LeftOut(how) => {
                    say_pair("LEFT OUT", format_args!("{path}: {how} corpus"));
                    left_out += 1;
                }
                FileResult::Failed(verdict, detail, exit_code) => {
                    say_pair(verdict, format_args!("{path}: {detail}"));
                    failed += 1;
                    if first_failure == ExitCode::Passed {
                        first_failure = exit_code;
                    }
                }
            }
        }
        say_pair(
            "files",
            format_args!("{passed} passed, {failed} failed, {left_out} left out"),
        );
        let exit_code = match passed + failed {
            0 => ExitCode::Vacuous,
            _ => first_failure,
        };
        say(match exit_code {
            ExitCode::Passed => "passed",
            ExitCode::Vacuous => "vacuous",
            _ => "failed",
        });
        exit_code
    }
}

fn reproducers(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "repro") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn replayed(file: &Path, scratch: &Path) -> FileResult {
    let kept = match kept::read(file) {
        Ok(kept) => kept,
        Err(error) => {
            return FileResult::Failed("unreadable", error.to_string(), ExitCode::Usage);
        }
    };
    if let Some(how) = kept.left_out() {
        return FileResult::LeftOut(how);
    }
    let invariant = kept.shows();
    match kept.without_seeded_bugs() {
        None => passes(&*kept, scratch).map(|()| invariant.to_owned()),
        Some(fixed) => shows(&*kept, scratch)
            .and_then(|()| passes(&*fixed, scratch))
            .map(|()| format!("{invariant}, violated only with the seeded bug")),
    }
    .map_or_else(
        |(verdict, detail, exit_code)| FileResult::Failed(verdict, detail, exit_code),
        FileResult::Passed,
    )
}

/// A verdict other than `passed`, its detail and its exit code.
type NotPassed = (&'static str, String, ExitCode);

/// Checks that a run violates nothing.
///
/// # Errors
///
/// The verdict of a run that violates an invariant or could not be executed.
fn passes(kept: &dyn KeptRun, scratch: &Path) -> Result<(), NotPassed> {
    let ran = kept.run(scratch);
    match ran.outcome {
        Ok(_) => Ok(()),
        Err(Failure::Violation(violation)) => {
            let (invariant, subject) = (violation.invariant, &violation.subject);
            let detail = format!(
                "{invariant} in {} {} by {subject}",
                ran.unit, violation.step
            );
            Err(("violated", detail, violation.exit_code()))
        }
        Err(Failure::Infrastructure(reason)) => {
            Err(("infrastructure", reason, ExitCode::Infrastructure))
        }
    }
}

/// Checks that a run violates the invariant that its file names.
///
/// # Errors
///
/// The verdict of a run that violates another invariant or none, or could not be executed.
fn shows(kept: &dyn KeptRun, scratch: &Path) -> Result<(), NotPassed> {
    let shown = match kept.run(scratch).outcome {
        Ok(_) => "nothing".to_owned(),
        Err(Failure::Violation(violation)) => violation.invariant.name.to_owned(),
        Err(Failure::Infrastructure(reason)) => {
            return Err(("infrastructure", reason, ExitCode::Infrastructure));
        }
    };
    match shown == kept.shows() {
        true => Ok(()),
        false => Err((
            "not detected",
            format!("its seeded bug violates {shown}, expected {}", kept.shows()),
            ExitCode::Unreliable,
        )),
    }
}

//! `lockstep corpus`: replay of every kept reproducer.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::panic::silence_panics;
use lockstep_harness::violation::Failure;

use super::kept::{self, KeptRun, Settings};
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
    /// The run came to what its file says.
    Passed(String),
    /// This build cannot execute the run; the command of the one that can.
    LeftOut(&'static str),
    /// The run came to something else; in words, and as an exit code.
    Failed(String, ExitCode),
}

impl Corpus {
    /// Replays all files and exits as the first one that failed.
    pub(super) fn execute(self) -> ExitCode {
        let mut files = Vec::new();
        for folder in &self.folders {
            match reproducers(folder) {
                Ok(found) if found.is_empty() => {
                    complain(format_args!("{}: no file ends in .repro", folder.display()));
                    return ExitCode::Vacuous;
                }
                Ok(found) => files.extend(found),
                Err(error) => {
                    complain(format_args!("{}: {error}", folder.display()));
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
        let (mut first_failure, mut ran) = (ExitCode::Passed, 0);
        for file in files {
            let path = file.display();
            match silence_panics(|| replayed(&file, scratch.path())) {
                FileResult::Passed(line) => {
                    say(format_args!("{path} {line}"));
                    ran += 1;
                }
                FileResult::LeftOut(how) => say(format_args!("{path} LEFT OUT: {how} corpus")),
                FileResult::Failed(line, exit_code) => {
                    say(format_args!("{path} {line}"));
                    ran += 1;
                    if first_failure == ExitCode::Passed {
                        first_failure = exit_code;
                    }
                }
            }
        }
        match ran {
            0 => ExitCode::Vacuous,
            _ => first_failure,
        }
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
        Err(error) => return FileResult::Failed(format!("unreadable: {error}"), ExitCode::Usage),
    };
    if let Some(how) = kept.left_out() {
        return FileResult::LeftOut(how);
    }
    match kept.without_seeded_bugs() {
        None => passes(&*kept, scratch).map(|()| format!("passed ({})", kept.shows())),
        Some(fixed) => shows(&*kept, scratch)
            .and_then(|()| passes(&*fixed, scratch))
            .map(|()| format!("passed (shows {} with its seeded bug alone)", kept.shows())),
    }
    .map_or_else(
        |(line, exit_code)| FileResult::Failed(line, exit_code),
        FileResult::Passed,
    )
}

/// Checks that a run violates nothing.
///
/// # Errors
///
/// The violation or failure in words, and its exit code.
fn passes(kept: &dyn KeptRun, scratch: &Path) -> Result<(), (String, ExitCode)> {
    let ran = kept.run(scratch, &Settings::default());
    match ran.outcome {
        Ok(_) => Ok(()),
        Err(Failure::Violation(violation)) => Err((
            format!(
                "violated: {} after {} {}, by {}",
                violation.invariant, ran.unit, violation.step, violation.subject
            ),
            violation.exit_code(),
        )),
        Err(Failure::Infrastructure(reason)) => Err((
            format!("infrastructure: {reason}"),
            ExitCode::Infrastructure,
        )),
    }
}

/// Checks that a run violates the invariant that its file names.
///
/// # Errors
///
/// The difference in words, and the exit code for it.
fn shows(kept: &dyn KeptRun, scratch: &Path) -> Result<(), (String, ExitCode)> {
    let shown = match kept.run(scratch, &Settings::default()).outcome {
        Ok(_) => "nothing".to_owned(),
        Err(Failure::Violation(violation)) => violation.invariant.name.to_owned(),
        Err(Failure::Infrastructure(reason)) => {
            return Err((
                format!("infrastructure: {reason}"),
                ExitCode::Infrastructure,
            ));
        }
    };
    match shown == kept.shows() {
        true => Ok(()),
        false => Err((
            format!("blind: its seeded bug shows {shown}, not {}", kept.shows()),
            ExitCode::Unreliable,
        )),
    }
}

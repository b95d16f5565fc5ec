//! `lockstep corpus`: every reproducer that is kept, run again.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::panic::silence_panics;
use lockstep_harness::violation::Failure;

use super::kept::{self, Kept};
use super::{complain, say, scratch_folder};

#[derive(Debug, Args)]
pub(super) struct Corpus {
    /// Where the reproducers are, in files that end in .repro
    #[arg(default_values = ["corpora/reproducers", "corpora/nodes"])]
    folders: Vec<PathBuf>,
    /// Where the ledgers' files are while this runs [default: the system's temporary folder]
    #[arg(long, env = "LOCKSTEP_CORPUS_DIR")]
    dir: Option<PathBuf>,
}

/// What became of a file.
enum Replayed {
    /// It came to what it is kept for.
    AsKept(String),
    /// This build cannot run it.
    LeftOut(&'static str),
    /// It did not, and the exit code for that.
    Failed(String, ExitCode),
}

impl Corpus {
    /// Runs all of them, whatever the first ones show. Exits as the first one that failed.
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
                Replayed::AsKept(line) => {
                    say(format_args!("{path} {line}"));
                    ran += 1;
                }
                Replayed::LeftOut(how) => say(format_args!("{path} LEFT OUT: {how} corpus")),
                Replayed::Failed(line, exit_code) => {
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

fn replayed(file: &Path, scratch: &Path) -> Replayed {
    let kept = match kept::read(file) {
        Ok(kept) => kept,
        Err(error) => return Replayed::Failed(format!("unreadable: {error}"), ExitCode::Usage),
    };
    if let Some(how) = kept.left_out() {
        return Replayed::LeftOut(how);
    }
    match kept.without_seeded_bugs() {
        None => passes(&*kept, scratch).map(|()| format!("passed ({})", kept.shows())),
        Some(fixed) => shows(&*kept, scratch)
            .and_then(|()| passes(&*fixed, scratch))
            .map(|()| format!("passed (shows {} with its seeded bug alone)", kept.shows())),
    }
    .map_or_else(
        |(line, exit_code)| Replayed::Failed(line, exit_code),
        Replayed::AsKept,
    )
}

/// Nothing is violated; else what, and its exit code.
fn passes(kept: &dyn Kept, scratch: &Path) -> Result<(), (String, ExitCode)> {
    let ran = kept.run(scratch);
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

/// The invariant that the file names is violated.
fn shows(kept: &dyn Kept, scratch: &Path) -> Result<(), (String, ExitCode)> {
    let shown = match kept.run(scratch).outcome {
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

//! `lockstep corpus`: every reproducer that is kept, run again.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::violation::Failure;
use lockstep_sim::campaign;
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::tally::Tally;

use super::{complain, say, scratch_folder};

/// Exit code where there was nothing to run.

#[derive(Debug, Args)]
pub(super) struct Corpus {
    /// Where the reproducers are, in files that end in .repro
    #[arg(default_value = "corpora/reproducers")]
    folder: PathBuf,
    /// Where the ledger's file is while this runs [default: the system's temporary folder]
    #[arg(long, env = "LOCKSTEP_CORPUS_DIR")]
    dir: Option<PathBuf>,
}

impl Corpus {
    /// Runs all of them, whatever the first ones show. Exits as the first one that failed.
    pub(super) fn execute(self) -> ExitCode {
        let files = match reproducers(&self.folder) {
            Ok(files) => files,
            Err(error) => {
                complain(format_args!("{}: {error}", self.folder.display()));
                return ExitCode::Usage;
            }
        };
        let scratch = match scratch_folder(self.dir.as_deref()) {
            Ok(folder) => folder,
            Err(reason) => {
                complain(reason);
                return ExitCode::Infrastructure;
            }
        };
        if files.is_empty() {
            complain(format_args!(
                "{}: no file ends in .repro",
                self.folder.display()
            ));
            return ExitCode::Vacuous;
        }
        let mut first_failure = ExitCode::Passed;
        for file in files {
            let (line, exit_code) = replayed(&file, scratch.path());
            say(format_args!("{} {line}", file.display()));
            if first_failure == ExitCode::Passed {
                first_failure = exit_code;
            }
        }
        first_failure
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

/// What became of a file, on one line, and its exit code.
fn replayed(file: &Path, scratch: &Path) -> (String, ExitCode) {
    let reproducer = match Reproducer::read(file) {
        Ok(reproducer) => reproducer,
        Err(error) => return (format!("unreadable: {error}"), ExitCode::Usage),
    };
    match campaign::on_core(&reproducer.scenario, scratch, &mut Tally::default()) {
        Ok(_) => (format!("passed ({})", reproducer.shows), ExitCode::Passed),
        Err(Failure::Violation(violation)) => (
            format!(
                "violated: {} after step {}, by {}",
                violation.invariant, violation.step, violation.subject
            ),
            violation.exit_code(),
        ),
        Err(Failure::Infrastructure(reason)) => (
            format!("infrastructure: {reason}"),
            ExitCode::Infrastructure,
        ),
    }
}

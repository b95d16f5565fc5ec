//! `lockstep shrink`: a smaller reproducer of the same violation.

use std::path::PathBuf;

use clap::Args;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::finding::Files;
use lockstep_harness::violation::Failure;

use super::findings::{self, FindingText};
use super::{complain, kept, say, scratch_folder};

#[derive(Debug, Args)]
pub(super) struct Shrink {
    /// Shrink this reproducer, of a ledger, a cluster or a schedule
    file: PathBuf,
    /// Try at most N candidates [default: 5000 for a ledger, 2000 for a cluster, 300 for a schedule]
    #[arg(long, env = "LOCKSTEP_SHRINK_BUDGET", value_name = "N")]
    budget: Option<u64>,
    /// Write the smaller reproducer to this file [default: FILE, ending in .small.repro]
    #[arg(short, long, env = "LOCKSTEP_SHRINK_OUT", value_name = "FILE")]
    out: Option<PathBuf>,
    /// Keep the ledgers' files in this folder meanwhile [default: the system's temporary folder]
    #[arg(long, env = "LOCKSTEP_SHRINK_DIR", value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

impl Shrink {
    pub(super) fn execute(self) -> ExitCode {
        let file = self.file.display().to_string();
        let kept = match kept::read(&self.file) {
            Ok(kept) => kept,
            Err(error) => {
                complain(error);
                return ExitCode::Usage;
            }
        };
        if let Some(how) = kept.left_out() {
            complain(format_args!("{file} has a schedule: {how} shrink {file}"));
            return ExitCode::Usage;
        }
        let folder = match scratch_folder(self.dir.as_deref()) {
            Ok(folder) => folder,
            Err(reason) => {
                complain(reason);
                return ExitCode::Infrastructure;
            }
        };
        let ran = kept.run(folder.path());
        let violation = match &ran.outcome {
            Ok(_) => {
                say("passed: no invariant is violated, so there is nothing to shrink");
                return ExitCode::Passed;
            }
            Err(Failure::Violation(violation)) => violation,
            Err(Failure::Infrastructure(reason)) => {
                complain(reason);
                return ExitCode::Infrastructure;
            }
        };
        let out = self
            .out
            .unwrap_or_else(|| self.file.with_extension("small.repro"));
        let shrunk = match kept.shrink_into(&out, violation, self.budget, folder.path(), &file) {
            Ok(shrunk) => shrunk,
            Err(error) => {
                complain(format_args!("{error}; name another file with --out"));
                return ExitCode::Infrastructure;
            }
        };
        findings::print(&FindingText {
            files: Files {
                unshrunk: Some(file),
                small: Some(out.display().to_string()),
                shrunk: Some(shrunk),
            },
            ..FindingText::new(violation, vec![(ran.unit, violation.step.to_string())])
        });
        violation.exit_code()
    }
}

//! `lockstep shrink`: a smaller reproducer of the same violation.

use std::path::{Path, PathBuf};
use std::process;

use clap::Args;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::finding::Files;
use lockstep_harness::violation::{Failure, Violation};
use lockstep_harness::watchdog::{RUN_TIMEOUT, Silence, watch};
use lockstep_sim::campaign::WORKER_NOTES;

use super::kept::{self, KeptRun};
use super::report::say_violation;
use super::searching::{Output, Searching};
use super::{complain, findings, say, scratch_folder};

#[derive(Clone, Debug, Args)]
pub(super) struct Shrink {
    /// Shrink this reproducer, of a ledger, a cluster or a schedule
    file: PathBuf,
    /// Try at most N candidates; a large one counts once for each 64 transactions [default: 5000 for a ledger, 2000 for a cluster, 300 for a schedule]
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
        let shrink = self.clone();
        let scratch = folder.path().to_path_buf();
        let report = move |silence: Silence| {
            // The run goes on, or rather does not: nothing of it can be used on this thread.
            let exit_code = match kept::read(&shrink.file) {
                Ok(kept) => shrink.shrink(&*kept, "step", &silence.violation(), &scratch),
                Err(_) => ExitCode::Usage,
            };
            process::exit(exit_code.number().into())
        };
        let ran = watch(RUN_TIMEOUT, WORKER_NOTES, report, || {
            kept.run(folder.path())
        });
        match &ran.outcome {
            Ok(_) => {
                say("passed: no invariant is violated, so there is nothing to shrink");
                ExitCode::Passed
            }
            Err(Failure::Violation(violation)) => {
                self.shrink(&*kept, ran.unit, violation, folder.path())
            }
            Err(Failure::Infrastructure(reason)) => {
                complain(reason);
                ExitCode::Infrastructure
            }
        }
    }

    /// Prints the violation, shrinks the run, writes the smaller one and prints it.
    fn shrink(
        &self,
        kept: &dyn KeptRun,
        unit: &'static str,
        violation: &Violation,
        scratch: &Path,
    ) -> ExitCode {
        say_violation(violation, &[(unit, violation.step.to_string())], &[]);
        let file = self.file.display().to_string();
        let beside = || self.file.with_extension("small.repro");
        let out = self.out.clone().unwrap_or_else(beside);
        let searching = Searching::new(Output::Text);
        let shrunk = kept.shrink_into(&out, violation, self.budget, &searching, scratch, &file);
        drop(searching);
        match shrunk {
            Ok(shrunk) => {
                let files = Files {
                    unshrunk: Some(file),
                    small: Some(out.display().to_string()),
                    shrunk: Some(shrunk),
                };
                findings::say_shrunk(&files, &[]);
                violation.exit_code()
            }
            Err(error) => {
                complain(format_args!("{error}; name another file with --out"));
                ExitCode::Infrastructure
            }
        }
    }
}

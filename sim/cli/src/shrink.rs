//! `lockstep shrink`: a smaller reproducer from a large one.

use std::path::{Path, PathBuf};

use clap::Args;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::panic::silence_panics;
use lockstep_harness::violation::{Failure, Violation};
use lockstep_sim::campaign;
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::scenario::Scenario;
use lockstep_sim::shrink::{BUDGET, Shrunk};
use lockstep_sim::tally::Tally;

use super::{complain, say, scratch_folder};

#[derive(Debug, Args)]
pub(super) struct Shrink {
    /// The reproducer, a text file that `run` wrote
    file: PathBuf,
    /// Try at most so many smaller ones
    #[arg(long, env = "LOCKSTEP_SHRINK_BUDGET", value_name = "N", default_value_t = BUDGET)]
    budget: u64,
    /// Where the small one is written [default: FILE, ending in .small.repro]
    #[arg(short, long, env = "LOCKSTEP_SHRINK_OUT")]
    out: Option<PathBuf>,
    /// Where the ledger's file is while this runs [default: the system's temporary folder]
    #[arg(long, env = "LOCKSTEP_SHRINK_DIR")]
    dir: Option<PathBuf>,
}

impl Shrink {
    pub(super) fn execute(self) -> ExitCode {
        let reproducer = match Reproducer::read(&self.file) {
            Ok(reproducer) => reproducer,
            Err(error) => {
                complain(error);
                return ExitCode::Usage;
            }
        };
        let folder = match scratch_folder(self.dir.as_deref()) {
            Ok(folder) => folder,
            Err(reason) => {
                complain(reason);
                return ExitCode::Infrastructure;
            }
        };
        let scenario = &reproducer.scenario;
        let violation = match campaign::on_core(scenario, folder.path(), &mut Tally::default()) {
            Ok(_) => {
                say("passed: nothing is violated, so there is nothing to shrink");
                return ExitCode::Passed;
            }
            Err(Failure::Violation(violation)) => violation,
            Err(Failure::Infrastructure(reason)) => {
                complain(reason);
                return ExitCode::Infrastructure;
            }
        };
        let shrunk = quietly_shrunk(scenario, &violation, folder.path(), self.budget);
        let out = self
            .out
            .unwrap_or_else(|| self.file.with_extension("small.repro"));
        let remark = format!("{shrunk}\nfrom: {}", self.file.display());
        let small = Reproducer::new(violation.invariant.name, shrunk.smallest.clone());
        if let Err(error) = small.write(&out, &remark) {
            complain(format_args!("{error}; name another file with --out"));
            return ExitCode::Infrastructure;
        }
        say(format_args!("violated: {}", violation.invariant));
        say(format_args!("  {shrunk}"));
        say(format_args!(
            "  replay     lockstep replay {}",
            out.display()
        ));
        violation.exit_code()
    }
}

/// Shrinks without a word about every panic of every candidate: each is a finding that was
/// reported once.
pub(super) fn quietly_shrunk(
    scenario: &Scenario,
    violation: &Violation,
    folder: &Path,
    budget: u64,
) -> Shrunk {
    silence_panics(|| campaign::shrink(scenario, violation, folder, budget))
}

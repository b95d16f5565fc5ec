//! Replacement of `lockstep explore` in a build without the feature `shuttle`.

use clap::Args;
use lockstep_bugs::buggy_executor::concurrent::ThreadBug;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::finding::Smaller;
use lockstep_harness::shrink::Budget;
use lockstep_harness::violation::Failure;
use lockstep_sim::reproducer::ScheduledRun;

use crate::complain;
use crate::kept::ReplayResult;

const HOW: &str = "this program was built without schedule exploration; \
                   try cargo run --release --features shuttle --";

/// Reason why a run with a schedule cannot be replayed.
pub(crate) const LEFT_OUT: Option<&str> = Some(HOW);

/// Default of the number of candidates that shrinking explores.
pub(crate) const BUDGET: u64 = 0;

#[derive(Debug, Args)]
pub(crate) struct Explore {
    /// Accept any arguments, to answer with the command of the other build
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<String>,
}

impl Explore {
    pub(crate) fn execute(self) -> ExitCode {
        complain(format_args!("{HOW} explore {}", self.arguments.join(" ")));
        ExitCode::Usage
    }
}

pub(crate) fn follow(_run: &ScheduledRun, _bug: Option<ThreadBug>) -> ReplayResult {
    ReplayResult {
        outcome: Err(Failure::Infrastructure(HOW.to_owned())),
        unit: "step",
        notes: Vec::new(),
        trace: None,
    }
}

/// Returns the run unchanged, because no candidate can be executed.
pub(crate) fn smaller_of_file(
    run: &ScheduledRun,
    _bug: Option<ThreadBug>,
    _invariant: &str,
    _budget: Budget<'_>,
) -> Smaller<ScheduledRun> {
    Smaller {
        payload: run.clone(),
        shrunk: "not shrunk".to_owned(),
        remarks: Vec::new(),
    }
}

//! What stands for `lockstep explore` in a program that was built without it.

use clap::Args;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::finding::Smaller;
use lockstep_harness::violation::Failure;
use lockstep_sim::reproducer::ScheduledRun;

use crate::complain;
use crate::kept::Ran;

const HOW: &str = "this program was built without schedule exploration; \
                   try cargo run --release --features shuttle --";

/// The reason why a run with a schedule is not run.
pub(crate) const LEFT_OUT: Option<&str> = Some(HOW);

/// The most candidates that shrinking judges.
pub(crate) const BUDGET: u64 = 0;

#[derive(Debug, Args)]
pub(crate) struct Explore {
    /// Whatever it is
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<String>,
}

impl Explore {
    pub(crate) fn execute(self) -> ExitCode {
        complain(format_args!("{HOW} explore {}", self.arguments.join(" ")));
        ExitCode::Usage
    }
}

pub(crate) fn follow(_run: &ScheduledRun) -> Ran {
    Ran {
        outcome: Err(Failure::Infrastructure(HOW.to_owned())),
        unit: "step",
        notes: Vec::new(),
        trace: None,
    }
}

/// The run itself: nothing can be judged.
pub(crate) fn smaller_of_file(
    run: &ScheduledRun,
    _invariant: &str,
    _budget: u64,
) -> Smaller<ScheduledRun> {
    Smaller {
        payload: run.clone(),
        shrunk: "not shrunk".to_owned(),
        remarks: Vec::new(),
    }
}

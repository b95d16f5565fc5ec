//! What stands for `lockstep explore` in a program that was built without it.

use clap::Args;
use lockstep_harness::exit::ExitCode;
use lockstep_sim::reproducer::Reproducer;

use crate::complain;

const HOW: &str = "this program was built without schedule exploration; \
                   try cargo run --release --features shuttle --";

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

/// A reproducer with a schedule.
pub(crate) fn replay(_reproducer: &Reproducer, file: &str) -> ExitCode {
    complain(format_args!("{file} has a schedule: {HOW} replay {file}"));
    ExitCode::Usage
}

//! What stands for `lockstep explore` in a program that was built without it.

use clap::Args;
use lockstep_sim::reproducer::Reproducer;

use crate::{USAGE, complain};

const HOW: &str = "this program was built without schedule exploration; \
                   try cargo run --release --features shuttle --";

#[derive(Debug, Args)]
pub(crate) struct Explore {
    /// Whatever it is
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<String>,
}

impl Explore {
    pub(crate) fn execute(self) -> u8 {
        complain(format_args!("{HOW} explore {}", self.arguments.join(" ")));
        USAGE
    }
}

/// A reproducer with a schedule.
pub(crate) fn replay(_reproducer: &Reproducer, file: &str) -> u8 {
    complain(format_args!("{file} has a schedule: {HOW} replay {file}"));
    USAGE
}

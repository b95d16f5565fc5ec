//! The program `lockstep`: runs campaigns, replays what they found, and measures large blocks.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}

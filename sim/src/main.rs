//! The program `lockstep`: runs campaigns, replays what they found.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}

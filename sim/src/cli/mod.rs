//! What is typed and what is printed.

mod replay;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit code where the command line, an environment variable or a file makes no sense.
const USAGE: u8 = 2;
/// Exit code where the machine failed; try again.
const INFRASTRUCTURE: u8 = 20;

const EXIT_CODES: &str = "\
Exit codes:
   0  passed
   2  the command line, the environment or a file makes no sense
  10  a result differs from the serial oracle's
  11  an invariant does not hold
  12  something did not finish within its steps
  13  the harness itself is not deterministic, or blind
  14  what was kept is not what comes back
  15  vacuous: something that must be reached was not
  20  the machine failed (disk, permissions); try again

Environment:
  LOCKSTEP_PARALLEL_ENABLED, LOCKSTEP_PARALLEL_THRESHOLD, LOCKSTEP_PARALLEL_WORKERS,
  LOCKSTEP_PARALLEL_TEST_MODE  how blocks are executed; none of them may change a result
  LOCKSTEP_LOG                 what is logged to standard error, e.g. lockstep_core=info";

/// Puts a ledger's block executor on trial.
///
/// Without a command: runs the default campaign.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Draw scenarios from a seed, run them on core and on the oracle, judge every step.
    #[command(after_help = EXIT_CODES)]
    Run(run::Run),
    /// Run a reproducer again, the way it is written.
    #[command(after_help = EXIT_CODES)]
    Replay(replay::Replay),
}

pub(crate) fn main() -> ExitCode {
    let command = Cli::parse()
        .command
        .or_else(|| Cli::parse_from(["lockstep", "run"]).command)
        .expect("the default command line has a command");
    start_logging();
    match command {
        Command::Run(run) => run.execute(),
        Command::Replay(replay) => replay.execute(),
    }
    .into()
}

fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("LOCKSTEP_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

/// Where the files of the ledgers are: a folder that was named, or one of its own that goes away.
enum Folder {
    Named(PathBuf),
    Own(tempfile::TempDir),
}

impl Folder {
    fn new(named: Option<PathBuf>) -> Result<Self, String> {
        match named {
            Some(path) => std::fs::create_dir_all(&path)
                .map_err(|error| {
                    format!(
                        "{}: {error}; name a folder that can be written",
                        path.display()
                    )
                })
                .map(|()| Folder::Named(path)),
            None => tempfile::Builder::new()
                .prefix("lockstep-")
                .tempdir()
                .map(Folder::Own)
                .map_err(|error| {
                    format!("no temporary folder: {error}; name one with --dir or set TMPDIR")
                }),
        }
    }

    fn path(&self) -> &std::path::Path {
        match self {
            Folder::Named(path) => path,
            Folder::Own(folder) => folder.path(),
        }
    }
}

fn complain(what: &str) {
    eprintln!("lockstep: {what}");
}

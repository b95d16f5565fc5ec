//! Command line of the program `lockstep`: its commands, help and logging.

mod bugs;
mod corpus;
mod crash;
#[cfg(feature = "shuttle")]
mod explore;
#[cfg(not(feature = "shuttle"))]
#[path = "explore/unavailable.rs"]
mod explore;
mod export;
mod findings;
mod in_processes;
mod interrupt;
mod invariants;
mod kept;
mod log;
mod merge;
mod nodes;
mod progress;
mod replay;
mod report;
mod run;
mod searching;
mod shrink;
mod stress;
mod values;
mod worker;

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, Parser, Subcommand};
use lockstep_core::config::{ConfigError, ParallelConfig};
use lockstep_core::model::Network;
use lockstep_harness::exit::{self, ExitCode};
use lockstep_harness::panic;
use lockstep_harness::report::say;
use tempfile::TempDir;
use tracing_subscriber::EnvFilter;

/// Environment variable with the log filter.
const LOG: &str = "LOCKSTEP_LOG";

const ENVIRONMENT: &str = "\
Environment:
  LOCKSTEP_COMMAND_FLAG        default of a flag, e.g. LOCKSTEP_RUN_SHARD for `run --shard`; the
                               command line wins
  LOCKSTEP_PARALLEL_ENABLED, LOCKSTEP_PARALLEL_THRESHOLD, LOCKSTEP_PARALLEL_WORKERS,
  LOCKSTEP_PARALLEL_TEST_MODE  execution mode of a node; validated and then ignored: `run` and
                               `stress` execute in every mode
  LOCKSTEP_LOG                 log filter, e.g. lockstep_core=info; logs go to standard error";

/// Test a ledger's block executor by deterministic simulation.
///
/// Without a command, `lockstep run` with its defaults is executed.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, after_help = after_help())]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a campaign: draw scenarios from a seed, execute them on core and on the oracle, check every step.
    #[command(after_help = after_help())]
    Run(run::Run),
    /// Merge the JSON records of campaign shards into one verdict.
    #[command(after_help = after_help())]
    Merge(merge::Merge),
    /// Execute a few runs of a campaign for its parent process.
    #[command(hide = true)]
    Worker(worker::Worker),
    /// Execute the run of a reproducer file.
    #[command(after_help = after_help())]
    Replay(replay::Replay),
    /// Shrink a reproducer while it violates the same invariant.
    #[command(after_help = after_help())]
    Shrink(shrink::Shrink),
    /// Replay every reproducer of a corpus.
    #[command(after_help = after_help())]
    Corpus(corpus::Corpus),
    /// Explore thread schedules: execute blocks under schedules drawn by four schedulers.
    #[command(after_help = after_help())]
    Explore(explore::Explore),
    /// Print a reproducer as a Rust test.
    #[command(after_help = after_help())]
    Export(export::Export),
    /// Time one large block in every execution mode of core, and compare the results with the oracle.
    #[command(after_help = after_help())]
    Stress(stress::Stress),
    /// Simulate power loss at every disk call of one block commit, or at drawn calls of many.
    #[command(after_help = after_help())]
    Crash(crash::Crash),
    /// Simulate clusters: 3 to 7 nodes receive the same blocks over a faulty network and must agree.
    #[command(after_help = after_help())]
    Nodes(nodes::Nodes),
    /// List every invariant with its exit code and the seeded bug that it detects.
    #[command(after_help = after_help())]
    Invariants(invariants::Invariants),
    /// Measure the detection matrix: time to detect each seeded bug, by engine.
    #[command(after_help = after_help())]
    Bugs(bugs::Bugs),
}

pub(crate) fn main() -> process::ExitCode {
    let command = parsed(std::env::args_os().collect())
        .command
        .or_else(|| parsed(vec!["lockstep".into(), "run".into()]).command)
        .expect("the default command line has a command");
    match std::env::var_os("RUST_BACKTRACE") {
        Some(_) => panic::report_every_panic(),
        None => panic::report_each_kind_once(),
    }
    if let Err(reason) = start_logging() {
        complain(reason);
        return ExitCode::Usage.into();
    }
    let exit_code = match command {
        Command::Run(run) => run.execute(),
        Command::Merge(merge) => merge.execute(),
        Command::Worker(worker) => worker.execute(),
        Command::Replay(replay) => replay.execute(),
        Command::Shrink(shrink) => shrink.execute(),
        Command::Corpus(corpus) => corpus.execute(),
        Command::Explore(explore) => explore.execute(),
        Command::Export(export) => export.execute(),
        Command::Stress(stress) => stress.execute(),
        Command::Crash(crash) => crash.execute(),
        Command::Nodes(nodes) => nodes.execute(),
        Command::Invariants(invariants) => invariants.execute(),
        Command::Bugs(bugs) => bugs.execute(),
    };
    for (kind, count) in panic::repeated_kinds() {
        complain(format_args!(
            "panicked {count} times, numbers aside: {kind}"
        ));
    }
    exit_code.into()
}

/// End of every help text, after the flags: exit codes and environment variables.
fn after_help() -> String {
    format!("Exit codes:\n{}\n\n{ENVIRONMENT}", exit::table())
}

/// Parses a command line; exits where it is invalid. For a bad value from the environment the message
/// adds the variable's name, because the flag that clap names was not typed.
fn parsed(arguments: Vec<OsString>) -> Cli {
    Cli::try_parse_from(&arguments).unwrap_or_else(|error| {
        let Some(variable) = variable_of(&error, &arguments) else {
            error.exit()
        };
        let _ = error.print();
        complain(format_args!(
            "the value comes from the environment variable {variable}; correct or unset it"
        ));
        process::exit(error.exit_code())
    })
}

/// The environment variable whose value an error is about.
fn variable_of(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let flag = shown.split(' ').next()?;
    let is_typed = arguments.iter().any(|argument| {
        let text = argument.to_string_lossy();
        text == flag || text.starts_with(&format!("{flag}="))
    });
    let name = flag.strip_prefix("--")?;
    let command = Cli::command();
    let variable = command
        .get_subcommands()
        .filter(|subcommand| arguments.iter().any(|one| one == subcommand.get_name()))
        .flat_map(clap::Command::get_arguments)
        .find(|argument| argument.get_long() == Some(name))?
        .get_env()?;
    (!is_typed && std::env::var_os(variable).is_some())
        .then(|| variable.to_string_lossy().into_owned())
}

/// Starts logging with the filter in LOCKSTEP_LOG; without the variable nothing is logged.
fn start_logging() -> Result<(), String> {
    let Some(directives) = std::env::var_os(LOG) else {
        return Ok(());
    };
    let filter = directives
        .to_str()
        .and_then(|directives| EnvFilter::try_new(directives).ok())
        .ok_or_else(|| {
            format!("{LOG}={directives:?} is no filter; try {LOG}=lockstep_core=info, or unset it")
        })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(log::Writer)
        .init();
    Ok(())
}

/// Validates the LOCKSTEP_PARALLEL_* variables, so that a bad value is reported before the first block.
fn check_environment() -> Result<(), ConfigError> {
    ParallelConfig::for_network(Network::Devnet)
        .with_environment(|name| std::env::var_os(name))
        .map(|_| ())
}

/// Creates a temporary folder for the ledgers' files inside `within`, or inside the system's temporary
/// folder.
fn scratch_folder(within: Option<&Path>) -> Result<TempDir, String> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("lockstep-");
    match within {
        Some(folder) => fs::create_dir_all(folder)
            .and_then(|()| builder.tempdir_in(folder))
            .map_err(|error| {
                format!(
                    "{}: {error}; name a folder that can be written with --dir",
                    folder.display()
                )
            }),
        None => builder.tempdir().map_err(|error| {
            format!("no temporary folder: {error}; set TMPDIR to a folder that can be written")
        }),
    }
}

/// Prints an error to standard error.
fn complain(message: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "lockstep: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_its_twin_in_the_environment() {
        let mut flags = 0;
        for command in Cli::command().get_subcommands() {
            // Internal, started by `run`.
            if command.get_name() == "worker" {
                continue;
            }
            for argument in command.get_arguments() {
                let Some(flag) = argument.get_long() else {
                    continue;
                };
                let twin = format!("lockstep {} {flag}", command.get_name())
                    .replace([' ', '-'], "_")
                    .to_uppercase();
                let got = argument.get_env().map(|name| name.to_string_lossy());
                assert_eq!(got.as_deref(), Some(twin.as_str()));
                flags += 1;
            }
        }
        assert!(flags > 25, "only {flags} flags were looked at");
    }
}

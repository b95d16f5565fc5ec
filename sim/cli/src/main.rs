//! What is typed and what is printed.

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
mod invariants;
mod kept;
mod merge;
mod nodes;
mod replay;
mod run;
mod shrink;
mod stress;
mod values;
mod watch;
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
use tempfile::TempDir;
use tracing_subscriber::EnvFilter;

/// Environment variable: what is logged.
const LOG: &str = "LOCKSTEP_LOG";

const ENVIRONMENT: &str = "\
Environment:
  LOCKSTEP_RUN_*, LOCKSTEP_STRESS_*, ...
                               every flag of every command, as its help names them, e.g.
                               LOCKSTEP_RUN_SHARD; what is typed wins
  LOCKSTEP_PARALLEL_ENABLED, LOCKSTEP_PARALLEL_THRESHOLD, LOCKSTEP_PARALLEL_WORKERS,
  LOCKSTEP_PARALLEL_TEST_MODE  how a node executes blocks; checked here, and not obeyed:
                               `run` and `stress` execute in all ways whatever they say
  LOCKSTEP_LOG                 what is logged to standard error, e.g. lockstep_core=info";

/// Puts a ledger's block executor on trial.
///
/// Without a command: runs the default campaign.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, after_help = after_help())]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Draw scenarios from a seed, run them on core and on the oracle, judge every step.
    #[command(after_help = after_help())]
    Run(run::Run),
    /// Give one verdict over what the shards of campaigns wrote with `run --json`.
    #[command(after_help = after_help())]
    Merge(merge::Merge),
    /// Do a few runs of a campaign, for the process that started this one.
    #[command(hide = true)]
    Worker(worker::Worker),
    /// Run a reproducer again, the way it is written.
    #[command(after_help = after_help())]
    Replay(replay::Replay),
    /// Make a reproducer as small as it gets.
    #[command(after_help = after_help())]
    Shrink(shrink::Shrink),
    /// Run all reproducers that are kept: of ledgers, clusters and schedules.
    #[command(after_help = after_help())]
    Corpus(corpus::Corpus),
    /// Execute blocks under many schedules, drawn by several schedulers.
    #[command(after_help = after_help())]
    Explore(explore::Explore),
    /// Print a reproducer as a Rust test.
    #[command(after_help = after_help())]
    Export(export::Export),
    /// Execute one large block on all paths of core, compare with the oracle, say what it took.
    #[command(after_help = after_help())]
    Stress(stress::Stress),
    /// Let the power go in every call to the disk of one block, or in drawn ones of many.
    #[command(after_help = after_help())]
    Crash(crash::Crash),
    /// Let several nodes receive the same blocks over a network that goes wrong; all must agree.
    #[command(after_help = after_help())]
    Nodes(nodes::Nodes),
    /// List the invariants: name, exit code, the seeded bug that each catches, and its sentence.
    #[command(after_help = after_help())]
    Invariants(invariants::Invariants),
    /// Measure how soon each known defect of parallel executors is found, and by whom.
    #[command(after_help = after_help())]
    Bugs(bugs::Bugs),
}

pub(crate) fn main() -> process::ExitCode {
    let command = parsed(std::env::args_os().collect())
        .command
        .or_else(|| parsed(vec!["lockstep".into(), "run".into()]).command)
        .expect("the default command line has a command");
    if let Err(reason) = start_logging() {
        complain(reason);
        return ExitCode::Usage.into();
    }
    match command {
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
    }
    .into()
}

/// What follows the flags in every help text.
fn after_help() -> String {
    format!("Exit codes:\n{}\n\n{ENVIRONMENT}", exit::table())
}

/// Parses a command line. A bad value that stands in the environment is said to stand there: the
/// flag that clap names was never typed.
fn parsed(arguments: Vec<OsString>) -> Cli {
    Cli::try_parse_from(&arguments).unwrap_or_else(|error| {
        let Some(variable) = variable_of(&error, &arguments) else {
            error.exit()
        };
        let _ = error.print();
        complain(format_args!(
            "the value is that of {variable} in the environment"
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

/// Logs what LOCKSTEP_LOG asks for; nothing where it is not set.
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
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}

/// A bad value must not wait for the first block that would use it.
fn check_environment() -> Result<(), ConfigError> {
    ParallelConfig::for_network(Network::Devnet)
        .with_environment(|name| std::env::var_os(name))
        .map(|_| ())
}

/// A folder for the ledgers' files that goes away at the end, in the one that was named or in the
/// system's for temporary files.
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
            format!("no temporary folder: {error}; name one with --dir or set TMPDIR")
        }),
    }
}

/// Prints a line. Whoever reads may stop reading, as `head` does: that ends nothing but the output.
fn say(line: impl fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn complain(what: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "lockstep: {what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_its_twin_in_the_environment() {
        let mut flags = 0;
        for command in Cli::command().get_subcommands() {
            // Nobody types this one.
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

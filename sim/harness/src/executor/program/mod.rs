//! Program of one's own that tests an executor: campaigns, replays, shards, from a `main` of two lines.
//!
//! ```no_run
//! use lockstep_harness::executor::registers::RegisterMachine;
//!
//! fn main() -> std::process::ExitCode {
//!     lockstep_harness::executor::main(&RegisterMachine::default())
//! }
//! ```
//!
//! [`main`] must come before anything else, because the child processes of a campaign are this program again.
//! Its exit codes are those of every program of the [harness](crate::exit). For a `#[test]` there is
//! [`executor_test!`](crate::executor_test).

mod arguments;
mod kept;
mod merge;
mod run;
mod test;

pub use test::{TestPlan, run_test};

use std::io::Write as _;
use std::process;

use crate::exit::{self, ExitCode};
use crate::panic;
use crate::report::say;
use crate::values;

use super::adapter::Adapter;
use super::child::ChildCommand;
use super::entrance::serve_if_child;
use super::workload::Settings;

use arguments::{Arguments, Command, Flag, count, help};

/// Flags of every command that executes cases.
const LIMIT: Flag = Flag {
    name: "--limit",
    value: Some("DURATION"),
    sentence: "End a case after this time, as a hang [default: 10s]",
};
const MEMORY: Flag = Flag {
    name: "--memory",
    value: Some("MIB"),
    sentence: "Limit the memory of the contender's process, in MiB [default: 4096]",
};
const BUDGET: Flag = Flag {
    name: "--budget",
    value: Some("N"),
    sentence: "Try at most N candidates when a finding is shrunk [default: 2000]",
};
const JSON: Flag = Flag {
    name: "--json",
    value: None,
    sentence: "Print JSON records in place of text",
};

const COMMANDS: [Command; 5] = [
    Command {
        name: "run",
        arguments: "",
        sentence: "Run a campaign: draw cases, execute them by reference and contender, compare. The default.",
        flags: &[
            Flag {
                name: "--seed",
                value: Some("SEED"),
                sentence: "Draw all cases from this seed [default: 1]",
            },
            Flag {
                name: "--runs",
                value: Some("N"),
                sentence: "Execute N cases of the seed [default: 1000]",
            },
            Flag {
                name: "--seeds",
                value: Some("A..B"),
                sentence: "Execute one case for each seed from A to B - 1",
            },
            Flag {
                name: "--only",
                value: Some("RUN"),
                sentence: "Execute this run of the seed alone",
            },
            Flag {
                name: "--for",
                value: Some("DURATION"),
                sentence: "Stop after this time, in place of a number of cases",
            },
            Flag {
                name: "--shard",
                value: Some("K/N"),
                sentence: "Execute every Nth case, from the Kth on [default: 0/1]",
            },
            Flag {
                name: "--jobs",
                value: Some("N"),
                sentence: "Execute N cases at a time, 1 to 256 [default: one per core]; no result depends on it",
            },
            Flag {
                name: "--repeat-every",
                value: Some("N"),
                sentence: "Execute every Nth case once more with another number of workers [default: 8]",
            },
            Flag {
                name: "--findings",
                value: Some("N"),
                sentence: "Stop after N findings [default: 1]",
            },
            Flag {
                name: "--out",
                value: Some("FOLDER"),
                sentence: "Write reproducers to this folder [default: reproducers]",
            },
            Flag {
                name: "--require-parallel",
                value: None,
                sentence: "Exit with 15 if no parallelism was measured",
            },
            LIMIT,
            MEMORY,
            BUDGET,
            JSON,
        ],
    },
    Command {
        name: "replay",
        arguments: "FILE",
        sentence: "Execute the case of a reproducer.",
        flags: &[
            Flag {
                name: "--times",
                value: Some("N"),
                sentence: "Execute it up to N times, until it shows something [default: 1]",
            },
            LIMIT,
            MEMORY,
            JSON,
        ],
    },
    Command {
        name: "shrink",
        arguments: "FILE",
        sentence: "Shrink a reproducer while its finding is of the same class.",
        flags: &[
            Flag {
                name: "--out",
                value: Some("FILE"),
                sentence: "Write the smaller one to this file [default: FILE with .small.repro]",
            },
            LIMIT,
            MEMORY,
            BUDGET,
        ],
    },
    Command {
        name: "corpus",
        arguments: "FOLDER...",
        sentence: "Replay every reproducer of these folders, and exit as the first that shows something.",
        flags: &[LIMIT, MEMORY],
    },
    Command {
        name: "merge",
        arguments: "FILE...",
        sentence: "Merge what shards wrote with `run --json --shard K/N >FILE` into one verdict.",
        flags: &[
            Flag {
                name: "--require-parallel",
                value: None,
                sentence: "Expect campaigns that were run with this flag",
            },
            JSON,
        ],
    },
];

/// Executes the command line of this process for an executor, and serves if it is a child process.
pub fn main<A: Adapter + Sync>(adapter: &A) -> process::ExitCode {
    serve_if_child(adapter);
    match std::env::var_os("RUST_BACKTRACE") {
        Some(_) => panic::report_every_panic(),
        None => panic::report_each_kind_once(),
    }
    let mut words = std::env::args();
    let program = words.next().unwrap_or_else(|| A::NAME.to_owned());
    let words: Vec<String> = words.collect();
    execute(adapter, &program, &words).into()
}

/// Executes a command line, without its program; `program` is its name in what is printed. The child processes
/// of its campaigns have the arguments of this process.
pub fn execute<A: Adapter + Sync>(adapter: &A, program: &str, words: &[String]) -> ExitCode {
    let (name, words) = match words.split_first() {
        Some((first, rest)) if !first.starts_with("--") => (first.as_str(), rest),
        _ => ("run", words),
    };
    let is_help = |word: &String| word == "--help" || word == "help";
    if name == "help" || words.iter().any(is_help) {
        let about = format!("Test the executor {} against its reference.", A::NAME);
        say(help(program, &about, &COMMANDS));
        say(format_args!("Exit codes:\n{}", exit::table()));
        return ExitCode::Passed;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        let names = COMMANDS.map(|command| command.name);
        complain(format_args!(
            "there is no command {name:?}; give one of {}",
            names.join(", ")
        ));
        return ExitCode::Usage;
    };
    let done =
        Arguments::of(command, words.iter().cloned()).and_then(|arguments| match command.name {
            "run" => run::execute(adapter, program, &arguments),
            "replay" => kept::replay(adapter, &arguments),
            "shrink" => kept::shrink(adapter, program, &arguments),
            "corpus" => kept::corpus(adapter, &arguments),
            _ => merge::execute(program, &arguments),
        });
    done.unwrap_or_else(|reason| {
        complain(format_args!(
            "{reason}; `{program} help` lists commands and flags"
        ));
        ExitCode::Usage
    })
}

/// The command of child processes, and the settings, that the flags ask for.
///
/// # Errors
///
/// A sentence about a value that is not understood.
fn settings(arguments: &Arguments) -> Result<(ChildCommand, Settings), String> {
    let mut settings = Settings {
        must_be_parallel: arguments.has("--require-parallel"),
        ..Settings::default()
    };
    if let Some(limit) = arguments.get("--limit", values::duration)? {
        settings.limits.long = limit;
        settings.limits.short = settings.limits.short.min(limit);
    }
    // An adapter may depend on them.
    let mut command = ChildCommand::new(std::env::args_os().skip(1));
    if let Some(memory) = arguments.get("--memory", count)? {
        command = command.with_memory(Some(memory << 20));
    }
    Ok((command, settings))
}

/// Prints an error to standard error.
fn complain(message: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{message}");
}

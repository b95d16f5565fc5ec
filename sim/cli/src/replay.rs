//! `lockstep replay`: the run of a reproducer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, value_parser};
use lockstep_core::config::MAX_WORKERS;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::violation::Failure;
use lockstep_harness::watchdog::{Silence, watch};
use lockstep_sim::campaign::WORKER_NOTES;
use serde_json::json;

use super::kept::{self, Settings};
use super::report::{Fact, say_facts, say_pair, say_violation};
use super::{complain, say, scratch_folder, values};

#[derive(Clone, Debug, Args)]
pub(super) struct Replay {
    /// Replay this reproducer, of a ledger, a cluster or a schedule
    file: PathBuf,
    /// Execute on every node of a cluster with N workers, 1 to 256 [default: as in the file]; no result
    /// may depend on it
    #[arg(long, env = "LOCKSTEP_REPLAY_WORKERS", value_name = "N", value_parser = value_parser!(u16).range(1..=MAX_WORKERS as i64))]
    workers: Option<u16>,
    /// Mix this number into the seed of every hash map; no result may depend on it
    #[arg(
        long,
        env = "LOCKSTEP_REPLAY_HASH_SEED",
        value_name = "SEED",
        default_value_t = 0
    )]
    hash_seed: u64,
    /// Write a trace of a cluster, an event per line, to a file in this folder
    #[arg(long, env = "LOCKSTEP_REPLAY_TRACE", value_name = "FOLDER")]
    trace: Option<PathBuf>,
    /// Report the run as a finding (finishes-in-time) if it is silent for this time: no operation of it ends
    /// and no worker gets on
    #[arg(long, env = "LOCKSTEP_REPLAY_RUN_TIMEOUT", value_name = "DURATION", default_value = values::RUN_TIMEOUT, value_parser = values::duration)]
    run_timeout: Duration,
    /// Keep the ledgers' files in this folder meanwhile [default: the system's temporary folder]
    #[arg(long, env = "LOCKSTEP_REPLAY_DIR", value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Print one JSON record in place of text
    #[arg(long, env = "LOCKSTEP_REPLAY_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

impl Replay {
    pub(super) fn execute(self) -> ExitCode {
        let file = self.file.display();
        let mut kept = match kept::read(&self.file) {
            Ok(kept) => kept,
            Err(error) => {
                complain(error);
                return ExitCode::Usage;
            }
        };
        if let Some(how) = kept.left_out() {
            complain(format_args!("{file} has a schedule: {how} replay {file}"));
            return ExitCode::Usage;
        }
        let settings = Settings {
            workers: self.workers.map(usize::from),
            hash_seed: self.hash_seed,
            is_traced: self.trace.is_some(),
        };
        if let Err(reason) = kept.change(&settings) {
            complain(reason);
            return ExitCode::Usage;
        }
        let folder = match scratch_folder(self.dir.as_deref()) {
            Ok(folder) => folder,
            Err(reason) => {
                complain(reason);
                return ExitCode::Infrastructure;
            }
        };
        if !self.json {
            say(self.command());
            say_facts(&kept.description());
            if !kept.shows().is_empty() {
                say_pair("shows", kept.shows());
            }
        }
        let (replay, shows) = (self.clone(), kept.shows().to_owned());
        let report = move |silence: Silence| {
            let outcome = Err(silence.violation().into());
            replay.report(&shows, "step", &[], &outcome);
            process::exit(ExitCode::Hang.number().into())
        };
        let ran = watch(self.run_timeout, WORKER_NOTES, report, || {
            kept.run(folder.path())
        });
        if let (Some(folder), Some(trace)) = (&self.trace, &ran.trace)
            && let Err(reason) = self.write_trace(folder, trace)
        {
            complain(reason);
            return ExitCode::Infrastructure;
        }
        self.report(kept.shows(), ran.unit, &ran.notes, &ran.outcome)
    }

    /// Prints the outcome of the run; returns its exit code.
    fn report(
        &self,
        shows: &str,
        unit: &'static str,
        notes: &[Fact],
        outcome: &Result<Vec<Fact>, Failure>,
    ) -> ExitCode {
        let (verdict, exit_code) = match outcome {
            Ok(_) => ("passed", ExitCode::Passed),
            Err(Failure::Violation(violation)) => ("violated", violation.exit_code()),
            Err(Failure::Infrastructure(_)) => ("infrastructure", ExitCode::Infrastructure),
        };
        let invariant = match outcome {
            Err(Failure::Violation(violation)) => Some(violation.invariant.name),
            _ => None,
        };
        let detail = match outcome {
            Ok(observed) => {
                let facts = observed.iter().map(|(key, value)| format!("{key} {value}"));
                facts.collect::<Vec<String>>().join(", ")
            }
            Err(Failure::Violation(violation)) => format!(
                "{} in {unit} {} by {}\n  {}",
                violation.invariant, violation.step, violation.subject, violation.detail
            ),
            Err(Failure::Infrastructure(reason)) => reason.clone(),
        };
        if self.json {
            say(json!({
                    "kind": "replay",
                    "file": self.file.display().to_string(),
                    "shows": shows,
                    "verdict": verdict,
                    "invariant": invariant,
                    "exit_code": exit_code,
                    "detail": detail,
            }));
            return exit_code;
        }
        say_facts(notes);
        match outcome {
            Ok(observed) => {
                say_facts(observed);
                say(verdict);
            }
            Err(Failure::Violation(violation)) => {
                let place = [(unit, violation.step.to_string())];
                say_violation(violation, &place, &[]);
            }
            Err(Failure::Infrastructure(reason)) => {
                say(verdict);
                say_pair("reason", reason);
            }
        }
        exit_code
    }

    /// Command that repeats this one. Hash seed and trace are left out: nothing that is printed depends on
    /// them.
    fn command(&self) -> String {
        let mut command = format!("lockstep replay {}", self.file.display());
        if let Some(workers) = self.workers {
            command.push_str(&format!(" --workers {workers}"));
        }
        command
    }

    fn write_trace(&self, folder: &Path, trace: &str) -> Result<(), String> {
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
        let path = folder.join(format!("{stem}.trace"));
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, trace))
            .map_err(|error| {
                format!(
                    "{}: {error}; name a folder that can be written with --trace",
                    path.display()
                )
            })
    }
}

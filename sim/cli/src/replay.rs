//! `lockstep replay`: one run from a file.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::violation::Failure;
use lockstep_sim::campaign;
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::tally::Tally;
use serde_json::json;

use super::{complain, explore, say, scratch_folder};

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The reproducer, a text file that `run` wrote
    file: PathBuf,
    /// Where the ledger's file is while this runs [default: the system's temporary folder]
    #[arg(long, env = "LOCKSTEP_REPLAY_DIR")]
    dir: Option<PathBuf>,
    /// Print one JSON record in place of text
    #[arg(long, env = "LOCKSTEP_REPLAY_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

impl Replay {
    pub(super) fn execute(self) -> ExitCode {
        let reproducer = match Reproducer::read(&self.file) {
            Ok(reproducer) => reproducer,
            Err(error) => {
                complain(error);
                return ExitCode::Usage;
            }
        };
        if reproducer.schedule.is_some() {
            return explore::replay(&reproducer, &self.file.display().to_string());
        }
        let folder = match scratch_folder(self.dir.as_deref()) {
            Ok(folder) => folder,
            Err(reason) => {
                complain(reason);
                return ExitCode::Infrastructure;
            }
        };
        let scenario = &reproducer.scenario;
        let mut tally = Tally::default();
        let outcome = campaign::on_core(scenario, folder.path(), &mut tally);
        let (verdict, detail, exit_code) = match &outcome {
            Ok(observed) => ("passed", format!("digest {observed}"), ExitCode::Passed),
            Err(Failure::Violation(violation)) => (
                "violated",
                format!(
                    "{} after step {}, by {}\n  {}",
                    violation.invariant, violation.step, violation.subject, violation.detail
                ),
                violation.exit_code(),
            ),
            Err(Failure::Infrastructure(reason)) => {
                ("infrastructure", reason.clone(), ExitCode::Infrastructure)
            }
        };
        if self.json {
            say(json!({
                    "kind": "replay",
                    "file": self.file.display().to_string(),
                    "shows": reproducer.shows,
                    "verdict": verdict,
                    "exit_code": exit_code,
                    "detail": detail,
            }));
        } else {
            say(format_args!(
                "lockstep replay {}\n  {} steps, {} blocks, {} transactions{}",
                self.file.display(),
                scenario.steps.len(),
                scenario.blocks(),
                scenario.transactions(),
                match reproducer.shows.as_str() {
                    "" => String::new(),
                    invariant => format!("; kept because of {invariant}"),
                }
            ));
            say(format_args!("{verdict}: {detail}"));
        }
        exit_code
    }
}

//! `lockstep block`: a few runs of a campaign, in a process of their own.
//!
//! A campaign starts these, so that no run finds what another one left, and one that takes its
//! process with it takes no other. Nobody else needs it: it is in no help, and what it prints may
//! change.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use lockstep_core::model::{Block, Genesis, Hash, Height};
use lockstep_harness::exit::ExitCode;
use lockstep_harness::panic::silence_panics_for_good;
use lockstep_harness::violation::Failure;
use lockstep_sim::campaign::{
    Case, Cases, CoreOnTrial, Ended, Enough, OnTrial, Plan, Shard, Time, one_run,
};
use lockstep_sim::generate::Preset;
use lockstep_sim::subject::{StoredBlock, Subject, SubjectError};
use lockstep_sim::tally::Tally;
use lockstep_sim::trace::{Difference, Observation};
use lockstep_sim::world::{BlockResult, World};
use serde::{Deserialize, Serialize};

use super::{complain, scratch_folder, values};

#[derive(Debug, Args)]
pub(super) struct BlockOfRuns {
    #[arg(long, value_parser = values::preset())]
    profile: Preset,
    #[arg(long)]
    hash_seed: u64,
    #[arg(long)]
    dir: PathBuf,
    /// Put somebody on trial who takes the process with it
    #[arg(long)]
    dies: bool,
    /// SEED:RUN:TIME
    #[arg(required = true, value_parser = work)]
    work: Vec<Work>,
}

/// A run, and which time it is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub(super) case: Case,
    pub(super) time: Time,
}

impl Work {
    /// As it is typed.
    pub(super) fn argument(self) -> String {
        let time = match self.time {
            Time::First => "first",
            Time::Again => "again",
            Time::Twice => "twice",
        };
        format!("{}:{}:{time}", self.case.seed, self.case.run)
    }
}

fn work(text: &str) -> Result<Work, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let [seed, run, time] = parts[..] else {
        return Err("SEED:RUN:TIME".to_owned());
    };
    let number = |text: &str| text.parse().map_err(|_| format!("{text} is no number"));
    Ok(Work {
        case: Case {
            seed: number(seed)?,
            run: number(run)?,
        },
        time: match time {
            "first" => Time::First,
            "again" => Time::Again,
            "twice" => Time::Twice,
            _ => return Err(format!("{time} is no time")),
        },
    })
}

/// What it says to the process that started it, one a line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Message {
    /// It begins a run.
    Begun { seed: u64, run: u64 },
    /// The run ended.
    Ended(Box<EndedMessage>),
}

/// What a run came to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EndedMessage {
    seed: u64,
    run: u64,
    counts: [u64; 3],
    events: std::collections::BTreeMap<String, u64>,
    trace: Vec<Observation>,
    outcome: Result<[u8; 32], Failure>,
    again: u64,
    difference: Option<Difference>,
}

impl EndedMessage {
    fn new(ended: Ended) -> Self {
        let tally = &ended.tally;
        EndedMessage {
            seed: ended.case.seed,
            run: ended.case.run,
            counts: [tally.blocks, tally.transactions, tally.applied],
            events: tally
                .events()
                .map(|(event, count)| (event.to_owned(), count))
                .collect(),
            trace: ended.trace,
            outcome: ended.outcome.map(|hash| hash.0),
            again: ended.again,
            difference: ended.difference,
        }
    }

    /// What it was made of.
    pub(super) fn into_ended(self) -> Result<Ended, String> {
        Ok(Ended {
            case: Case {
                seed: self.seed,
                run: self.run,
            },
            tally: Tally::from_parts(self.counts, &self.events)?,
            trace: self.trace,
            outcome: self.outcome.map(Hash),
            again: self.again,
            difference: self.difference,
        })
    }
}

impl BlockOfRuns {
    pub(super) fn execute(self) -> ExitCode {
        let folder = match scratch_folder(Some(&self.dir)) {
            Ok(folder) => folder,
            Err(reason) => {
                complain(reason);
                return ExitCode::Infrastructure;
            }
        };
        let core = CoreOnTrial {
            folder: folder.path().to_path_buf(),
        };
        let on_trial: &dyn OnTrial = match self.dies {
            true => &somebody_who_dies,
            false => &core,
        };
        // A panic of a subject is a finding and is reported as one, with its message; where it
        // happened is shown when the run is replayed.
        if std::env::var_os("RUST_BACKTRACE").is_none() {
            silence_panics_for_good();
        }
        for Work { case, time } in self.work {
            let Case { seed, run } = case;
            let plan = Plan {
                cases: Cases::One(case),
                shard: Shard::WHOLE,
                preset: self.profile,
                enough: Enough::AllCases,
                hash_seed: self.hash_seed,
                twice_every: 0,
                most_findings: 1,
            };
            let is_heard = tell(&Message::Begun { seed, run }) && {
                let ended = one_run(&plan, case, time, on_trial);
                tell(&Message::Ended(Box::new(EndedMessage::new(ended))))
            };
            if !is_heard {
                // Whoever started this is gone.
                break;
            }
        }
        ExitCode::Passed
    }
}

/// Says it at once: the next thing that happens may be the end of the process.
fn tell(message: &Message) -> bool {
    let text = serde_json::to_string(message).expect("a message is numbers, lists and texts");
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).is_ok()
}

fn somebody_who_dies(_: &Genesis, _: u64) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
    Ok(vec![Box::new(Dies)])
}

/// Takes the process with it, whatever it is asked.
struct Dies;

impl Subject for Dies {
    fn name(&self) -> &str {
        "canary"
    }
    fn add_block(&mut self, _: &Block) -> Result<BlockResult, SubjectError> {
        std::process::abort()
    }
    fn rewind_to(&mut self, _: Height) -> Result<(), SubjectError> {
        std::process::abort()
    }
    fn reopen(&mut self) -> Result<(), SubjectError> {
        std::process::abort()
    }
    fn world(&self) -> Result<World, SubjectError> {
        std::process::abort()
    }
    fn stored(&self, _: Height) -> Result<Option<StoredBlock>, SubjectError> {
        std::process::abort()
    }
    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        std::process::abort()
    }
}

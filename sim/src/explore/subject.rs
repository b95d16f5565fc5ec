//! A subject whose blocks are executed under many schedules, or under one that is given.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lockstep_core::chain::{Chain, ChainError};
use lockstep_core::clock::Clock;
use lockstep_core::config::Config;
use lockstep_core::model::{Block, Genesis, Height, Timestamp};
use lockstep_core::storage::MemoryStorage;
use lockstep_core::under_shuttle::shared;
use shuttle::scheduler::Scheduler;
use shuttle::{FailurePersistence, MaxSteps, Runner};

use super::portfolio::{Portfolio, SCHEDULERS};
use super::scheduler::{Drawn, Followed, Log, Pause, Shared, with};
use crate::schedule::{Schedule, Switch};
use crate::subject::{self, Execution, StoredBlock, Subject, SubjectError};
use crate::world::{BlockResult, World};

/// An execution that takes more steps does not end, as far as anybody can tell.
const MOST_STEPS: usize = 2_000_000;

/// Something that executes a block over shuttle's primitives.
pub trait Explorable: Send + Sync {
    /// What it is called in reports.
    fn name(&self) -> &str;

    /// Executes a block on what is kept, inside an exploration; gives what it did and what is kept
    /// then.
    ///
    /// # Errors
    ///
    /// Where the block is refused, or something failed.
    fn add_block(
        &self,
        storage: MemoryStorage,
        config: &Config,
        block: &Block,
    ) -> Result<(BlockResult, MemoryStorage), ChainError>;
}

/// Core's own ledger, mounted over shuttle's primitives.
#[derive(Clone, Copy, Debug, Default)]
pub struct CoreLedger;

impl Explorable for CoreLedger {
    fn name(&self) -> &str {
        "core"
    }

    fn add_block(
        &self,
        storage: MemoryStorage,
        config: &Config,
        block: &Block,
    ) -> Result<(BlockResult, MemoryStorage), ChainError> {
        let chain = shared::Chain::open_existing(storage, config.clone(), clock())?;
        let added = chain.add_block(block)?;
        Ok((subject::result(added), chain.into_storage()))
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(|| Timestamp(0))
}

/// What a block came to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Added(Box<BlockResult>, MemoryStorage),
    /// In words: errors cannot be compared.
    Not(SubjectError),
    Panicked(String),
}

/// How the blocks of a subject are executed, and what is learnt of it.
pub(super) enum Way {
    /// Each of the schedulers draws so many schedules for each block.
    Drawn {
        portfolio: Portfolio,
        schedules: usize,
    },
    Followed(Schedule),
}

/// What was seen while a scenario ran.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) blocks: usize,
    pub(super) schedules: u64,
    /// Of one block, summed over blocks.
    pub(super) distinct: u64,
    pub(super) decisions: u64,
    pub(super) preemptions: u64,
    pub(super) most_preemptions: u64,
    /// Under which schedule a block came to something else than serially, who drew it, and in which
    /// of its draws.
    pub(super) found: Option<(Schedule, &'static str, usize)>,
    /// Of the block whose schedule was followed.
    pub(super) pauses: Vec<Pause>,
}

/// A ledger in memory.
pub(super) struct UnderSchedules {
    name: String,
    explorable: Arc<dyn Explorable>,
    storage: MemoryStorage,
    serial: Config,
    parallel: Config,
    workers: usize,
    over_graph: bool,
    way: Way,
    seen: Shared<Seen>,
}

impl UnderSchedules {
    pub(super) fn new(
        explorable: Arc<dyn Explorable>,
        genesis: &Genesis,
        hash_seed: u64,
        (workers, over_graph): (usize, bool),
        way: Way,
        seen: Shared<Seen>,
    ) -> Result<Self, SubjectError> {
        let serial = Execution::Serial.config(genesis, hash_seed)?;
        let execution = match over_graph {
            true => Execution::Graph(workers),
            false => Execution::SpreadChecks(workers),
        };
        let chain = Chain::open(MemoryStorage::new(), genesis, serial.clone(), clock())?;
        Ok(UnderSchedules {
            name: format!("{}, {execution}, under schedules", explorable.name()),
            explorable,
            storage: chain.into_storage(),
            serial,
            parallel: execution.config(genesis, hash_seed)?,
            workers,
            over_graph,
            way,
            seen,
        })
    }

    fn chain(&self) -> Result<Chain<MemoryStorage>, ChainError> {
        Chain::open_existing(self.storage.clone(), self.serial.clone(), clock())
    }

    fn serially(&self, block: &Block) -> Answer {
        let add = || {
            let chain = self.chain()?;
            let added = chain.add_block(block)?;
            Ok((subject::result(added), chain.into_storage()))
        };
        answer(add())
    }

    /// Under one schedule after the other, until the scheduler has no more or one comes to something
    /// else; gives that, or else what it is compared with.
    fn under(
        &self,
        scheduler: impl Scheduler + 'static,
        block: &Block,
        expected: &Answer,
        after_each: impl Fn(bool) + Send + Sync + 'static,
    ) -> Answer {
        let other: Shared<Option<Answer>> = Shared::default();
        let explored = {
            let (other, expected) = (Arc::clone(&other), expected.clone());
            let (explorable, storage) = (Arc::clone(&self.explorable), self.storage.clone());
            let (config, block) = (self.parallel.clone(), block.clone());
            move || {
                let got = answer(explorable.add_block(storage.clone(), &config, &block));
                let differs = got != expected;
                if differs {
                    with(&other, |other| *other = Some(got));
                }
                after_each(differs);
            }
        };
        let runner = Runner::new(scheduler, config());
        match catch_unwind(AssertUnwindSafe(|| runner.run(explored))) {
            Ok(_) => with(&other, Option::take).unwrap_or_else(|| expected.clone()),
            Err(panic) => Answer::Panicked(message(&*panic)),
        }
    }

    fn draw(
        &self,
        portfolio: &Portfolio,
        schedules: usize,
        block: &Block,
        expected: Answer,
    ) -> Answer {
        let at = with(&self.seen, |seen| seen.blocks);
        let distinct: Shared<std::collections::BTreeSet<u64>> = Shared::default();
        for (name, scheduler) in SCHEDULERS.into_iter().zip(&portfolio.schedulers) {
            let log: Shared<Log> = Shared::default();
            let left = Arc::new(std::sync::Mutex::new(schedules));
            let drawn = Drawn {
                scheduler: Arc::clone(scheduler),
                log: Arc::clone(&log),
                left: Arc::clone(&left),
            };
            let note = {
                let (log, seen) = (Arc::clone(&log), Arc::clone(&self.seen));
                let (distinct, left) = (Arc::clone(&distinct), Arc::clone(&left));
                move |differs| {
                    let (fingerprint, decisions, pauses) = with(&log, |log| {
                        (log.fingerprint, log.decisions, log.pauses.len() as u64)
                    });
                    let is_new = with(&distinct, |distinct| distinct.insert(fingerprint));
                    with(&seen, |seen| {
                        seen.schedules += 1;
                        seen.distinct += u64::from(is_new);
                        seen.decisions += decisions;
                        seen.preemptions += pauses;
                        seen.most_preemptions = seen.most_preemptions.max(pauses);
                    });
                    if differs {
                        with(&left, |left| *left = 0);
                    }
                }
            };
            let before = with(&self.seen, |seen| seen.schedules);
            let got = self.under(drawn, block, &expected, note);
            if got != expected {
                let switches = with(&log, |log| log.switches.clone());
                with(&self.seen, |seen| {
                    let panicked = u64::from(matches!(got, Answer::Panicked(_)));
                    let draw = seen.schedules - before + panicked;
                    let draw = usize::try_from(draw).unwrap_or(usize::MAX);
                    seen.found = Some((self.schedule(at, switches), name, draw));
                });
                return got;
            }
            // A refused block has one schedule, and a scheduler that finds no choice complains.
            if !with(&log, |log| log.is_concurrent) {
                break;
            }
        }
        expected
    }

    fn schedule(&self, block: usize, switches: Vec<Switch>) -> Schedule {
        Schedule {
            workers: self.workers,
            over_graph: self.over_graph,
            block,
            switches,
        }
    }

    fn follow(&self, schedule: &Schedule, block: &Block, expected: Answer) -> Answer {
        let log: Shared<Log> = Shared::default();
        let followed = Followed::new(&schedule.switches, Arc::clone(&log));
        let got = self.under(followed, block, &expected, |_| {});
        let pauses = with(&log, |log| std::mem::take(&mut log.pauses));
        with(&self.seen, |seen| seen.pauses = pauses);
        got
    }
}

fn answer(added: Result<(BlockResult, MemoryStorage), ChainError>) -> Answer {
    match added {
        Ok((result, storage)) => Answer::Added(Box::new(result), storage),
        Err(error) => Answer::Not(error.into()),
    }
}

/// What a schedule that ended the execution said, in one line.
fn message(panic: &(dyn Any + Send)) -> String {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    message.lines().next().unwrap_or_default().to_owned()
}

pub(super) fn config() -> shuttle::Config {
    let mut config = shuttle::Config::new();
    config.max_steps = MaxSteps::FailAfter(MOST_STEPS);
    // A whole block is executed on each of them.
    config.stack_size = 1 << 20;
    // Schedules are kept in reproducers.
    config.failure_persistence = FailurePersistence::None;
    config.silence_warnings = true;
    config
}

impl Subject for UnderSchedules {
    fn name(&self) -> &str {
        &self.name
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let expected = self.serially(block);
        let at = with(&self.seen, |seen| seen.blocks);
        let got = match &self.way {
            Way::Drawn {
                portfolio,
                schedules,
            } => self.draw(portfolio, *schedules, block, expected),
            Way::Followed(schedule) if schedule.block == at => {
                self.follow(schedule, block, expected)
            }
            Way::Followed(_) => expected,
        };
        with(&self.seen, |seen| seen.blocks += 1);
        match got {
            Answer::Added(result, storage) => {
                self.storage = storage;
                Ok(*result)
            }
            Answer::Not(error) => Err(error),
            Answer::Panicked(message) if message.starts_with("deadlock") => {
                Err(SubjectError::Stuck(message))
            }
            Answer::Panicked(message) if message.starts_with("exceeded max_steps") => {
                Err(SubjectError::Stuck(message))
            }
            Answer::Panicked(message) => std::panic::resume_unwind(Box::new(message)),
        }
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        let chain = self.chain()?;
        chain.rewind_to(height)?;
        self.storage = chain.into_storage();
        Ok(())
    }

    /// Each block is executed by a ledger that was just opened.
    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.chain()?;
        Ok(())
    }

    fn world(&self) -> Result<World, SubjectError> {
        subject::world(&self.chain()?)
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        let chain = self.chain()?;
        Ok(chain.block(height)?.zip(chain.receipts(height)?))
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        subject::bytes_kept(&self.storage)
    }
}

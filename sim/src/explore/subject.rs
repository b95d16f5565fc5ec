//! A subject whose blocks are executed under many schedules, or under one that is given.

use std::sync::Arc;

use lockstep_core::chain::Chain;
use lockstep_core::clock::Clock;
use lockstep_core::config::Config;
use lockstep_core::model::{Block, Genesis, Height, PublicKey, Timestamp, Transaction};
use lockstep_core::storage::MemoryStorage;
use lockstep_core::under_shuttle::chain as explored;
use shuttle::scheduler::Scheduler;
use shuttle::{FailurePersistence, MaxSteps, Runner};

use super::portfolio::{PLAIN, Portfolio};
use super::scheduler::{Drawn, Followed, Log, Pause, Shared, with};
use crate::faulty::{Aftermath, ConcurrentAct, ConcurrentReport, Faulty, Template, happened};
use crate::scenario::Fault;
use crate::subject::{self, AtWork, Core, Execution, StoredBlock, Subject, SubjectError};
use crate::world::{BlockResult, World};
use lockstep_harness::panic::catch_panic;
use lockstep_harness::schedule::{Schedule, Switch, is_deadlock};

/// An execution that takes more steps does not end, as far as anybody can tell.
const MOST_STEPS: usize = 2_000_000;

/// A ledger between two blocks, and its serial answers.
pub trait Kept: Clone + PartialEq + Send + Sync + Sized + 'static {
    /// A ledger at height 0.
    ///
    /// # Errors
    ///
    /// Where the genesis is impossible.
    fn of_genesis(genesis: &Genesis, config: &Config) -> Result<Self, SubjectError>;

    /// Executes a block by itself, outside of an exploration; gives what is kept then.
    ///
    /// # Errors
    ///
    /// Where the block is refused, or something failed; then nothing has changed.
    fn add_serially(
        &self,
        config: &Config,
        block: &Block,
    ) -> Result<(BlockResult, Self), SubjectError>;

    /// What is kept when the blocks above a height are undone.
    ///
    /// # Errors
    ///
    /// Where something failed.
    fn rewound_to(&self, config: &Config, height: Height) -> Result<Self, SubjectError>;

    /// As [`Subject::world`].
    ///
    /// # Errors
    ///
    /// As that.
    fn world(&self, config: &Config) -> Result<World, SubjectError>;

    /// As [`Subject::stored`].
    ///
    /// # Errors
    ///
    /// As that.
    fn stored(&self, config: &Config, height: Height) -> Result<Option<StoredBlock>, SubjectError>;

    /// As [`Subject::bytes_kept`].
    ///
    /// # Errors
    ///
    /// As that.
    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError>;
}

/// Something that executes a block over shuttle's primitives.
pub trait Explorable: Send + Sync + 'static {
    /// What there is between two blocks.
    type Kept: Kept;

    /// What it is called in reports.
    fn name(&self) -> &str;

    /// Executes a block on what is kept, inside an exploration, and lets somebody come meanwhile,
    /// where that is possible.
    ///
    /// # Errors
    ///
    /// Where the block is refused, or something failed.
    fn add_block(
        &self,
        kept: Self::Kept,
        config: &Config,
        block: &Block,
        concurrent: Option<ConcurrentAct>,
    ) -> Result<Added<Self::Kept>, SubjectError>;

    /// Whether this can happen to it while it adds a block.
    fn can_meet(&self, _fault: Fault) -> bool {
        false
    }

    /// Who is on trial beside it: whoever keeps the same bytes.
    ///
    /// # Errors
    ///
    /// Where the genesis is impossible.
    fn beside(
        &self,
        _genesis: &Genesis,
        _hash_seed: u64,
    ) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
        Ok(Vec::new())
    }
}

/// What came of a block that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added<K> {
    /// What it did; why not, where somebody else came and it was not added.
    pub result: Result<BlockResult, SubjectError>,
    /// What is kept now.
    pub kept: K,
    /// What somebody else did meanwhile.
    pub concurrent: Option<ConcurrentReport>,
    /// How many workers were at work, where they are counted.
    pub at_work: Option<AtWork>,
}

impl<K> Added<K> {
    /// With nobody beside it.
    pub const fn alone(result: BlockResult, kept: K) -> Self {
        Added {
            result: Ok(result),
            kept,
            concurrent: None,
            at_work: None,
        }
    }
}

/// Core's own ledger, mounted over shuttle's primitives.
#[derive(Clone, Copy, Debug, Default)]
pub struct CoreLedger;

impl Explorable for CoreLedger {
    type Kept = MemoryStorage;

    fn name(&self) -> &str {
        "core"
    }

    fn add_block(
        &self,
        kept: MemoryStorage,
        config: &Config,
        block: &Block,
        _: Option<ConcurrentAct>,
    ) -> Result<Added<MemoryStorage>, SubjectError> {
        let chain = explored::Chain::open_existing(kept, config.clone(), clock())?;
        let added = chain.add_block(block)?;
        Ok(Added::alone(subject::result(added), chain.into_storage()))
    }

    fn beside(
        &self,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
        Ok(vec![Box::new(Core::in_memory(genesis, hash_seed)?)])
    }
}

impl Kept for MemoryStorage {
    fn of_genesis(genesis: &Genesis, config: &Config) -> Result<Self, SubjectError> {
        let chain = Chain::open(MemoryStorage::new(), genesis, config.clone(), clock())?;
        Ok(chain.into_storage())
    }

    fn add_serially(
        &self,
        config: &Config,
        block: &Block,
    ) -> Result<(BlockResult, Self), SubjectError> {
        let chain = opened(self, config)?;
        let added = chain.add_block(block)?;
        Ok((subject::result(added), chain.into_storage()))
    }

    fn rewound_to(&self, config: &Config, height: Height) -> Result<Self, SubjectError> {
        let chain = opened(self, config)?;
        chain.rewind_to(height)?;
        Ok(chain.into_storage())
    }

    fn world(&self, config: &Config) -> Result<World, SubjectError> {
        subject::world(&opened(self, config)?)
    }

    fn stored(&self, config: &Config, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        subject::stored(&opened(self, config)?, height)
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        subject::bytes_kept(self)
    }
}

fn opened(storage: &MemoryStorage, config: &Config) -> Result<Chain<MemoryStorage>, SubjectError> {
    Ok(Chain::open_existing(
        storage.clone(),
        config.clone(),
        clock(),
    )?)
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(|| Timestamp(0))
}

/// What a block came to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer<K> {
    Added(Box<Added<K>>),
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
pub(super) struct UnderSchedules<E: Explorable> {
    name: String,
    explorable: Arc<E>,
    kept: E::Kept,
    serial: Config,
    parallel: Config,
    workers: usize,
    over_graph: bool,
    way: Way,
    armed: Option<Fault>,
    aftermath: Aftermath,
    at_work: Option<AtWork>,
    seen: Shared<Seen>,
}

impl<E: Explorable> UnderSchedules<E> {
    pub(super) fn new(
        explorable: Arc<E>,
        genesis: &Genesis,
        hash_seed: u64,
        (workers, over_graph): (usize, bool),
        way: Way,
        seen: Shared<Seen>,
    ) -> Result<Self, SubjectError> {
        let serial = Execution::Serial.config(genesis, hash_seed)?;
        let execution = match over_graph {
            true => Execution::Graph(workers),
            false => Execution::ParallelValidation(workers),
        };
        Ok(UnderSchedules {
            name: format!("{}, {execution}, under schedules", explorable.name()),
            explorable,
            kept: E::Kept::of_genesis(genesis, &serial)?,
            serial,
            parallel: execution.config(genesis, hash_seed)?,
            workers,
            over_graph,
            way,
            armed: None,
            aftermath: Aftermath::default(),
            at_work: None,
            seen,
        })
    }

    /// What a block may come to: one after the other, where somebody else comes, the block first or
    /// last.
    fn expected(
        &self,
        block: &Block,
        concurrent: Option<&ConcurrentAct>,
    ) -> Result<Expected<E::Kept>, SubjectError> {
        let before = self.kept.world(&self.serial)?;
        let answers = match concurrent {
            None => vec![match self.kept.add_serially(&self.serial, block) {
                Ok((result, kept)) => Answer::Added(Box::new(Added::alone(result, kept))),
                Err(error) => Answer::Not(error),
            }],
            Some(concurrent) => [true, false]
                .into_iter()
                .map(|block_is_first| self.in_order(block, concurrent, block_is_first))
                .collect::<Result<_, _>>()?,
        };
        Ok(Expected { answers, before })
    }

    fn in_order(
        &self,
        block: &Block,
        concurrent: &ConcurrentAct,
        block_is_first: bool,
    ) -> Result<Answer<E::Kept>, SubjectError> {
        let after_concurrent = |kept: E::Kept| match concurrent {
            ConcurrentAct::Rewind(height) => kept.rewound_to(&self.serial, *height),
            _ => Ok(kept),
        };
        let mut kept = self.kept.clone();
        if !block_is_first {
            kept = after_concurrent(kept)?;
        }
        let result = match kept.add_serially(&self.serial, block) {
            Ok((result, after)) => {
                kept = after;
                Ok(result)
            }
            Err(error) => Err(error),
        };
        if block_is_first {
            kept = after_concurrent(kept)?;
        }
        Ok(Answer::Added(Box::new(Added {
            result,
            kept,
            concurrent: None,
            at_work: None,
        })))
    }

    /// Under one schedule after the other, until the scheduler has no more or one comes to something
    /// else; gives that, or else what the last one came to.
    fn under(
        &self,
        scheduler: impl Scheduler + 'static,
        block: &Block,
        concurrent: Option<&ConcurrentAct>,
        expected: &Arc<Expected<E::Kept>>,
        after_each: impl Fn(bool) + Send + Sync + 'static,
    ) -> (Answer<E::Kept>, bool) {
        let last: Shared<Option<(Answer<E::Kept>, bool)>> = Shared::default();
        let explored = {
            let (last, expected) = (Arc::clone(&last), Arc::clone(expected));
            let (explorable, kept) = (Arc::clone(&self.explorable), self.kept.clone());
            let (config, block) = (self.parallel.clone(), block.clone());
            let concurrent = concurrent.cloned();
            move || {
                let added = explorable.add_block(kept.clone(), &config, &block, concurrent.clone());
                let got = match added {
                    Ok(added) => Answer::Added(Box::new(added)),
                    Err(error) => Answer::Not(error),
                };
                let differs = !expected.has(&got);
                with(&last, |last| {
                    if !matches!(last, Some((_, true))) {
                        *last = Some((got, differs));
                    }
                });
                after_each(differs);
            }
        };
        let runner = Runner::new(scheduler, config());
        match catch_panic(|| runner.run(explored)) {
            Ok(_) => {
                with(&last, Option::take).unwrap_or_else(|| (expected.answers[0].clone(), false))
            }
            Err(message) => (Answer::Panicked(first_line(&message)), true),
        }
    }

    fn draw(
        &self,
        portfolio: &Portfolio,
        schedules: usize,
        block: &Block,
        concurrent: Option<&ConcurrentAct>,
        expected: &Arc<Expected<E::Kept>>,
    ) -> Answer<E::Kept> {
        let at = with(&self.seen, |seen| seen.blocks);
        // Where nobody chooses. A scheduler that has nothing to choose complains, and what shows so
        // takes no preemption.
        let plain = self.schedule(at, Vec::new());
        let log: Shared<Log> = Shared::default();
        let followed = Followed::new(&plain.switches, Arc::clone(&log));
        let (mut came_to, differs) = self.under(followed, block, concurrent, expected, |_| {});
        let (decisions, is_concurrent) = with(&log, |log| (log.decisions, log.is_concurrent));
        with(&self.seen, |seen| {
            seen.schedules += 1;
            seen.distinct += 1;
            seen.decisions += decisions;
            if differs {
                seen.found = Some((plain, PLAIN, 1));
            }
        });
        if differs || !is_concurrent {
            return came_to;
        }
        let distinct: Shared<std::collections::BTreeSet<u64>> = Shared::default();
        for (name, scheduler) in &portfolio.schedulers {
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
            let (got, differs) = self.under(drawn, block, concurrent, expected, note);
            if differs {
                let switches = with(&log, |log| log.switches.clone());
                with(&self.seen, |seen| {
                    let panicked = u64::from(matches!(got, Answer::Panicked(_)));
                    seen.schedules += panicked;
                    let draw = usize::try_from(seen.schedules - before).unwrap_or(usize::MAX);
                    seen.found = Some((self.schedule(at, switches), name, draw));
                });
                return got;
            }
            came_to = got;
        }
        came_to
    }

    fn schedule(&self, block: usize, switches: Vec<Switch>) -> Schedule {
        Schedule {
            workers: self.workers,
            over_graph: self.over_graph,
            block,
            switches,
        }
    }

    fn follow(
        &self,
        schedule: &Schedule,
        block: &Block,
        concurrent: Option<&ConcurrentAct>,
        expected: &Arc<Expected<E::Kept>>,
    ) -> Answer<E::Kept> {
        let log: Shared<Log> = Shared::default();
        let followed = Followed::new(&schedule.switches, Arc::clone(&log));
        let (got, _) = self.under(followed, block, concurrent, expected, |_| {});
        let pauses = with(&log, |log| std::mem::take(&mut log.pauses));
        with(&self.seen, |seen| seen.pauses = pauses);
        got
    }
}

/// What a block may come to.
struct Expected<K> {
    answers: Vec<Answer<K>>,
    /// What somebody sees who reads meanwhile.
    before: World,
}

impl<K: PartialEq> Expected<K> {
    fn has(&self, got: &Answer<K>) -> bool {
        let Answer::Added(got) = got else {
            return self.answers.contains(got);
        };
        let within_limit = got
            .at_work
            .is_none_or(|at_work| at_work.most <= at_work.limit);
        let saw_one = got.concurrent.as_ref().is_none_or(|concurrent| {
            let saw = concurrent.saw.as_ref();
            concurrent.answer == Ok(None) && saw.is_none_or(|saw| *saw == self.before)
        });
        within_limit
            && saw_one
            && self.answers.iter().any(|answer| {
                matches!(answer, Answer::Added(one)
                    if one.result == got.result && one.kept == got.kept)
            })
    }
}

/// The first line of what a schedule that ended the execution said.
fn first_line(message: &str) -> String {
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

impl<E: Explorable> Subject for UnderSchedules<E> {
    fn name(&self) -> &str {
        &self.name
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let concurrent = match self.armed {
            Some(Fault::ConcurrentRequest(_, wants)) => {
                let height = self.kept.world(&self.serial)?.height;
                Some(ConcurrentAct::of(wants, height, block))
            }
            _ => None,
        };
        let expected = Arc::new(self.expected(block, concurrent.as_ref())?);
        let at = with(&self.seen, |seen| seen.blocks);
        let got = match &self.way {
            Way::Drawn {
                portfolio,
                schedules,
            } => self.draw(portfolio, *schedules, block, concurrent.as_ref(), &expected),
            Way::Followed(schedule) if schedule.block == at => {
                self.follow(schedule, block, concurrent.as_ref(), &expected)
            }
            // Serially, with nobody beside it.
            Way::Followed(_) => self.expected(block, None)?.answers.swap_remove(0),
        };
        with(&self.seen, |seen| seen.blocks += 1);
        match got {
            Answer::Added(added) => {
                self.kept = added.kept;
                self.at_work = added.at_work;
                if added.concurrent.is_some()
                    && let Some(fault) = &self.armed
                {
                    self.aftermath.events = happened(fault);
                }
                self.aftermath.concurrent = added.concurrent;
                added.result
            }
            Answer::Not(error) => Err(error),
            Answer::Panicked(message) if is_deadlock(&message) => Err(SubjectError::Stuck(message)),
            Answer::Panicked(message) => std::panic::resume_unwind(Box::new(message)),
        }
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.kept = self.kept.rewound_to(&self.serial, height)?;
        Ok(())
    }

    /// Each block is executed by a ledger that was just opened.
    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.kept.world(&self.serial)?;
        Ok(())
    }

    fn world(&self) -> Result<World, SubjectError> {
        self.kept.world(&self.serial)
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        self.kept.stored(&self.serial, height)
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        self.kept.bytes_kept()
    }

    fn at_work(&self) -> Option<AtWork> {
        self.at_work
    }

    fn faulty(&mut self) -> Option<&mut dyn Faulty> {
        Some(self)
    }
}

impl<E: Explorable> Faulty for UnderSchedules<E> {
    fn arm(&mut self, fault: Fault) -> bool {
        let can = self.armed.is_none() && self.explorable.can_meet(fault);
        if can {
            self.armed = Some(fault);
        }
        can
    }

    fn recover(&mut self) -> Result<Aftermath, SubjectError> {
        self.armed = None;
        Ok(std::mem::take(&mut self.aftermath))
    }

    fn template(
        &mut self,
        _: &[Transaction],
        _: PublicKey,
        _: i64,
    ) -> Result<Template, SubjectError> {
        let reason = "templates are not explored".to_owned();
        Err(SubjectError::Failed(reason))
    }
}

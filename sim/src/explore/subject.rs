//! Subject whose blocks are executed under drawn schedules, or under a recorded one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use lockstep_core::chain::Chain;
use lockstep_core::clock::Clock;
use lockstep_core::config::Config;
use lockstep_core::model::{Block, Genesis, Height, PublicKey, Timestamp, Transaction};
use lockstep_core::signature::Verifier;
use lockstep_core::storage::MemoryStorage;
use lockstep_core::under_shuttle::chain as explored;
use shuttle::scheduler::Scheduler;
use shuttle::{FailurePersistence, MaxSteps, Runner};

use super::faults::{self, FaultyStorage, Reads};
use super::portfolio::{DEFAULT_SCHEDULE, Portfolio};
use super::scheduler::{
    Preemption, RecordingScheduler, ReplayScheduler, ScheduleLog, Shared, with,
};
use crate::faulty::{Aftermath, ConcurrentAct, ConcurrentReport, Faulty, Template, happened};
use crate::scenario::{Fault, InjectionPoint};
use crate::subject::{self, AtWork, Core, Execution, StoredBlock, Subject, SubjectError};
use crate::verdicts::Verdicts;
use crate::world::{BlockResult, World};
use lockstep_harness::panic::catch_panic;
use lockstep_harness::schedule::{Schedule, Switch, is_deadlock};

/// Limit of the steps of one execution. A longer one counts as endless.
const MAX_STEPS: usize = 2_000_000;

/// State of a ledger between two blocks, with its serial operations.
pub trait LedgerState: Clone + PartialEq + Send + Sync + Sized + 'static {
    /// Creates the state at height 0.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis is impossible.
    fn of_genesis(genesis: &Genesis, config: &Config) -> Result<Self, SubjectError>;

    /// Executes a block serially, outside of shuttle. Returns its result and the state after it.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Refused`] if the block does not extend the chain, any other variant if the
    /// execution fails. This state is unchanged then.
    fn add_serially(
        &self,
        config: &Config,
        block: &Block,
    ) -> Result<(BlockResult, Self), SubjectError>;

    /// Returns the state with the blocks above a height undone.
    ///
    /// # Errors
    ///
    /// As [`Subject::rewind_to`].
    fn rewound_to(&self, config: &Config, height: Height) -> Result<Self, SubjectError>;

    /// Returns the observable state, like [`Subject::world`].
    ///
    /// # Errors
    ///
    /// As [`Subject::world`].
    fn world(&self, config: &Config) -> Result<World, SubjectError>;

    /// Returns the stored block at a height, like [`Subject::stored`].
    ///
    /// # Errors
    ///
    /// As [`Subject::stored`].
    fn stored(&self, config: &Config, height: Height) -> Result<Option<StoredBlock>, SubjectError>;

    /// Returns a hash of all stored bytes, like [`Subject::bytes_kept`].
    ///
    /// # Errors
    ///
    /// As [`Subject::bytes_kept`].
    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError>;
}

/// An executor of blocks over shuttle's primitives.
pub trait Explorable: Send + Sync + 'static {
    /// State of its ledger between two blocks.
    type LedgerState: LedgerState;

    /// Name in reports.
    fn name(&self) -> &str;

    /// Executes a block on a ledger with this state, inside a shuttle execution, together with a
    /// concurrent request where it [supports](Explorable::supports) one.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Refused`] if the block does not extend the chain, any other variant if the
    /// execution fails.
    fn add_block(
        &self,
        ledger: Self::LedgerState,
        config: &Config,
        block: &Block,
        concurrent: Option<ConcurrentAct>,
    ) -> Result<Added<Self::LedgerState>, SubjectError>;

    /// Does as [`Explorable::add_block`], with a fault that it [supports](Explorable::supports) and that is no
    /// concurrent request. An error of a block under a fault that happened is a result, with the ledger that
    /// it left.
    ///
    /// # Errors
    ///
    /// As [`Explorable::add_block`], if the fault did not happen.
    fn add_block_under(
        &self,
        _fault: Fault,
        ledger: Self::LedgerState,
        config: &Config,
        block: &Block,
    ) -> Result<Added<Self::LedgerState>, SubjectError> {
        self.add_block(ledger, config, block, None)
    }

    /// Returns whether this fault can be injected while it adds a block.
    fn supports(&self, _fault: Fault) -> bool {
        false
    }

    /// Creates the control subjects, which run the same scenario unexplored and must keep the same bytes.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis is impossible.
    fn control_subjects(
        &self,
        _genesis: &Genesis,
        _hash_seed: u64,
    ) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
        Ok(Vec::new())
    }
}

/// Result of adding a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added<S> {
    /// Result of the block; an error where a concurrent request kept it from being added.
    pub result: Result<BlockResult, SubjectError>,
    /// State of the ledger afterwards.
    pub ledger: S,
    /// The concurrent request and its answer.
    pub concurrent: Option<ConcurrentReport>,
    /// Number of workers at work, where it is counted.
    pub at_work: Option<AtWork>,
    /// True if a fault was injected that is no concurrent request.
    pub has_fault_happened: bool,
}

impl<S> Added<S> {
    /// Creates the result of a block without a concurrent request.
    pub const fn alone(result: BlockResult, ledger: S) -> Self {
        Added {
            result: Ok(result),
            ledger,
            concurrent: None,
            at_work: None,
            has_fault_happened: false,
        }
    }
}

/// Core's own ledger over shuttle's primitives.
#[derive(Clone, Copy, Debug, Default)]
pub struct CoreLedger;

impl Explorable for CoreLedger {
    type LedgerState = MemoryStorage;

    fn name(&self) -> &str {
        "core"
    }

    fn add_block(
        &self,
        ledger: MemoryStorage,
        config: &Config,
        block: &Block,
        _: Option<ConcurrentAct>,
    ) -> Result<Added<MemoryStorage>, SubjectError> {
        let chain = explored::Chain::open_existing(ledger, config.clone(), clock())?
            .with_verifier(verdicts());
        let added = chain.add_block(block)?;
        Ok(Added::alone(subject::result(added), chain.into_storage()))
    }

    fn add_block_under(
        &self,
        fault: Fault,
        ledger: MemoryStorage,
        config: &Config,
        block: &Block,
    ) -> Result<Added<MemoryStorage>, SubjectError> {
        let reads: Arc<Mutex<Reads>> = Arc::default();
        let storage = FaultyStorage::new(ledger, Arc::clone(&reads));
        let chain = explored::Chain::open_existing(storage, config.clone(), clock())?
            .with_verifier(verdicts());
        with(&reads, |reads| reads.arm(fault));
        let steps = AtomicU64::new(0);
        let is_cancelled = || {
            let step = InjectionPoint::Step(steps.fetch_add(1, Ordering::Relaxed));
            let is_now = fault == Fault::Cancel(step);
            with(&reads, |reads| reads.has_happened |= is_now);
            is_now
        };
        let added = chain.add_block_unless(block, is_cancelled);
        let result = added.map(subject::result).map_err(SubjectError::from);
        match result {
            Err(error) if !with(&reads, |reads| reads.has_happened) => Err(error),
            result => Ok(Added {
                result,
                ledger: chain.into_storage().into_inner(),
                concurrent: None,
                at_work: None,
                has_fault_happened: with(&reads, |reads| reads.has_happened),
            }),
        }
    }

    fn supports(&self, fault: Fault) -> bool {
        faults::is_explored(fault)
    }

    fn control_subjects(
        &self,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
        Ok(vec![Box::new(Core::in_memory(genesis, hash_seed)?)])
    }
}

impl LedgerState for MemoryStorage {
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
    let chain = Chain::open_existing(storage.clone(), config.clone(), clock())?;
    Ok(chain.with_verifier(verdicts()))
}

/// Returns the verifier of explored ledgers, which verifies each signature once: a block has the same ones
/// under every schedule, and verifying them takes no step.
fn verdicts() -> Arc<dyn Verifier> {
    Arc::new(Verdicts::of_this_thread())
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(|| Timestamp(0))
}

/// Outcome of one execution of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
enum BlockAnswer<S> {
    Added(Box<Added<S>>),
    Failed(SubjectError),
    Panicked(String),
}

/// Source of the schedules under which the blocks of a subject are executed.
pub(super) enum ScheduleSource {
    /// Each scheduler of the portfolio draws this number of schedules for each block.
    Drawn {
        portfolio: Portfolio,
        schedules: usize,
    },
    /// One block is executed under this schedule, the others serially.
    Recorded(Schedule),
}

/// Counts and findings of the exploration of one scenario.
#[derive(Clone, Debug, Default)]
pub(super) struct ExplorationStats {
    pub(super) blocks: usize,
    pub(super) schedules: u64,
    /// Number of distinct schedules of a block, summed over blocks.
    pub(super) distinct: u64,
    pub(super) decisions: u64,
    pub(super) preemptions: u64,
    pub(super) most_preemptions: u64,
    /// The schedule under which a block differed from its serial result, the scheduler that drew it, and
    /// the number of the draw.
    pub(super) found: Option<(Schedule, &'static str, usize)>,
    /// Preemptions of the block whose schedule was replayed.
    pub(super) replayed_preemptions: Vec<Preemption>,
}

/// A ledger in memory, whose blocks are explored.
pub(super) struct ExploredSubject<E: Explorable> {
    name: String,
    explorable: Arc<E>,
    ledger: E::LedgerState,
    serial: Config,
    parallel: Config,
    workers: usize,
    over_graph: bool,
    source: ScheduleSource,
    armed: Option<Fault>,
    aftermath: Aftermath,
    at_work: Option<AtWork>,
    stats: Shared<ExplorationStats>,
}

impl<E: Explorable> ExploredSubject<E> {
    pub(super) fn new(
        explorable: Arc<E>,
        genesis: &Genesis,
        hash_seed: u64,
        (workers, over_graph): (usize, bool),
        source: ScheduleSource,
        stats: Shared<ExplorationStats>,
    ) -> Result<Self, SubjectError> {
        let serial = Execution::Serial.config(genesis, hash_seed)?;
        let execution = match over_graph {
            true => Execution::Graph(workers),
            false => Execution::ParallelValidation(workers),
        };
        Ok(ExploredSubject {
            name: format!("{}, {execution}, under schedules", explorable.name()),
            explorable,
            ledger: E::LedgerState::of_genesis(genesis, &serial)?,
            serial,
            parallel: execution.config(genesis, hash_seed)?,
            workers,
            over_graph,
            source,
            armed: None,
            aftermath: Aftermath::default(),
            at_work: None,
            stats,
        })
    }

    /// Computes the allowed outcomes of a block: the serial one, and with a concurrent request those of
    /// both serial orders.
    fn expected(
        &self,
        block: &Block,
        concurrent: Option<&ConcurrentAct>,
    ) -> Result<SerialAnswers<E::LedgerState>, SubjectError> {
        let before = self.ledger.world(&self.serial)?;
        let answers = match concurrent {
            None => vec![match self.ledger.add_serially(&self.serial, block) {
                Ok((result, ledger)) => BlockAnswer::Added(Box::new(Added::alone(result, ledger))),
                Err(error) => BlockAnswer::Failed(error),
            }],
            Some(concurrent) => [true, false]
                .into_iter()
                .map(|block_is_first| self.in_order(block, concurrent, block_is_first))
                .collect::<Result<_, _>>()?,
        };
        Ok(SerialAnswers {
            answers,
            before,
            fault: self.armed,
            ledger: self.ledger.clone(),
        })
    }

    fn in_order(
        &self,
        block: &Block,
        concurrent: &ConcurrentAct,
        block_is_first: bool,
    ) -> Result<BlockAnswer<E::LedgerState>, SubjectError> {
        let after_concurrent = |ledger: E::LedgerState| match concurrent {
            ConcurrentAct::Rewind(height) => ledger.rewound_to(&self.serial, *height),
            _ => Ok(ledger),
        };
        let mut ledger = self.ledger.clone();
        if !block_is_first {
            ledger = after_concurrent(ledger)?;
        }
        let result = match ledger.add_serially(&self.serial, block) {
            Ok((result, after)) => {
                ledger = after;
                Ok(result)
            }
            Err(error) => Err(error),
        };
        if block_is_first {
            ledger = after_concurrent(ledger)?;
        }
        Ok(BlockAnswer::Added(Box::new(Added {
            result,
            ledger,
            concurrent: None,
            at_work: None,
            has_fault_happened: false,
        })))
    }

    /// Executes a block under one schedule after the other, until the scheduler has no more or an outcome
    /// is not allowed. Returns that outcome and `true`, or the last outcome and `false`.
    fn under(
        &self,
        scheduler: impl Scheduler + 'static,
        block: &Block,
        concurrent: Option<&ConcurrentAct>,
        expected: &Arc<SerialAnswers<E::LedgerState>>,
        after_each: impl Fn(bool) + Send + Sync + 'static,
    ) -> (BlockAnswer<E::LedgerState>, bool) {
        let last: Shared<Option<(BlockAnswer<E::LedgerState>, bool)>> = Shared::default();
        let explored = {
            let (last, expected) = (Arc::clone(&last), Arc::clone(expected));
            let (explorable, ledger) = (Arc::clone(&self.explorable), self.ledger.clone());
            let (config, block) = (self.parallel.clone(), block.clone());
            let concurrent = concurrent.cloned();
            let fault = self.armed.filter(|_| concurrent.is_none());
            move || {
                let ledger = ledger.clone();
                let added = match fault {
                    Some(fault) => explorable.add_block_under(fault, ledger, &config, &block),
                    None => explorable.add_block(ledger, &config, &block, concurrent.clone()),
                };
                let got = match added {
                    Ok(added) => BlockAnswer::Added(Box::new(added)),
                    Err(error) => BlockAnswer::Failed(error),
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
            Err(message) => (BlockAnswer::Panicked(first_line(&message)), true),
        }
    }

    fn draw(
        &self,
        portfolio: &Portfolio,
        schedules: usize,
        block: &Block,
        concurrent: Option<&ConcurrentAct>,
        expected: &Arc<SerialAnswers<E::LedgerState>>,
    ) -> BlockAnswer<E::LedgerState> {
        let at = with(&self.stats, |stats| stats.blocks);
        // First the default schedule: a violation that it shows takes no preemption, and shuttle's PCT
        // panics where no two threads are ever runnable.
        let default = self.schedule(at, Vec::new());
        let log: Shared<ScheduleLog> = Shared::default();
        let replayed = ReplayScheduler::new(&default.switches, Arc::clone(&log));
        let (mut last, differs) = self.under(replayed, block, concurrent, expected, |_| {});
        let (decisions, is_concurrent) = with(&log, |log| (log.decisions, log.is_concurrent));
        with(&self.stats, |stats| {
            stats.schedules += 1;
            stats.distinct += 1;
            stats.decisions += decisions;
            if differs {
                stats.found = Some((default, DEFAULT_SCHEDULE, 1));
            }
        });
        if differs || !is_concurrent {
            return last;
        }
        let distinct: Shared<std::collections::BTreeSet<u64>> = Shared::default();
        for (name, scheduler) in &portfolio.schedulers {
            let log: Shared<ScheduleLog> = Shared::default();
            let left = Arc::new(std::sync::Mutex::new(schedules));
            let recording = RecordingScheduler {
                scheduler: Arc::clone(scheduler),
                log: Arc::clone(&log),
                left: Arc::clone(&left),
            };
            let note = {
                let (log, stats) = (Arc::clone(&log), Arc::clone(&self.stats));
                let (distinct, left) = (Arc::clone(&distinct), Arc::clone(&left));
                move |differs| {
                    let (fingerprint, decisions, preemptions) = with(&log, |log| {
                        (log.fingerprint, log.decisions, log.preemptions.len() as u64)
                    });
                    let is_new = with(&distinct, |distinct| distinct.insert(fingerprint));
                    with(&stats, |stats| {
                        stats.schedules += 1;
                        stats.distinct += u64::from(is_new);
                        stats.decisions += decisions;
                        stats.preemptions += preemptions;
                        stats.most_preemptions = stats.most_preemptions.max(preemptions);
                    });
                    if differs {
                        with(&left, |left| *left = 0);
                    }
                }
            };
            let before = with(&self.stats, |stats| stats.schedules);
            let (got, differs) = self.under(recording, block, concurrent, expected, note);
            if differs {
                let switches = with(&log, |log| log.switches.clone());
                with(&self.stats, |stats| {
                    let panicked = u64::from(matches!(got, BlockAnswer::Panicked(_)));
                    stats.schedules += panicked;
                    let draw = usize::try_from(stats.schedules - before).unwrap_or(usize::MAX);
                    stats.found = Some((self.schedule(at, switches), name, draw));
                });
                return got;
            }
            last = got;
        }
        last
    }

    fn schedule(&self, block: usize, switches: Vec<Switch>) -> Schedule {
        Schedule {
            workers: self.workers,
            over_graph: self.over_graph,
            block,
            switches,
        }
    }

    fn replay(
        &self,
        schedule: &Schedule,
        block: &Block,
        concurrent: Option<&ConcurrentAct>,
        expected: &Arc<SerialAnswers<E::LedgerState>>,
    ) -> BlockAnswer<E::LedgerState> {
        let log: Shared<ScheduleLog> = Shared::default();
        let replayed = ReplayScheduler::new(&schedule.switches, Arc::clone(&log));
        let (got, _) = self.under(replayed, block, concurrent, expected, |_| {});
        let preemptions = with(&log, |log| std::mem::take(&mut log.preemptions));
        let in_words = |(switch, at)| Preemption::of(switch, at);
        let preemptions = preemptions.into_iter().map(in_words).collect();
        with(&self.stats, |stats| {
            stats.replayed_preemptions = preemptions
        });
        got
    }
}

/// Outcomes that are allowed for a block.
struct SerialAnswers<S> {
    answers: Vec<BlockAnswer<S>>,
    /// World that a concurrent reader must see: the one before the block.
    before: World,
    /// The armed fault, which may end the block with an error.
    fault: Option<Fault>,
    /// The ledger before the block, as such an error leaves it.
    ledger: S,
}

impl<S: PartialEq> SerialAnswers<S> {
    fn has(&self, got: &BlockAnswer<S>) -> bool {
        let BlockAnswer::Added(got) = got else {
            return self.answers.contains(got);
        };
        let within_limit = got
            .at_work
            .is_none_or(|at_work| at_work.most <= at_work.limit);
        let saw_one = got.concurrent.as_ref().is_none_or(|concurrent| {
            let saw = concurrent.saw.as_ref();
            concurrent.answer == Ok(None) && saw.is_none_or(|saw| *saw == self.before)
        });
        if let (Some(fault), Err(error), true) = (self.fault, &got.result, got.has_fault_happened)
            && faults::may_end_with(fault, error)
        {
            return got.ledger == self.ledger;
        }
        within_limit
            && saw_one
            && self.answers.iter().any(|answer| {
                matches!(answer, BlockAnswer::Added(one)
                    if one.result == got.result && one.ledger == got.ledger)
            })
    }
}

/// Returns the first line of the panic message of an execution.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

pub(super) fn config() -> shuttle::Config {
    let mut config = shuttle::Config::new();
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    // A thread may execute a whole block.
    config.stack_size = 1 << 20;
    // Reproducers keep the schedules.
    config.failure_persistence = FailurePersistence::None;
    config.silence_warnings = true;
    config
}

impl<E: Explorable> Subject for ExploredSubject<E> {
    fn name(&self) -> &str {
        &self.name
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let concurrent = match self.armed {
            Some(Fault::ConcurrentRequest(_, wants)) => {
                let height = self.ledger.world(&self.serial)?.height;
                Some(ConcurrentAct::of(wants, height, block))
            }
            _ => None,
        };
        let expected = Arc::new(self.expected(block, concurrent.as_ref())?);
        let at = with(&self.stats, |stats| stats.blocks);
        let got = match &self.source {
            ScheduleSource::Drawn {
                portfolio,
                schedules,
            } => self.draw(portfolio, *schedules, block, concurrent.as_ref(), &expected),
            ScheduleSource::Recorded(schedule) if schedule.block == at => {
                self.replay(schedule, block, concurrent.as_ref(), &expected)
            }
            // Serially, without a concurrent request.
            ScheduleSource::Recorded(_) => self.expected(block, None)?.answers.swap_remove(0),
        };
        with(&self.stats, |stats| stats.blocks += 1);
        match got {
            BlockAnswer::Added(added) => {
                self.ledger = added.ledger;
                self.at_work = added.at_work;
                if (added.concurrent.is_some() || added.has_fault_happened)
                    && let Some(fault) = &self.armed
                {
                    self.aftermath.events = happened(fault);
                    self.aftermath.is_recoverable = faults::is_recoverable(*fault);
                }
                self.aftermath.concurrent = added.concurrent;
                added.result
            }
            BlockAnswer::Failed(error) => Err(error),
            BlockAnswer::Panicked(message) if is_deadlock(&message) => {
                Err(SubjectError::Stuck(message))
            }
            BlockAnswer::Panicked(message) => std::panic::resume_unwind(Box::new(message)),
        }
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.ledger = self.ledger.rewound_to(&self.serial, height)?;
        Ok(())
    }

    /// Reads the ledger: each block is executed by one that was just opened.
    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.ledger.world(&self.serial)?;
        Ok(())
    }

    fn world(&self) -> Result<World, SubjectError> {
        self.ledger.world(&self.serial)
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        self.ledger.stored(&self.serial, height)
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        self.ledger.bytes_kept()
    }

    fn at_work(&self) -> Option<AtWork> {
        self.at_work
    }

    fn faulty(&mut self) -> Option<&mut dyn Faulty> {
        Some(self)
    }
}

impl<E: Explorable> Faulty for ExploredSubject<E> {
    fn arm(&mut self, fault: Fault) -> bool {
        let can = self.armed.is_none() && self.explorable.supports(fault);
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

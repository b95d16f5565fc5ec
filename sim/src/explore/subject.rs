//! Subject whose blocks are executed under drawn schedules, or under a recorded one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use lockstep_core::config::Config;
use lockstep_core::model::{Block, Genesis, Height, PublicKey, Transaction};
use shuttle::scheduler::Scheduler;
use shuttle::{FailurePersistence, MaxSteps, Runner};

use super::answers::{BlockAnswer, SerialAnswers};
use super::explorable::{Added, Explorable, LedgerState, MetBy};
use super::faults::{self, FaultCounts};
use super::portfolio::{DEFAULT_SCHEDULE, Portfolio};
use super::scheduler::{
    Preemption, RecordingScheduler, ReplayScheduler, ScheduleLog, Shared, with,
};
use crate::faulty::{Aftermath, ConcurrentAct, Faulty, Template, happened};
use crate::scenario::Fault;
use crate::subject::{AtWork, Execution, StoredBlock, Subject, SubjectError};
use crate::world::{BlockResult, World};
use lockstep_harness::panic::catch_panic;
use lockstep_harness::schedule::{Schedule, Switch, is_deadlock};

/// Limit of the steps of one execution. A longer one counts as endless.
const MAX_STEPS: usize = 2_000_000;

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
    pub(super) faults: FaultCounts,
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
        Ok(BlockAnswer::Added(Box::new(Added::of(result, ledger))))
    }

    /// Executes a block under one schedule after the other, until the scheduler has no more or an outcome
    /// is not allowed. Returns that outcome and `true`, or the last outcome and `false`.
    fn under(
        &self,
        scheduler: impl Scheduler + 'static,
        block: &Block,
        concurrent: Option<&ConcurrentAct>,
        expected: &Arc<SerialAnswers<E::LedgerState>>,
        after_each: impl Fn(Option<MetBy>, bool) + Send + Sync + 'static,
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
                let met_by = got.met_by();
                with(&last, |last| {
                    if !matches!(last, Some((_, true))) {
                        *last = Some((got, differs));
                    }
                });
                after_each(met_by, differs);
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
        let (mut last, differs) = self.under(replayed, block, concurrent, expected, |_, _| {});
        let (decisions, is_concurrent) = with(&log, |log| (log.decisions, log.is_concurrent));
        with(&self.stats, |stats| {
            stats.schedules += 1;
            stats.distinct += 1;
            stats.decisions += decisions;
            stats.faults.armed += u64::from(self.armed.is_some() && concurrent.is_none());
            if let (Some(fault), Some(met_by)) = (self.armed, last.met_by()) {
                stats.faults.count(fault, met_by);
            }
            if differs {
                stats.found = Some((default, DEFAULT_SCHEDULE, 1));
            }
        });
        if differs || !is_concurrent {
            return last;
        }
        let distinct: Shared<BTreeSet<u64>> = Shared::default();
        for (name, scheduler) in &portfolio.schedulers {
            let log: Shared<ScheduleLog> = Shared::default();
            let left = Arc::new(Mutex::new(schedules));
            let recording = RecordingScheduler {
                scheduler: Arc::clone(scheduler),
                log: Arc::clone(&log),
                left: Arc::clone(&left),
            };
            let note = {
                let (log, stats) = (Arc::clone(&log), Arc::clone(&self.stats));
                let (distinct, left) = (Arc::clone(&distinct), Arc::clone(&left));
                let armed = self.armed;
                move |met_by: Option<MetBy>, differs| {
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
                        if let (Some(fault), Some(met_by)) = (armed, met_by) {
                            stats.faults.count(fault, met_by);
                        }
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
        let (got, _) = self.under(replayed, block, concurrent, expected, |_, _| {});
        let preemptions = with(&log, |log| std::mem::take(&mut log.preemptions));
        let in_words = |(switch, at)| Preemption::of(switch, at);
        let preemptions = preemptions.into_iter().map(in_words).collect();
        with(&self.stats, |stats| {
            stats.replayed_preemptions = preemptions
        });
        got
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
                let added = expected.wrong_part(*added);
                self.ledger = added.ledger;
                self.at_work = added.at_work;
                if (added.concurrent.is_some() || added.met_by.is_some())
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

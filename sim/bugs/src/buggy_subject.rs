//! The single ledgers that trials execute, with a seeded bug or without.

use std::time::Duration;

use lockstep_core::model::Genesis;

use super::{Bug, Correct};
use crate::buggy_executor::concurrent::{self, Concurrent};
use crate::buggy_executor::{BuggyExecutor, ExecutorBug, Needs};
use crate::core_verifier::VerifierBug;
use lockstep_harness::choice::Choices;
use lockstep_sim::buggy_core::AnswerBug;
use lockstep_sim::buggy_core::ChangeBug;
use lockstep_sim::buggy_core::PathBug;
use lockstep_sim::buggy_core::PoolBug;
use lockstep_sim::faulty::{OnDisk, OnDiskBug};
use lockstep_sim::generate::{self, Size};
use lockstep_sim::scenario::Scenario;
use lockstep_sim::subject::{Core, Execution, Subject, SubjectError};

/// A single ledger as the subject of a trial, and its seeded bug.
#[derive(Clone, Copy, Debug)]
pub(super) enum BuggySubject {
    /// The buggy executor on one thread.
    Executor(Option<ExecutorBug>),
    /// Core in memory.
    Core(Execution),
    /// Core in memory with a wrong public answer.
    Answering(AnswerBug),
    /// Core in memory with a wrong mempool.
    Pooling(PoolBug),
    /// Core in memory, whose state changes where no block touches it.
    Changing(ChangeBug),
    /// Core in memory, whose stored bytes depend on its past.
    WithAPast(PathBug),
    /// Core in memory with a wrong verifier.
    Verifier(VerifierBug),
    /// Core on a simulated disk. The only subject for bugs that need a fault.
    OnDisk(Option<OnDiskBug>),
    /// The buggy executor with native threads, and the time after which a block counts as hanging. Only
    /// the engines of threads create it.
    Threads(Option<concurrent::ThreadBug>, Duration),
}

/// Number of workers of the buggy executor with threads.
const WORKERS: usize = 3;

impl BuggySubject {
    /// Returns the single ledger with this bug, or the control; `None` if no single ledger can have it.
    pub(super) fn of(bug: &Bug) -> Option<BuggySubject> {
        match bug.correct() {
            Some(Correct::Executor) => Some(BuggySubject::Executor(None)),
            Some(Correct::CoreSerial) => Some(BuggySubject::Core(Execution::Serial)),
            Some(Correct::CoreParallel) => Some(BuggySubject::Core(Execution::Graph(2))),
            Some(Correct::CoreOnDisk) => Some(BuggySubject::OnDisk(None)),
            Some(Correct::ExecutorWithThreads | Correct::CoreInNodes) => None,
            None => {
                let executor =
                    ExecutorBug::named(bug.id).map(|bug| BuggySubject::Executor(Some(bug)));
                let verifier = VerifierBug::named(bug.id).map(BuggySubject::Verifier);
                executor
                    .or(verifier)
                    .or_else(|| OnDiskBug::named(bug.id).map(|bug| BuggySubject::OnDisk(Some(bug))))
                    .or_else(|| AnswerBug::named(bug.id).map(BuggySubject::Answering))
                    .or_else(|| ChangeBug::named(bug.id).map(BuggySubject::Changing))
                    .or_else(|| PathBug::named(bug.id).map(BuggySubject::WithAPast))
                    .or_else(|| PoolBug::named(bug.id).map(BuggySubject::Pooling))
            }
        }
    }

    /// True if its bugs show without a fault.
    pub(super) fn needs_no_fault(self) -> bool {
        !matches!(self, BuggySubject::OnDisk(_))
    }

    /// Returns the runs in which alone its bug shows, if they are others than those of most bugs.
    pub(super) const fn needs(self) -> Option<Needs> {
        match self {
            BuggySubject::Executor(Some(bug)) => bug.needs(),
            _ => None,
        }
    }

    pub(super) fn subject(
        self,
        genesis: &Genesis,
        hash_seed: u64,
        workers: Option<u32>,
    ) -> Result<Box<dyn Subject>, SubjectError> {
        match self {
            BuggySubject::Executor(bug) => {
                let executor = BuggyExecutor::new(genesis, bug)?;
                Ok(Box::new(executor.on_workers(workers)))
            }
            BuggySubject::Core(execution) => {
                Ok(Box::new(Core::executed(execution, genesis, hash_seed)?))
            }
            BuggySubject::Answering(bug) => bug.subject(genesis, hash_seed),
            BuggySubject::Changing(bug) => bug.subject(genesis, hash_seed),
            BuggySubject::WithAPast(bug) => bug.subject(genesis, hash_seed),
            BuggySubject::Verifier(bug) => bug.subject(genesis, hash_seed),
            BuggySubject::Pooling(bug) => bug.subject(genesis, hash_seed),
            BuggySubject::OnDisk(Some(bug)) => bug.subject(genesis, hash_seed),
            BuggySubject::OnDisk(None) => {
                let ledger = OnDisk::new(Execution::Graph(2), genesis, hash_seed)?;
                Ok(Box::new(ledger))
            }
            BuggySubject::Threads(bug, hang_after) => Ok(Box::new(Concurrent::new(
                genesis, hash_seed, WORKERS, bug, hang_after,
            )?)),
        }
    }

    /// Draws a scenario for it: a small one, because most bugs take two transactions, or one of
    /// the runs in which alone it shows.
    pub(super) fn scenario(self, choices: &mut impl Choices) -> Scenario {
        match self.needs() {
            Some(Needs::Tail(dimension)) => return generate::with_tail(choices, dimension).1,
            Some(Needs::Edges) => return generate::with_edges(choices).1,
            None => {}
        }
        match self {
            BuggySubject::OnDisk(bug) => {
                let mut scenario = generate::scenario_with_faults(choices, Size::SMALL).1;
                if bug.is_none_or(OnDiskBug::is_of_panics) {
                    generate::add_failures(&mut scenario, 2, choices);
                }
                scenario
            }
            BuggySubject::Pooling(_) => generate::scenario_with_mempool(choices, Size::SMALL).1,
            _ => generate::scenario(choices, Size::SMALL).1,
        }
    }
}

//! The subject of a trial that has a bug.

use std::time::Duration;

use lockstep_core::model::Genesis;

use super::{Bug, Correct};
use crate::buggy_executor::concurrent::{self, Concurrent};
use crate::buggy_executor::{BuggyExecutor, ExecutorBug};
use lockstep_harness::choice::Choices;
use lockstep_sim::faulty::{OnDisk, OnDiskBug};
use lockstep_sim::generate::{self, Size};
use lockstep_sim::scenario::Scenario;
use lockstep_sim::subject::{Core, Execution, Subject, SubjectError};

/// Somebody who can be put on trial.
#[derive(Clone, Copy, Debug)]
pub(super) enum BuggySubject {
    /// The buggy executor, with a bug or without.
    Executor(Option<ExecutorBug>),
    /// Core in memory.
    Core(Execution),
    /// Core on a simulated disk, with something wrong around it or nothing. Only this one can show
    /// what takes a fault.
    OnDisk(Option<OnDiskBug>),
    /// The buggy executor with threads, and how long it is waited for. Its engines ask for it by
    /// name.
    Threads(Option<concurrent::ThreadBug>, Duration),
}

/// Of the buggy executor with threads.
const WORKERS: usize = 3;

impl BuggySubject {
    /// The single ledger with this bug; `None` where none can have it.
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
                executor
                    .or_else(|| OnDiskBug::named(bug.id).map(|bug| BuggySubject::OnDisk(Some(bug))))
            }
        }
    }

    /// Whether it takes no fault to show what is wrong.
    pub(super) fn needs_no_fault(self) -> bool {
        !matches!(self, BuggySubject::OnDisk(_))
    }

    pub(super) fn subject(
        self,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Box<dyn Subject>, SubjectError> {
        match self {
            BuggySubject::Executor(bug) => Ok(Box::new(BuggyExecutor::new(genesis, bug)?)),
            BuggySubject::Core(execution) => {
                Ok(Box::new(Core::executed(execution, genesis, hash_seed)?))
            }
            BuggySubject::OnDisk(Some(bug)) => bug.subject(genesis, hash_seed),
            BuggySubject::OnDisk(None) => {
                let ledger = OnDisk::new(Execution::Graph(2), genesis, hash_seed)?;
                Ok(Box::new(ledger))
            }
            BuggySubject::Threads(bug, patience) => Ok(Box::new(Concurrent::new(
                genesis, hash_seed, WORKERS, bug, patience,
            )?)),
        }
    }

    /// What happens to it: something small, for most of what can go wrong takes two transactions.
    pub(super) fn scenario(self, choices: &mut impl Choices) -> Scenario {
        if self.needs_no_fault() {
            generate::scenario(choices, Size::SMALL).1
        } else {
            generate::scenario_with_faults(choices, Size::SMALL).1
        }
    }
}

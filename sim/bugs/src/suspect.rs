//! The subject of a trial that has a bug.

use std::time::Duration;

use lockstep_core::model::Genesis;

use super::{Bug, Right};
use crate::specimen::concurrent::{self, Concurrent};
use crate::specimen::{Defect, Specimen};
use lockstep_harness::choice::Choices;
use lockstep_sim::faulty::{OnDisk, OnDiskBug};
use lockstep_sim::generate::{self, Size};
use lockstep_sim::scenario::Scenario;
use lockstep_sim::subject::{Core, Execution, Subject, SubjectError};

/// Somebody who can be put on trial.
#[derive(Clone, Copy)]
pub(super) enum Suspect {
    /// The specimen, with a defect or without.
    Specimen(Option<Defect>),
    /// Core in memory.
    Core(Execution),
    /// Core on a simulated disk, with something wrong around it or nothing. Only this one can show
    /// what takes a fault.
    OnDisk(Option<OnDiskBug>),
    /// The specimen with real workers, and how long it is waited for. Its engines ask for it by
    /// name.
    Threads(Option<concurrent::Defect>, Duration),
}

/// Of the specimen with real workers.
const WORKERS: usize = 3;

impl Suspect {
    /// The single ledger with this bug; `None` where none can have it.
    pub(super) fn of(bug: &Bug) -> Option<Suspect> {
        match bug.right() {
            Some(Right::Executor) => Some(Suspect::Specimen(None)),
            Some(Right::CoreSerial) => Some(Suspect::Core(Execution::Serial)),
            Some(Right::CoreParallel) => Some(Suspect::Core(Execution::Graph(2))),
            Some(Right::CoreOnDisk) => Some(Suspect::OnDisk(None)),
            Some(Right::ExecutorWithThreads | Right::CoreInNodes) => None,
            None => {
                let executor = Defect::named(bug.id).map(|bug| Suspect::Specimen(Some(bug)));
                executor.or_else(|| OnDiskBug::named(bug.id).map(|bug| Suspect::OnDisk(Some(bug))))
            }
        }
    }

    /// Whether it takes no fault to show what is wrong.
    pub(super) fn needs_no_fault(self) -> bool {
        !matches!(self, Suspect::OnDisk(_))
    }

    pub(super) fn subject(
        self,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Box<dyn Subject>, SubjectError> {
        match self {
            Suspect::Specimen(defect) => Ok(Box::new(Specimen::new(genesis, defect)?)),
            Suspect::Core(execution) => {
                Ok(Box::new(Core::executed(execution, genesis, hash_seed)?))
            }
            Suspect::OnDisk(Some(bug)) => bug.subject(genesis, hash_seed),
            Suspect::OnDisk(None) => {
                let ledger = OnDisk::new(Execution::Graph(2), genesis, hash_seed)?;
                Ok(Box::new(ledger))
            }
            Suspect::Threads(defect, patience) => Ok(Box::new(Concurrent::new(
                genesis, hash_seed, WORKERS, defect, patience,
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

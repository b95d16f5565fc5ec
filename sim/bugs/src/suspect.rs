//! Who has a bug, as a subject of a trial.

use std::time::Duration;

use lockstep_core::model::Genesis;
use lockstep_core::storage::Storage;

use super::Bug;
use crate::specimen::concurrent::{self, Concurrent};
use crate::specimen::{Defect, Specimen};
use lockstep_harness::choice::Choices;
use lockstep_sim::disk::Disk;
use lockstep_sim::faulty::{
    CommitForEachWrite, InTwoCommits, OnDisk, Plain, SavesFirst, UnreadIsAbsent,
};
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
    OnDisk(Made),
    /// The specimen with real workers, and how long it is waited for. Its engines ask for it by
    /// name.
    Threads(Option<concurrent::Defect>, Duration),
}

/// Of the specimen with real workers.
const WORKERS: usize = 3;

type Made = fn(&Genesis, u64) -> Result<Box<dyn Subject>, SubjectError>;

impl Suspect {
    /// Who has this bug; `None` where no single ledger does.
    pub(super) fn of(bug: &Bug) -> Option<Suspect> {
        match bug.id {
            "none-specimen" => Some(Suspect::Specimen(None)),
            "none-core-serial" => Some(Suspect::Core(Execution::Serial)),
            "none-core-parallel" => Some(Suspect::Core(Execution::Graph(2))),
            "none-core-on-disk" => Some(Suspect::OnDisk(|genesis, hash_seed| {
                let ledger = OnDisk::new(Execution::Graph(2), genesis, hash_seed)?;
                Ok(Box::new(ledger))
            })),
            "merge-beside-block" => Some(Suspect::OnDisk(|genesis, hash_seed| {
                over(InTwoCommits, genesis, hash_seed)
            })),
            "merge-not-atomic" => Some(Suspect::OnDisk(|genesis, hash_seed| {
                over(CommitForEachWrite, genesis, hash_seed)
            })),
            "io-error-is-rejection" => Some(Suspect::OnDisk(|genesis, hash_seed| {
                over(UnreadIsAbsent, genesis, hash_seed)
            })),
            "not-cancel-safe" => Some(Suspect::OnDisk(|genesis, hash_seed| {
                let ledger = SavesFirst::new(Execution::Serial, genesis, hash_seed)?;
                Ok(Box::new(ledger))
            })),
            id => Defect::named(id).map(|defect| Suspect::Specimen(Some(defect))),
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
            Suspect::OnDisk(made) => made(genesis, hash_seed),
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

/// Core on a simulated disk, with a storage in between that is not right.
fn over<S: Storage + 'static>(
    wrap: fn(Plain) -> S,
    genesis: &Genesis,
    hash_seed: u64,
) -> Result<Box<dyn Subject>, SubjectError> {
    let (disk, execution) = (Disk::default(), Execution::Serial);
    let ledger = OnDisk::wrapped(disk, execution, genesis, hash_seed, wrap)?;
    Ok(Box::new(ledger))
}

//! Faults that are injected into core while a block is executed under a schedule.

use std::sync::{Arc, Mutex, PoisonError};

use lockstep_core::storage::{Batch, Entry, MemoryStorage, Storage, StorageError, Table};
use lockstep_harness::choice::Choices;
use lockstep_sync::shuttle::{self as sync, ThreadId, inject_panic};

use super::explorable::MetBy;
use crate::scenario::{Fault, InjectionPoint, Scenario, Step};
use crate::subject::SubjectError;

/// True if core is explored with this fault.
pub(super) const fn is_explored(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::ReadFails { .. }
            | Fault::PanicAtRead { .. }
            | Fault::Cancel(InjectionPoint::Step(_))
    )
}

/// True if a block may end with this error under this fault, the ledger as it was. A panic on a parallel
/// path must be recovered from.
pub(super) const fn may_end_with(fault: Fault, error: &SubjectError) -> bool {
    matches!(
        (fault, error),
        (Fault::ReadFails { .. }, SubjectError::Failed(_))
            | (
                Fault::Cancel(_) | Fault::Panic { persists: true, .. },
                SubjectError::GivenUp(_)
            )
    )
}

/// True if another path, or another try, must add the block.
pub(super) const fn is_recoverable(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::PanicAtRead { .. }
            | Fault::Panic {
                persists: false,
                ..
            }
    )
}

/// Counts of the faults of an exploration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Number of blocks before which a fault was armed that the executor supports.
    pub armed: u64,
    /// Number of schedules under which a read failed.
    pub failing_reads: u64,
    /// Number of those in which a worker beside the caller met it.
    pub failing_reads_of_workers: u64,
    /// Number of schedules with an injected panic.
    pub panics: u64,
    /// Number of those in which a worker beside the caller met it.
    pub panics_of_workers: u64,
    /// Number of schedules under which the caller lost interest.
    pub cancellations: u64,
}

impl FaultCounts {
    /// Number of schedules under which a fault was met.
    #[must_use]
    pub const fn met(&self) -> u64 {
        self.failing_reads + self.panics + self.cancellations
    }

    /// Adds the counts of two explorations.
    #[must_use]
    pub const fn and(self, other: FaultCounts) -> FaultCounts {
        FaultCounts {
            armed: self.armed + other.armed,
            failing_reads: self.failing_reads + other.failing_reads,
            failing_reads_of_workers: self.failing_reads_of_workers
                + other.failing_reads_of_workers,
            panics: self.panics + other.panics,
            panics_of_workers: self.panics_of_workers + other.panics_of_workers,
            cancellations: self.cancellations + other.cancellations,
        }
    }

    /// Counts a schedule under which this thread met the fault.
    pub(super) fn count(&mut self, fault: Fault, met_by: MetBy) {
        let of_worker = u64::from(met_by == MetBy::Worker);
        match fault {
            Fault::ReadFails { .. } => {
                self.failing_reads += 1;
                self.failing_reads_of_workers += of_worker;
            }
            Fault::Panic { .. } | Fault::PanicAtRead { .. } => {
                self.panics += 1;
                self.panics_of_workers += of_worker;
            }
            Fault::Cancel(_) => self.cancellations += 1,
            _ => {}
        }
    }
}

/// Puts a fault before a third of the blocks.
pub(super) fn add_faults(scenario: &mut Scenario, choices: &mut impl Choices) {
    for step in std::mem::take(&mut scenario.steps) {
        if matches!(step, Step::Block(_)) && choices.chance(1, 3) {
            let fault = match choices.below(4) {
                0 => Fault::ReadFails {
                    at: choices.below(12),
                },
                1 => Fault::PanicAtRead {
                    at: choices.below(8),
                },
                2 => Fault::Cancel(InjectionPoint::Step(choices.below(3))),
                _ => Fault::Panic {
                    transaction: choices.below(30),
                    persists: choices.chance(1, 2),
                },
            };
            scenario.steps.push(Step::Fault(fault));
        }
        scenario.steps.push(step);
    }
}

/// A storage in memory with a fault in one of its reads.
pub(super) struct FaultyStorage {
    inner: MemoryStorage,
    /// Number of reads of any table and of cells, and the thread that met the fault.
    reads: Arc<Mutex<Reads>>,
}

/// Counts of the reads of an execution.
#[derive(Default)]
pub(super) struct Reads {
    fault: Option<Fault>,
    all: u64,
    of_cells: u64,
    /// The thread that adds the block.
    caller: Option<ThreadId>,
    met_by: Option<MetBy>,
}

impl Reads {
    /// Counts from here on, to this fault, while this thread adds a block.
    pub(super) fn arm(&mut self, fault: Fault, caller: ThreadId) {
        *self = Reads {
            fault: Some(fault),
            caller: Some(caller),
            ..Reads::default()
        };
    }

    /// Notes that this thread meets the fault.
    pub(super) fn note(&mut self) {
        let is_caller = self.caller == Some(sync::current_thread());
        self.met_by = Some(match is_caller {
            true => MetBy::Caller,
            false => MetBy::Worker,
        });
    }

    /// Ends the counting, and returns the thread that has met the fault.
    pub(super) fn disarm(&mut self) -> Option<MetBy> {
        std::mem::take(self).met_by
    }
}

impl FaultyStorage {
    pub(super) fn new(inner: MemoryStorage, reads: Arc<Mutex<Reads>>) -> Self {
        FaultyStorage { inner, reads }
    }

    pub(super) const fn inner(&self) -> &MemoryStorage {
        &self.inner
    }

    pub(super) fn into_inner(self) -> MemoryStorage {
        self.inner
    }

    fn read(&self, table: Table) -> Result<(), StorageError> {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, of_cells) = (reads.all, reads.of_cells);
        reads.all += 1;
        reads.of_cells += u64::from(table == Table::Cells);
        let reason = match reads.fault {
            Some(Fault::ReadFails { at }) if at == number => {
                format!("injected failure of read {at}")
            }
            Some(Fault::PanicAtRead { at }) if at == of_cells && table == Table::Cells => {
                let message = format!("injected panic at read {at} of cells");
                inject_panic(message.clone());
                message
            }
            _ => return Ok(()),
        };
        reads.note();
        Err(StorageError::Io {
            place: "the explored storage".to_owned(),
            reason,
        })
    }
}

impl Storage for FaultyStorage {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.read(table)?;
        self.inner.get(table, key)
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.read(table)?;
        self.inner.get_many(table, keys)
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.read(table)?;
        self.inner.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.inner.commit(batch)
    }
}

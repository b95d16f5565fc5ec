//! Faults that are injected into core while a block is executed under a schedule.

use std::sync::{Arc, Mutex, PoisonError};

use lockstep_core::storage::{Batch, Entry, MemoryStorage, Storage, StorageError, Table};
use lockstep_harness::choice::Choices;
use lockstep_sync::shuttle::inject_panic;

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
    /// Number of reads of any table and of cells, and whether the fault happened.
    reads: Arc<Mutex<Reads>>,
}

/// Counts of the reads of an execution.
#[derive(Default)]
pub(super) struct Reads {
    fault: Option<Fault>,
    all: u64,
    of_cells: u64,
    pub(super) has_happened: bool,
}

impl Reads {
    /// Counts from here on, to this fault.
    pub(super) fn arm(&mut self, fault: Fault) {
        *self = Reads {
            fault: Some(fault),
            ..Reads::default()
        };
    }
}

impl FaultyStorage {
    pub(super) fn new(inner: MemoryStorage, reads: Arc<Mutex<Reads>>) -> Self {
        FaultyStorage { inner, reads }
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
        reads.has_happened = true;
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

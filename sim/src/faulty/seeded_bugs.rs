//! Seeded bugs around core: a buggy storage, disk or ledger, most of them visible only with a
//! fault. Core itself has no switch for one.

use lockstep_core::model::{Block, Genesis, Height, PublicKey, Refusal, Transaction};
use lockstep_core::storage::{Batch, Entry, Storage, StorageError, Table};

use super::on_disk_bug::OnDiskBug;
use super::unreliable_storage::UnreliableStorage;
use super::{Aftermath, Faulty, OnDisk, PlainStorage, Template};
use crate::disk::Disk;
use crate::entries::StoredEntry;
use crate::scenario::{Fault, InjectionPoint};
use crate::subject::{Execution, StoredBlock, Subject, SubjectError};
use crate::world::{BlockResult, World};

impl OnDiskBug {
    /// Creates a ledger with this bug, on a disk of its own and executed serially; over the graph if the bug
    /// is one of its workers.
    ///
    /// # Errors
    ///
    /// As [`OnDisk::new`].
    pub fn subject(
        self,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Box<dyn Subject>, SubjectError> {
        if self == OnDiskBug::NotCancelSafe {
            return Ok(Box::new(SavesFirst::new(genesis, hash_seed)?));
        }
        if self.is_of_panics() {
            let (disk, graph) = (self.disk(), Execution::Graph(2));
            let wrap = move |inner| UnreliableStorage::new(inner, self);
            return Ok(Box::new(OnDisk::wrapped(
                disk, graph, genesis, hash_seed, wrap,
            )?));
        }
        let (disk, serial) = (self.disk(), Execution::Serial);
        let ledger = OnDisk::wrapped(disk, serial, genesis, hash_seed, self.storage())?;
        Ok(Box::new(ledger))
    }

    /// Creates an empty disk, with the bug if it is one of disks.
    pub(crate) fn disk(self) -> Disk {
        let disk = Disk::default();
        if self == OnDiskBug::LyingDisk {
            disk.lie_about_syncs();
        }
        disk
    }

    /// Wraps a storage of core in the bug, if it is one of storages.
    pub(crate) fn storage(self) -> impl Fn(PlainStorage) -> BuggyStorage + Copy {
        move |inner| BuggyStorage { inner, bug: self }
    }
}

/// A storage with a bug.
pub(crate) struct BuggyStorage {
    inner: PlainStorage,
    bug: OnDiskBug,
}

impl BuggyStorage {
    /// Returns the error of a failed read, or `nothing` if the bug swallows it.
    fn unless_swallowed<T>(
        &self,
        table: Table,
        nothing: T,
        error: StorageError,
    ) -> Result<T, StorageError> {
        match self.bug {
            OnDiskBug::IoErrorIsRejection if table == Table::Cells => Ok(nothing),
            _ => Err(error),
        }
    }
}

impl Storage for BuggyStorage {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        let read = self.inner.get(table, key);
        read.or_else(|error| self.unless_swallowed(table, None, error))
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        let read = self.inner.get_many(table, keys);
        read.or_else(|error| self.unless_swallowed(table, vec![None; keys.len()], error))
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.inner.scan(table, start, limit)
    }

    // Invisible unless a crash or a failure comes between two commits.
    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        match self.bug {
            OnDiskBug::MergeBesideBlock => {
                self.inner
                    .commit(&part(batch, |table| table == Table::Cells))?;
                self.inner
                    .commit(&part(batch, |table| table != Table::Cells))
            }
            // In the order of tables and keys.
            OnDiskBug::MergeNotAtomic => {
                for (table, changes) in batch.tables() {
                    for (key, value) in changes {
                        let mut single = Batch::new();
                        match value {
                            Some(value) => single.put(table, key.clone(), value.clone()),
                            None => single.delete(table, key.clone()),
                        }
                        self.inner.commit(&single)?;
                    }
                }
                Ok(())
            }
            _ => self.inner.commit(batch),
        }
    }
}

fn part(batch: &Batch, is_in: impl Fn(Table) -> bool) -> Batch {
    let mut part = Batch::new();
    for (table, changes) in batch.tables().filter(|(table, _)| is_in(*table)) {
        for (key, value) in changes {
            match value {
                Some(value) => part.put(table, key.clone(), value.clone()),
                None => part.delete(table, key.clone()),
            }
        }
    }
    part
}

/// A ledger that saves a block before it executes it, without a lock in between: a call cancelled
/// there leaves a saved block at the tip that was never executed.
struct SavesFirst {
    inner: OnDisk,
    /// True if the caller cancels after the block was saved.
    is_cancelled_late: bool,
    saved: Option<Block>,
}

impl SavesFirst {
    fn new(genesis: &Genesis, hash_seed: u64) -> Result<Self, SubjectError> {
        Ok(SavesFirst {
            inner: OnDisk::new(Execution::Serial, genesis, hash_seed)?,
            is_cancelled_late: false,
            saved: None,
        })
    }
}

impl Subject for SavesFirst {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        if let Some(saved) = &self.saved {
            return Err(SubjectError::Refused(Refusal::Height {
                expected: Height(saved.header.height.0 + 1),
                got: block.header.height,
            }));
        }
        let added = self.inner.add_block(block);
        if self.is_cancelled_late && matches!(added, Err(SubjectError::GivenUp(_))) {
            self.saved = Some(block.clone());
        }
        added
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.saved = None;
        self.inner.rewind_to(height)
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.inner.reopen()
    }

    fn world(&self) -> Result<World, SubjectError> {
        let mut world = self.inner.world()?;
        if let Some(Block { header, .. }) = &self.saved {
            world.height = header.height;
            world.hash = lockstep_core::codec::block_hash(header);
            world.time = header.time;
        }
        Ok(world)
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        match &self.saved {
            Some(saved) if saved.header.height == height => Ok(Some((saved.clone(), Vec::new()))),
            _ => self.inner.stored(height),
        }
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        self.inner.bytes_kept()
    }

    fn entries(&self) -> Result<Option<Vec<StoredEntry>>, SubjectError> {
        self.inner.entries()
    }

    fn take_recovered_panic(&mut self) -> Option<String> {
        self.inner.take_recovered_panic()
    }

    fn faulty(&mut self) -> Option<&mut dyn Faulty> {
        Some(self)
    }
}

impl Faulty for SavesFirst {
    fn arm(&mut self, fault: Fault) -> bool {
        let is_armed = self.inner.arm(fault);
        // Before the first step no block is saved yet.
        if is_armed {
            self.is_cancelled_late =
                matches!(fault, Fault::Cancel(point) if point != InjectionPoint::Step(0));
        }
        is_armed
    }

    fn recover(&mut self) -> Result<Aftermath, SubjectError> {
        self.is_cancelled_late = false;
        self.inner.recover()
    }

    fn template(
        &mut self,
        transactions: &[Transaction],
        miner: PublicKey,
        jump_ms: i64,
    ) -> Result<Template, SubjectError> {
        self.inner.template(transactions, miner, jump_ms)
    }
}

//! Seeded bugs around core: a buggy storage, disk or ledger, most of them visible only with a
//! fault. Core itself has no switch for one.

use lockstep_core::model::{Block, Genesis, Height, PublicKey, Refusal, Transaction};
use lockstep_core::storage::{Batch, Entry, Storage, StorageError, Table};

use super::unreliable_storage::UnreliableStorage;
use super::{Aftermath, Faulty, OnDisk, PlainStorage, Template};
use crate::disk::Disk;
use crate::entries::StoredEntry;
use crate::invariants::{
    CANCELLED_LEAVES_NO_TRACE, COMMIT_PANIC_LEAVES_BEFORE_OR_AFTER, CRASH_LEAVES_BEFORE_OR_AFTER,
    FAILURE_IS_NO_REJECTION, FAILURE_LEAVES_BEFORE_OR_AFTER, NO_FAILURE_WITHOUT_FAULT,
    NO_SWALLOWED_PANIC, ONE_PANIC_STILL_GIVES_THE_BLOCK,
};
use crate::scenario::{Fault, InjectionPoint};
use crate::subject::{Execution, StoredBlock, Subject, SubjectError};
use crate::world::{BlockResult, World};

lockstep_harness::seeded_bugs! {
    /// A seeded bug around core.
    pub enum OnDiskBug in "core on disk":
        "core on a simulated disk, with a disk, a storage or a ledger around it that is wrong"
    {
        MergeBesideBlock = "merge-beside-block" in Storage:
            "the cells are one commit and the rest of the block another",
            named by [CRASH_LEAVES_BEFORE_OR_AFTER, FAILURE_LEAVES_BEFORE_OR_AFTER];
        MergeNotAtomic = "merge-not-atomic" in Storage:
            "the merge is many writes, and a crash leaves some of them",
            named by [CRASH_LEAVES_BEFORE_OR_AFTER, FAILURE_LEAVES_BEFORE_OR_AFTER];
        IoErrorIsRejection = "io-error-is-rejection" in Storage:
            "a storage that cannot be read changes a result",
            named by [FAILURE_IS_NO_REJECTION, FAILURE_LEAVES_BEFORE_OR_AFTER];
        NotCancelSafe = "not-cancel-safe" in Storage:
            "a block that was given up is kept and was never executed",
            named by [CANCELLED_LEAVES_NO_TRACE];
        SwallowedPanic = "swallowed-panic" in Scheduling:
            "a worker that loads cells panics on one that does not exist, and the serial path rescues every such block",
            named by [NO_SWALLOWED_PANIC];
        FallbackFailsToo = "fallback-fails-too" in Scheduling:
            "the failure of the parallel path cancels the serial execution that is to rescue it",
            named by [ONE_PANIC_STILL_GIVES_THE_BLOCK];
        /// The commit of a block with more than 12 changes does not fit a buffer.
        ErrorWithoutFault = "error-without-fault" in Storage:
            "a limit of the program is reported as a failure of the medium",
            named by [NO_FAILURE_WITHOUT_FAULT, ONE_PANIC_STILL_GIVES_THE_BLOCK];
        PoisonedByPanic = "poisoned-by-panic" in Storage:
            "a panic inside a commit poisons a lock, and every later commit fails",
            named by [NO_FAILURE_WITHOUT_FAULT];
        /// Reads are answered from them until the next commit.
        HalfACommit = "half-a-commit" in Storage:
            "the cells of a commit that panicked stay in a cache",
            named by [COMMIT_PANIC_LEAVES_BEFORE_OR_AFTER];
        LyingDisk = "lying-disk" in Invented:
            "the disk says that all is durable and makes nothing so",
            named by [CRASH_LEAVES_BEFORE_OR_AFTER];
    }
}

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

    /// True if it shows when the storage panics, or when it fails by itself.
    #[must_use]
    pub const fn is_of_panics(self) -> bool {
        matches!(
            self,
            OnDiskBug::SwallowedPanic
                | OnDiskBug::FallbackFailsToo
                | OnDiskBug::ErrorWithoutFault
                | OnDiskBug::PoisonedByPanic
                | OnDiskBug::HalfACommit
        )
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

//! Defects around core that only a fault brings to light.

use lockstep_core::model::{Block, Genesis, Height, PublicKey, Refusal, Transaction};
use lockstep_core::storage::{Batch, Entry, Storage, StorageError, Table};

use super::{Aftermath, Faulty, OnDisk, Template};
use crate::scenario::{Fault, Moment};
use crate::subject::{Execution, StoredBlock, Subject, SubjectError};
use crate::world::{BlockResult, World};

/// A storage that makes one commit of the cells and another of the rest.
///
/// Nobody notices as long as nothing comes in between.
pub struct InTwoCommits<S>(pub S);

impl<S: Storage> Storage for InTwoCommits<S> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.get(table, key)
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.0.get_many(table, keys)
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.0.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.0.commit(&part(batch, |table| table == Table::Cells))?;
        self.0.commit(&part(batch, |table| table != Table::Cells))
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

/// A storage that makes a commit of every write, in the order of tables and keys.
///
/// Nobody notices as long as nothing comes in between.
pub struct CommitForEachWrite<S>(pub S);

impl<S: Storage> Storage for CommitForEachWrite<S> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.get(table, key)
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.0.get_many(table, keys)
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.0.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        for (table, changes) in batch.tables() {
            for (key, value) in changes {
                let mut single = Batch::new();
                match value {
                    Some(value) => single.put(table, key.clone(), value.clone()),
                    None => single.delete(table, key.clone()),
                }
                self.0.commit(&single)?;
            }
        }
        Ok(())
    }
}

/// A storage in which a cell that cannot be read counts as one that is not there.
pub struct UnreadIsAbsent<S>(pub S);

impl<S: Storage> Storage for UnreadIsAbsent<S> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        match self.0.get(table, key) {
            Err(_) if table == Table::Cells => Ok(None),
            answer => answer,
        }
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        match self.0.get_many(table, keys) {
            Err(_) if table == Table::Cells => Ok(vec![None; keys.len()]),
            answer => answer,
        }
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.0.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.0.commit(batch)
    }
}

/// A ledger that saves a block before it executes it, with no lock in between: whoever loses
/// interest there leaves a saved block, at the tip, that was never executed.
pub struct SavesFirst {
    inner: OnDisk,
    /// Whether interest is lost after the block was saved.
    is_cancelled_late: bool,
    saved: Option<Block>,
}

impl SavesFirst {
    /// A new ledger.
    ///
    /// # Errors
    ///
    /// Where the genesis is impossible.
    pub fn new(
        execution: Execution,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Self, SubjectError> {
        Ok(SavesFirst {
            inner: OnDisk::new(execution, genesis, hash_seed)?,
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

    fn faulty(&mut self) -> Option<&mut dyn Faulty> {
        Some(self)
    }
}

impl Faulty for SavesFirst {
    fn arm(&mut self, fault: Fault) -> bool {
        let is_armed = self.inner.arm(fault);
        // Before the first step nothing was saved yet.
        if is_armed {
            self.is_cancelled_late =
                matches!(fault, Fault::Cancel(moment) if moment != Moment::Step(0));
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

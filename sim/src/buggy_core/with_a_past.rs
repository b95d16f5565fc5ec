//! Core whose stored bytes remember more than the blocks of its chain: the seeded bugs of bytes that
//! depend on the path.

use std::sync::PoisonError;

use lockstep_core::model::{Block, Genesis, Height};
use lockstep_core::storage::{Batch, Entry, MemoryStorage, Storage, StorageError, Table};

use super::methods_of_inner;
use crate::invariants::BYTES_DEPEND_ON_BLOCKS_ALONE;
use crate::reads::{Answer, Question};
use crate::subject::{Core, Execution, Subject, SubjectError};
use crate::world::{BlockResult, World};

lockstep_harness::seeded_bugs! {
    /// A seeded bug of stored bytes.
    pub enum PathBug in "core with a past":
        "core in memory, whose stored bytes depend on more than the blocks of its chain"
    {
        UndoneHistoryKept = "undone-history-kept" in Invented:
            "a rewind leaves the older versions in the history, where no version links to them",
            named by [BYTES_DEPEND_ON_BLOCKS_ALONE];
        RewindLeavesMark = "rewind-leaves-mark" in Invented:
            "a rewind leaves the height that it came from beside the tip",
            named by [BYTES_DEPEND_ON_BLOCKS_ALONE];
        MarkUntilNextBlock = "mark-until-next-block" in Invented:
            "a rewind leaves the height that it came from beside the tip until the next block arrives",
            named by [BYTES_DEPEND_ON_BLOCKS_ALONE];
        RefusedBlockCounted = "refused-block-counted" in Invented:
            "the number of refused blocks is stored",
            named by [BYTES_DEPEND_ON_BLOCKS_ALONE];
        RestartCounted = "restart-counted" in Invented:
            "the number of restarts is stored",
            named by [BYTES_DEPEND_ON_BLOCKS_ALONE];
    }
}

impl PathBug {
    const fn marks_rewinds(self) -> bool {
        matches!(
            self,
            PathBug::RewindLeavesMark | PathBug::MarkUntilNextBlock
        )
    }

    /// Creates a ledger with this bug, executed serially.
    ///
    /// # Errors
    ///
    /// As [`Core::in_memory`].
    pub fn subject(
        self,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Box<dyn Subject>, SubjectError> {
        let storage = Remembering {
            inner: MemoryStorage::new(),
            bug: self,
        };
        let config = Execution::Serial.config(genesis, hash_seed)?;
        let name = "core with a past".to_owned();
        let inner = Core::on(name, storage, genesis, config, Ok)?;
        Ok(Box::new(WithAPast { inner, bug: self }))
    }
}

/// Key of the mark of a rewind.
const MARK: &[u8] = b"rewound";

/// A storage that keeps what a rewind deletes, or more than it is given.
struct Remembering {
    inner: MemoryStorage,
    bug: PathBug,
}

impl Storage for Remembering {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.inner.get(table, key)
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.inner.get_many(table, keys)
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.inner.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        let mut is_rewind = false;
        let mut changed = Batch::new();
        for (table, changes) in batch.tables() {
            for (key, value) in changes {
                is_rewind |= table == Table::Blocks && value.is_none();
                match value {
                    Some(value) => changed.put(table, key.clone(), value.clone()),
                    None if table == Table::History && self.bug == PathBug::UndoneHistoryKept => {}
                    None => changed.delete(table, key.clone()),
                }
            }
        }
        if is_rewind && self.bug.marks_rewinds() {
            changed.put(Table::Meta, MARK.to_vec(), Vec::new());
        }
        self.inner.commit(&changed)
    }
}

/// Core on such a storage.
struct WithAPast {
    inner: Core<Remembering>,
    bug: PathBug,
}

impl WithAPast {
    /// Deletes the mark of a rewind.
    fn heal(&self) -> Result<(), SubjectError> {
        let storage = self.inner.chain()?.storage();
        let mut storage = storage.write().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Batch::new();
        batch.delete(Table::Meta, MARK.to_vec());
        Ok(storage.commit(&batch)?)
    }

    /// Adds one to a number that is stored under this key.
    fn count(&self, key: &[u8]) -> Result<(), SubjectError> {
        let storage = self.inner.chain()?.storage();
        let mut storage = storage.write().unwrap_or_else(PoisonError::into_inner);
        let mut counted = storage.get(Table::Meta, key)?.unwrap_or_default();
        counted.push(1);
        let mut batch = Batch::new();
        batch.put(Table::Meta, key.to_vec(), counted);
        Ok(storage.commit(&batch)?)
    }
}

impl Subject for WithAPast {
    methods_of_inner!();

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        if self.bug == PathBug::MarkUntilNextBlock {
            self.heal()?;
        }
        let added = self.inner.add_block(block);
        if self.bug == PathBug::RefusedBlockCounted
            && matches!(added, Err(SubjectError::Refused(_)))
        {
            self.count(b"refused")?;
        }
        added
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.inner.rewind_to(height)
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.inner.reopen()?;
        match self.bug {
            PathBug::RestartCounted => self.count(b"restarts"),
            _ => Ok(()),
        }
    }

    fn world(&self) -> Result<World, SubjectError> {
        self.inner.world()
    }

    fn stores_as_core(&self) -> bool {
        true
    }

    fn answer(&self, question: &Question) -> Result<Option<Answer>, SubjectError> {
        self.inner.answer(question)
    }
}

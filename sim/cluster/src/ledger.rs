//! A node's ledger: core with its operator's settings, on a storage that can be told to fail.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockstep_core::model::Genesis;
use lockstep_core::storage::{
    Batch, Entry, MemoryStorage, RedbStorage, Storage, StorageError, Table,
};

use super::scenario::{NodeRecipe, StorageKind};
use super::seeded_bugs::{BuggyLedger, NodeBug};
use lockstep_sim::disk::{Disk, DiskFault, Loss};
use lockstep_sim::subject::{Core, Subject, SubjectError};

/// A ledger, and handles to its storage and disk.
pub(super) struct Ledger {
    pub(super) subject: Box<dyn Subject>,
    switch: Arc<Switch>,
    /// The simulated disk, if it is on one.
    disk: Option<Slot>,
}

impl Ledger {
    /// Creates a ledger at its genesis. `file` is the path of its database if it is kept in a file, and
    /// must not exist.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Failed`] if the storage cannot be opened; otherwise the error of core for an
    /// impossible genesis.
    pub(super) fn begin(
        recipe: &NodeRecipe,
        genesis: &Genesis,
        file: &Path,
    ) -> Result<Ledger, SubjectError> {
        let switch = Arc::new(Switch::default());
        let medium = match recipe.storage {
            StorageKind::Memory => Medium::Memory,
            StorageKind::File => Medium::File(file.to_path_buf()),
            StorageKind::Disk => Medium::Disk(Slot::new(recipe.seeded_bug)),
        };
        let disk = match &medium {
            Medium::Disk(slot) => Some(slot.clone()),
            Medium::Memory | Medium::File(_) => None,
        };
        let opener = Opener {
            medium,
            switch: Arc::clone(&switch),
            seeded_bug: recipe.seeded_bug,
        };
        let (genesis, config) = (genesis.clone(), recipe.config(genesis.rules.network));
        let first = opener.open()?;
        let core = Core::on(
            recipe.to_string(),
            first,
            &genesis,
            config,
            move |storage| opener.reopen(storage),
        )?;
        let subject: Box<dyn Subject> = match recipe.seeded_bug {
            Some(bug) => Box::new(BuggyLedger::new(
                core,
                bug,
                recipe.workers,
                recipe.hash_seed,
            )),
            None => Box::new(core),
        };
        Ok(Ledger {
            subject,
            switch,
            disk,
        })
    }

    /// Makes the storage call of this index fail, counted from 0.
    pub(super) fn fail_call(&self, call: u64) {
        self.switch.arm(call);
    }

    /// Makes no call fail any more. Returns whether one did.
    pub(super) fn heal(&self) -> bool {
        self.switch.disarm()
    }

    /// Cuts the power in the middle of the disk call of this index, counted from 0. No effect without a
    /// simulated disk.
    pub(super) fn cut_power_in(&self, call: u64) {
        if let Some(slot) = &self.disk {
            slot.disk().arm(DiskFault::PowerCut { at: call });
        }
    }

    /// Cancels a planned power loss. Returns whether it had happened already.
    pub(super) fn keep_power(&self) -> bool {
        self.disk
            .as_ref()
            .is_some_and(|slot| slot.disk().disarm().is_some())
    }

    /// Crashes the ledger: the power is lost, if it was not already, and with it part of what the disk
    /// had not made durable. [`Subject::reopen`] opens the rest. Without a simulated disk nothing
    /// changes. Returns whether there is a simulated disk.
    pub(super) fn crash(&self, loss: Loss) -> bool {
        match &self.disk {
            Some(slot) => {
                slot.crash(loss);
                true
            }
            None => false,
        }
    }
}

/// The current disk of a node: a crash puts another one in its place, with what survived.
#[derive(Clone)]
struct Slot {
    disk: Arc<Mutex<Disk>>,
    lies: bool,
}

impl Slot {
    fn new(seeded_bug: Option<NodeBug>) -> Self {
        let slot = Slot {
            disk: Arc::default(),
            lies: seeded_bug == Some(NodeBug::LyingDisk),
        };
        slot.put(Disk::default());
        slot
    }

    fn disk(&self) -> Disk {
        self.locked().clone()
    }

    fn crash(&self, loss: Loss) {
        let left = self.disk().crash(loss);
        self.put(Disk::holding(left));
    }

    fn put(&self, disk: Disk) {
        if self.lies {
            disk.lie_about_syncs();
        }
        *self.locked() = disk;
    }

    fn locked(&self) -> MutexGuard<'_, Disk> {
        // A disk is replaced as a whole, so a poisoned lock has a valid one.
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a node's storage, the first time and after a restart.
struct Opener {
    medium: Medium,
    switch: Arc<Switch>,
    seeded_bug: Option<NodeBug>,
}

enum Medium {
    Memory,
    File(PathBuf),
    Disk(Slot),
}

impl Opener {
    fn open(&self) -> Result<NodeStorage, StorageError> {
        let inner: Box<dyn Storage> = match &self.medium {
            Medium::Memory => Box::new(MemoryStorage::new()),
            Medium::File(path) => Box::new(RedbStorage::open(path)?),
            Medium::Disk(slot) => Box::new(slot.disk().open()?),
        };
        Ok(NodeStorage {
            inner,
            switch: Arc::clone(&self.switch),
            seeded_bug: self.seeded_bug,
        })
    }

    fn reopen(&self, storage: NodeStorage) -> Result<NodeStorage, StorageError> {
        match self.medium {
            Medium::Memory => Ok(storage),
            Medium::File(_) | Medium::Disk(_) => {
                // The file is locked until it is closed.
                drop(storage);
                self.open()
            }
        }
    }
}

/// A storage behind a switch that makes one call fail.
struct NodeStorage {
    inner: Box<dyn Storage>,
    switch: Arc<Switch>,
    seeded_bug: Option<NodeBug>,
}

impl NodeStorage {
    /// Returns the error of a failing read, or `nothing` where a seeded bug swallows it.
    fn unless_swallowed<T>(
        &self,
        table: Table,
        nothing: T,
        error: StorageError,
    ) -> Result<T, StorageError> {
        if self.seeded_bug == Some(NodeBug::IoErrorIsRejection) && table == Table::Cells {
            return Ok(nothing);
        }
        Err(error)
    }
}

impl Storage for NodeStorage {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        match self.switch.call(Call::Read(table)) {
            Ok(()) => self.inner.get(table, key),
            Err(error) => self.unless_swallowed(table, None, error),
        }
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        match self.switch.call(Call::Read(table)) {
            Ok(()) => self.inner.get_many(table, keys),
            Err(error) => self.unless_swallowed(table, vec![None; keys.len()], error),
        }
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.switch.call(Call::Scan(table))?;
        self.inner.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.switch.call(Call::Commit)?;
        if self.seeded_bug == Some(NodeBug::ReorgNotUndone) {
            return self.inner.commit(&without_undone_history(batch));
        }
        self.inner.commit(batch)
    }
}

/// Returns the same changes without the deletions of older versions.
fn without_undone_history(batch: &Batch) -> Batch {
    let mut kept = Batch::new();
    for (table, changes) in batch.tables() {
        for (key, value) in changes {
            match value {
                Some(value) => kept.put(table, key.clone(), value.clone()),
                None if table == Table::History => {}
                None => kept.delete(table, key.clone()),
            }
        }
    }
    kept
}

/// A switch that makes one call fail. Consecutive calls of one kind count as one: a block is read in as
/// many pieces as suit its workers, and the failing call must not depend on them.
#[derive(Default)]
struct Switch(Mutex<Armed>);

/// A kind of call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Read(Table),
    Scan(Table),
    Commit,
}

#[derive(Default)]
struct Armed {
    /// Number of calls that work before the one that fails.
    left: Option<u64>,
    last: Option<Call>,
    /// True if the last call fails, and so every consecutive one of its kind.
    fails: bool,
    has_failed: bool,
}

impl Switch {
    fn arm(&self, call: u64) {
        *self.armed() = Armed {
            left: Some(call),
            ..Armed::default()
        };
    }

    fn disarm(&self) -> bool {
        std::mem::take(&mut *self.armed()).has_failed
    }

    fn call(&self, call: Call) -> Result<(), StorageError> {
        let mut armed = self.armed();
        if armed.last.replace(call) != Some(call) {
            armed.fails = armed.left == Some(0);
            armed.has_failed |= armed.fails;
            armed.left = armed.left.and_then(|left| left.checked_sub(1));
        }
        if !armed.fails {
            return Ok(());
        }
        Err(StorageError::Io {
            place: "the node's storage".to_owned(),
            reason: "this call was told to fail".to_owned(),
        })
    }

    fn armed(&self) -> MutexGuard<'_, Armed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_call_fails_does_not_depend_on_how_many_pieces_it_has() {
        let failures = |calls: &[Call]| {
            let switch = Switch::default();
            switch.arm(1);
            let failed: Vec<bool> = calls
                .iter()
                .map(|call| switch.call(*call).is_err())
                .collect();
            assert!(switch.disarm());
            assert!(switch.call(Call::Commit).is_ok(), "it is disarmed");
            failed
        };
        let (tip, cells) = (Call::Read(Table::Meta), Call::Read(Table::Cells));
        assert_eq!(failures(&[tip, cells, Call::Commit]), [false, true, false]);
        assert_eq!(
            failures(&[tip, cells, cells, cells, Call::Commit, cells]),
            [false, true, true, true, false, false]
        );
    }
}

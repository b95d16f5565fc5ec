//! Entries that one block writes, and files to write them to.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use lockstep_core::chain::Chain;
use lockstep_core::config::Config;
use lockstep_core::model::{Cell, Height, Network, Timestamp, Value};
use lockstep_core::storage::{Batch, Entry, MemoryStorage, RedbStorage, Storage, Table};
use tempfile::TempDir;

use crate::prepared::Prepared;

/// Everything that the next block of a prepared ledger writes.
#[must_use]
pub fn written_by(prepared: &Prepared) -> Batch {
    let chain = prepared.chain(|storage| storage);
    chain
        .add_block(&prepared.block)
        .expect("a pattern's blocks extend the tip");
    let after = chain.into_storage();
    let mut written = Batch::new();
    for table in Table::ALL {
        let before: BTreeSet<Entry> = all(prepared.storage(), table).into_iter().collect();
        for (key, value) in all(&after, table) {
            if !before.contains(&(key.clone(), value.clone())) {
                written.put(table, key, value);
            }
        }
    }
    written
}

fn all(storage: &MemoryStorage, table: Table) -> Vec<Entry> {
    storage
        .scan(table, &[], usize::MAX)
        .expect("memory can be read")
}

/// Returns `count` entries of a batch, evenly spread over it, each in a batch of its own.
#[must_use]
pub fn one_by_one(batch: &Batch, count: usize) -> Vec<Batch> {
    let every = (batch.len() / count).max(1);
    entries(batch)
        .step_by(every)
        .take(count)
        .map(|(table, key, value)| {
            let mut single = Batch::new();
            single.put(table, key.to_vec(), value.to_vec());
            single
        })
        .collect()
}

fn entries(batch: &Batch) -> impl Iterator<Item = (Table, &[u8], &[u8])> {
    batch.tables().flat_map(|(table, changes)| {
        changes
            .iter()
            .filter_map(move |(key, value)| Some((table, &key[..], value.as_deref()?)))
    })
}

/// The newest value of every cell of a ledger.
pub(crate) fn newest_values(ledger: &MemoryStorage) -> Vec<(Cell, Value)> {
    let genesis_is_there = "the storage of a ledger can be opened";
    let config = Config::for_network(Network::Mainnet);
    let chain = Chain::open_existing(ledger.clone(), config, Arc::new(|| Timestamp(0)))
        .expect(genesis_is_there);
    let cells = chain.cells(None, usize::MAX).expect("memory can be read");
    cells
        .into_iter()
        .map(|cell| {
            let newest = chain.value_at(cell, Height(u64::MAX));
            (
                cell,
                newest.expect("memory can be read").expect("it is there"),
            )
        })
        .collect()
}

/// A database file with the ledger before the block, to be copied for each measurement.
#[derive(Debug)]
pub struct Template {
    folder: TempDir,
}

/// A database in a copy of the file, which goes away with it.
#[derive(Debug)]
pub struct Copied {
    /// The database.
    pub storage: RedbStorage,
    _folder: TempDir,
}

impl Template {
    /// Writes the ledger into a file, in the folder for temporary ones (`TMPDIR`).
    #[must_use]
    pub fn new(ledger: &MemoryStorage) -> Self {
        let template = Template { folder: folder() };
        let mut storage = RedbStorage::open(template.path()).expect("the file is new");
        let mut batch = Batch::new();
        for table in Table::ALL {
            for (key, value) in all(ledger, table) {
                batch.put(table, key, value);
            }
        }
        storage.commit(&batch).expect("the disk has room");
        template
    }

    /// Another database with the same ledger.
    #[must_use]
    pub fn copy(&self) -> Copied {
        let folder = folder();
        let path = folder.path().join("ledger.redb");
        std::fs::copy(self.path(), &path).expect("the disk has room");
        // What a copy leaves to be written must not be waited for by the first commit.
        let file = std::fs::File::open(&path).expect("it was just written");
        file.sync_all().expect("the disk works");
        Copied {
            storage: RedbStorage::open(&path).expect("it is a copy of a database"),
            _folder: folder,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.redb")
    }
}

fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("lockstep-bench-")
        .tempdir()
        .expect("the folder for temporary files can be written")
}

//! Tests of the reads of a block: the cells that it may touch come in sorted passes, and no cell
//! alone but the supplies, which are known at its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common;
use crate::common::{GOLD, Ledger, Setup, disk::Disk, from, key, ledger};
use lockstep_core::config::ExecutionPath;
use lockstep_core::storage::{Batch, Entry, MemoryStorage, Storage, StorageError, Table};

/// Memory that counts the cells that are read one by one, and the others.
#[derive(Default)]
struct Counting {
    memory: MemoryStorage,
    alone: Arc<AtomicUsize>,
    together: Arc<AtomicUsize>,
}

impl Storage for Counting {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        if table == Table::Cells {
            self.alone.fetch_add(1, Ordering::SeqCst);
        }
        self.memory.get(table, key)
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        if table == Table::Cells {
            self.together.fetch_add(keys.len(), Ordering::SeqCst);
        }
        self.memory.get_many(table, keys)
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.memory.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.memory.commit(batch)
    }
}

fn setup() -> Setup {
    let (alice, bob) = (key("alice"), key("bob"));
    ledger()
        .reward(7)
        .has(&alice, 1_000)
        .has_of(GOLD, &alice, 1_000)
        .has(&bob, 1_000)
        .has_of(GOLD, &bob, 1_000)
}

#[test]
fn no_cell_of_an_account_is_loaded_alone_on_any_path() {
    for path in ExecutionPath::ALL {
        let mut setup = setup();
        setup.config.parallel.forced = Some(path);
        setup.config.parallel.workers = Some(2);
        let storage = Counting::default();
        let alone = Arc::clone(&storage.alone);
        let mut ledger: Ledger<Counting> = setup.open_on(&Disk::new(storage));
        let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
        let block = ledger.block([
            from(&alice, 0)
                .pay(&carol, 1)
                .pay_of(GOLD, &carol, 2)
                .sign(),
            from(&bob, 0).burn(GOLD, 3).sign(),
            from(&alice, 1).multisig(1, &[&bob]).sign(),
        ]);
        alone.store(0, Ordering::SeqCst);
        common::all_applied(&ledger.add_block(&block));
        let supplies = 2;
        assert_eq!(alone.load(Ordering::SeqCst), supplies, "{}", path.name());
    }
}

#[test]
fn a_cell_is_loaded_once_however_many_pieces_of_a_block_need_it() {
    // The graph path reads the cells once more at its end.
    for (path, times) in [
        (ExecutionPath::ParallelValidation, 1),
        (ExecutionPath::Graph, 2),
    ] {
        let mut setup = setup();
        setup.config.parallel.forced = Some(path);
        // On the graph path two workers may both load a cell.
        setup.config.parallel.workers = Some(if path == ExecutionPath::Graph { 1 } else { 2 });
        let storage = Counting::default();
        let together = Arc::clone(&storage.together);
        let mut ledger: Ledger<Counting> = setup.open_on(&Disk::new(storage));
        let (alice, bob) = (key("alice"), key("bob"));
        let pay = |nonce| from(&alice, nonce).pay(&bob, 1).sign();
        let block = ledger.block((0..300).map(pay).collect::<Vec<_>>());
        together.store(0, Ordering::SeqCst);
        common::all_applied(&ledger.add_block(&block));
        // Nonce, multisig and balance of the source, nonce and balance of the destination and of the
        // miner.
        assert_eq!(
            together.load(Ordering::SeqCst),
            7 * times,
            "{}",
            path.name()
        );
    }
}

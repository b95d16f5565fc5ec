//! Tests of the reports of a node about its work, and of the threads on which each path does it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use crate::common;
use crate::common::{GOLD, Setup, forge, from, key, ledger};
use lockstep_core::chain::Chain;
use lockstep_core::config::ExecutionPath;
use lockstep_core::model::{BLOCK_VERSION, Block, Hash, Header, Height, Transaction};
use lockstep_core::storage::{Batch, Entry, MemoryStorage, Storage, StorageError, Table};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

/// Memory that only the thread that made it may touch.
struct OneThreadMemory {
    memory: MemoryStorage,
    owner: ThreadId,
}

impl OneThreadMemory {
    fn check(&self) {
        assert_eq!(thread::current().id(), self.owner, "on purpose");
    }
}

impl Storage for OneThreadMemory {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.check();
        self.memory.get(table, key)
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.check();
        self.memory.get_many(table, keys)
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.check();
        self.memory.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.check();
        self.memory.commit(batch)
    }
}

/// Memory that panics once, at this read of a cell, counted from 0.
struct PanickingMemory {
    memory: MemoryStorage,
    at: usize,
    reads: Arc<AtomicUsize>,
}

impl PanickingMemory {
    fn at(at: usize) -> Self {
        PanickingMemory {
            memory: MemoryStorage::new(),
            at,
            reads: Arc::default(),
        }
    }

    fn read(&self, table: Table, cells: usize) {
        if table == Table::Cells {
            let before = self.reads.fetch_add(cells, Ordering::Relaxed);
            let reads = before..before + cells;
            assert!(!reads.contains(&self.at), "on purpose");
        }
    }
}

impl Storage for PanickingMemory {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.read(table, 1);
        self.memory.get(table, key)
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.read(table, keys.len());
        self.memory.get_many(table, keys)
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.memory.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.memory.commit(batch)
    }
}

/// The sums of all counters and histograms, by name and label.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<BTreeMap<String, u64>>>);

/// One line of the reports.
struct Line(String, Reports);

impl Line {
    fn of(key: &Key, reports: &Reports) -> Arc<Line> {
        let labels: Vec<&str> = key.labels().map(|label| label.value()).collect();
        let name = [&[key.name()], &labels[..]].concat().join(" ");
        Arc::new(Line(name, reports.clone()))
    }

    fn add(&self, more: u64) {
        let mut lines = (self.1).0.lock().expect("no thread panics with it");
        *lines.entry(self.0.clone()).or_default() += more;
    }
}

impl CounterFn for Line {
    fn increment(&self, more: u64) {
        self.add(more);
    }

    fn absolute(&self, _: u64) {
        panic!("core only counts upwards");
    }
}

impl HistogramFn for Line {
    fn record(&self, value: f64) {
        self.add(value as u64);
    }
}

impl Recorder for Reports {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Line::of(key, self))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Line::of(key, self))
    }
}

/// Returns the reports about one block on a new ledger, without the times that it took.
fn reported<S: Storage>(
    setup: &Setup,
    storage: S,
    transactions: Vec<Transaction>,
) -> BTreeMap<String, u64> {
    let chain = Chain::open(
        storage,
        &setup.genesis,
        setup.config.clone(),
        Arc::new(setup.clock.clone()),
    );
    let chain = chain.expect("the genesis is possible");
    let tip = chain.tip().expect("the ledger has a tip");
    let mut block = Block {
        header: Header {
            version: BLOCK_VERSION,
            network: common::NETWORK,
            height: Height(1),
            parent: tip.hash,
            time: tip.time,
            miner: key("miner").public(),
            merkle_root: Hash::ZERO,
            count: 0,
        },
        transactions,
    };
    common::reseal(&mut block);
    let reports = Reports::default();
    let added = metrics::with_local_recorder(&reports, || chain.add_block(&block));
    added.expect("the block extends the tip");
    let mut lines = reports.0.lock().expect("no thread panics with it");
    lines.retain(|name, _| !name.starts_with("lockstep_phase_seconds"));
    std::mem::take(&mut *lines)
}

fn one_thread_memory() -> OneThreadMemory {
    OneThreadMemory {
        memory: MemoryStorage::new(),
        owner: thread::current().id(),
    }
}

/// Three workers, and this path unless test mode or a panic says otherwise.
fn setup(path: ExecutionPath) -> Setup {
    let mut setup = ledger().has(&key("alice"), 1_000).has(&key("bob"), 1_000);
    setup.config.parallel.forced = Some(path);
    setup.config.parallel.workers = Some(3);
    setup
}

/// Returns transactions in which Alice pays Bob, who pays her; a nonce is wrong, a signature is
/// forged, and two amounts cannot be paid.
fn transactions() -> Vec<Transaction> {
    let (alice, bob) = (key("alice"), key("bob"));
    vec![
        from(&alice, 0).pay(&bob, 10).sign(),
        from(&bob, 0).pay(&alice, 10).sign(),
        from(&alice, 7).pay(&bob, 10).sign(),
        forge(from(&alice, 1).pay(&bob, 10).sign()),
        from(&bob, 1).pay(&alice, 10_000).sign(),
        from(&bob, 1).pay_of(GOLD, &alice, 1).sign(),
    ]
}

fn lines(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    let with_name = |(name, count): &(&str, u64)| ((*name).to_owned(), *count);
    expected.iter().map(with_name).collect()
}

const OF_THE_TRANSACTIONS: [(&str, u64); 5] = [
    ("lockstep_block_transactions", 6),
    ("lockstep_transactions_applied_total", 2),
    ("lockstep_transactions_rejected_total balance", 2),
    ("lockstep_transactions_rejected_total nonce", 1),
    ("lockstep_transactions_rejected_total signature", 1),
];

fn check(setup: &Setup, storage: impl Storage, of_the_path: &[(&str, u64)]) {
    let mut expected = lines(&OF_THE_TRANSACTIONS);
    expected.extend(lines(of_the_path));
    assert_eq!(reported(setup, storage, transactions()), expected);
}

#[test]
fn a_block_is_reported_with_its_path_and_every_reason_of_a_rejection() {
    for path in [ExecutionPath::Serial, ExecutionPath::ParallelValidation] {
        let blocks = format!("lockstep_blocks_total {}", path.name());
        check(&setup(path), MemoryStorage::new(), &[(&blocks, 1)]);
    }
}

#[test]
fn the_graph_path_makes_a_graph_and_reports_its_levels() {
    check(
        &setup(ExecutionPath::Graph),
        MemoryStorage::new(),
        // Each waits for the one before, by a withdrawal or a credit of the other.
        &[
            ("lockstep_blocks_total graph", 1),
            ("lockstep_graph_depth", 6),
        ],
    );
}

/// The serial path is there for a system without threads, so it must need no worker: a touch of this
/// storage from another thread panics.
#[test]
fn the_serial_path_stays_on_the_callers_thread() {
    let serial = setup(ExecutionPath::Serial);
    check(
        &serial,
        one_thread_memory(),
        &[("lockstep_blocks_total serial", 1)],
    );
    // As many as the workers would be woken for.
    let forged = forge(from(&key("alice"), 0).pay(&key("bob"), 1).sign());
    let lines = reported(&serial, one_thread_memory(), vec![forged; 300]);
    assert_eq!(lines["lockstep_transactions_rejected_total signature"], 300);
}

#[test]
fn a_workers_panic_is_reported_as_a_fallback_and_the_block_as_a_serial_one() {
    let blocks = ("lockstep_blocks_total serial", 1);
    for path in [ExecutionPath::ParallelValidation, ExecutionPath::Graph] {
        check(
            &setup(path),
            PanickingMemory::at(0),
            &[blocks, ("lockstep_fallbacks_total", 1)],
        );
    }
}

#[test]
fn test_mode_is_the_serial_path_and_reports_the_path_that_differed() {
    let mut setup = setup(ExecutionPath::Graph);
    setup.config.parallel.test_mode = true;
    check(
        &setup,
        MemoryStorage::new(),
        &[
            ("lockstep_blocks_total serial", 1),
            ("lockstep_graph_depth", 6),
        ],
    );
    let never = PanickingMemory::at(usize::MAX);
    let serially = Arc::clone(&never.reads);
    reported(&self::setup(ExecutionPath::Serial), never, transactions());
    check(
        &setup,
        // The serial path is first.
        PanickingMemory::at(serially.load(Ordering::Relaxed)),
        &[
            ("lockstep_blocks_total serial", 1),
            ("lockstep_differences_total spread-checks", 1),
        ],
    );
}

//! Tests of blocks on workers: failures of workers and storage, reads meanwhile, and the runner.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ahash::RandomState;
use lockstep_core::chain::{AddedBlock, Chain, ChainError};
use lockstep_core::config::{Config, ExecutionPath};
use lockstep_core::model::{
    Amount, Asset, BLOCK_VERSION, Block, Genesis, Hash, Header, Height, Network, PublicKey, Rules,
    Timestamp, Transaction,
};
use lockstep_core::parallel::{GraphOverlap, ParallelExecutor, Stopped, run, run_block};
use lockstep_core::schedule::Graph;
use lockstep_core::signature::Keypair;
use lockstep_core::storage::{Batch, Entry, MemoryStorage, Storage, StorageError, Table};
use lockstep_core::{codec, merkle};

use crate::common::{from, keys};

/// A fault of a storage when many cells are read at once, as they are once a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ReadFault {
    Panic,
    Fail,
}

/// Memory that has a fault once, when it is told to.
struct FaultyMemory {
    memory: MemoryStorage,
    fault: ReadFault,
    has_fault: Arc<AtomicBool>,
}

impl Storage for FaultyMemory {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.memory.get(table, key)
    }
    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        if self.has_fault.swap(false, Ordering::SeqCst) {
            match self.fault {
                ReadFault::Panic => panic!("on purpose"),
                ReadFault::Fail => {
                    return Err(StorageError::Io {
                        place: "here".to_owned(),
                        reason: "on purpose".to_owned(),
                    });
                }
            }
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

const EACH: u64 = 1_000;

/// Opens a ledger on which each of these accounts has [`EACH`].
fn open<S: Storage>(storage: S, accounts: &[Keypair], path: ExecutionPath) -> Chain<S> {
    let genesis = Genesis {
        rules: Rules {
            network: Network::Devnet,
            reward: Amount(7),
            native_limit: Amount::MAX,
            max_block_bytes: 1 << 20,
        },
        time: Timestamp(0),
        balances: accounts
            .iter()
            .map(|account| ((account.public(), Asset::NATIVE), Amount(EACH)))
            .collect::<BTreeMap<_, _>>(),
    };
    let mut config = Config::for_network(Network::Devnet);
    config.parallel.forced = Some(path);
    config.parallel.workers = Some(3);
    Chain::open(storage, &genesis, config, Arc::new(|| Timestamp(0)))
        .expect("the genesis is possible")
}

fn block<S: Storage>(chain: &Chain<S>, transactions: Vec<Transaction>) -> Block {
    let tip = chain.tip().expect("the ledger has a tip");
    let ids: Vec<Hash> = transactions.iter().map(codec::transaction_id).collect();
    Block {
        header: Header {
            version: BLOCK_VERSION,
            network: Network::Devnet,
            height: Height(tip.height.0 + 1),
            parent: tip.hash,
            time: tip.time,
            miner: PublicKey([9; 32]),
            merkle_root: merkle::root(&ids),
            count: u16::try_from(ids.len()).expect("the block is short"),
        },
        transactions,
    }
}

/// Returns transactions with which each account pays the next one, twice.
fn ring(accounts: &[Keypair], nonce: u64) -> Vec<Transaction> {
    (0..2 * accounts.len())
        .map(|number| {
            let at = number % accounts.len();
            let to = &accounts[(at + 1) % accounts.len()];
            let nonce = nonce + (number / accounts.len()) as u64;
            from(&accounts[at], nonce)
                .fee(1)
                .pay(to, 10 + at as u64)
                .sign()
        })
        .collect()
}

fn faulty_chain(
    fault: ReadFault,
    path: ExecutionPath,
) -> (Chain<FaultyMemory>, Arc<AtomicBool>, Vec<Keypair>) {
    let accounts = keys(8);
    let has_fault = Arc::new(AtomicBool::new(false));
    let storage = FaultyMemory {
        memory: MemoryStorage::new(),
        fault,
        has_fault: Arc::clone(&has_fault),
    };
    (open(storage, &accounts, path), has_fault, accounts)
}

#[test]
fn every_path_gives_the_serial_result() {
    let accounts = keys(8);
    let serial = open(MemoryStorage::new(), &accounts, ExecutionPath::Serial);
    let expected: Vec<_> = (0..3)
        .map(|round| {
            let block = block(&serial, ring(&accounts, 2 * round));
            serial.add_block(&block).expect("the block is good")
        })
        .collect();
    assert!(
        expected[2]
            .receipts
            .iter()
            .all(|receipt| receipt.is_applied())
    );
    for path in ExecutionPath::ALL {
        let chain = open(MemoryStorage::new(), &accounts, path);
        for (round, expected) in (0..).zip(&expected) {
            let block = block(&chain, ring(&accounts, 2 * round));
            let added = chain.add_block(&block).expect("the block is good");
            let expected = AddedBlock {
                path,
                ..expected.clone()
            };
            assert_eq!(added, expected, "{}", path.name());
        }
    }
}

#[test]
fn after_a_panic_of_a_parallel_path_the_block_is_executed_serially() {
    let (chain, has_fault, accounts) = faulty_chain(ReadFault::Panic, ExecutionPath::Graph);
    let block = block(&chain, ring(&accounts, 0));
    has_fault.store(true, Ordering::SeqCst);
    let added = chain.add_block(&block).expect("the block is good");
    assert!(!has_fault.load(Ordering::SeqCst), "the panic happened");
    assert!(added.receipts.iter().all(|receipt| receipt.is_applied()));
    assert_eq!(added.path, ExecutionPath::Serial);
    assert_eq!(added.recovered_from.as_deref(), Some("on purpose"));
    let next = self::block(&chain, ring(&accounts, 2));
    let added = chain.add_block(&next).expect("the block is good");
    assert_eq!(added.recovered_from, None, "it is told once");
}

#[test]
fn a_panic_of_the_serial_path_is_an_error_and_the_block_can_be_added_again() {
    let (chain, has_fault, accounts) = faulty_chain(ReadFault::Panic, ExecutionPath::Serial);
    let block = block(&chain, ring(&accounts, 0));
    let before = chain.tip().expect("the ledger has a tip");
    has_fault.store(true, Ordering::SeqCst);
    let error = chain.add_block(&block).expect_err("the storage panics");
    assert!(matches!(&error, ChainError::Panicked { message } if message == "on purpose"));
    assert_eq!(chain.tip().expect("the ledger has a tip"), before);
    chain.add_block(&block).expect("the block is good");
}

#[test]
fn a_failing_storage_fails_the_block_on_every_path_and_rejects_no_transaction() {
    for path in ExecutionPath::ALL {
        let (chain, has_fault, accounts) = faulty_chain(ReadFault::Fail, path);
        let block = block(&chain, ring(&accounts, 0));
        has_fault.store(true, Ordering::SeqCst);
        let error = chain.add_block(&block).expect_err("the storage fails");
        assert!(
            matches!(error, ChainError::Storage(_)),
            "{}: {error}",
            path.name()
        );
        let added = chain.add_block(&block).expect("the block is good");
        assert!(added.receipts.iter().all(|receipt| receipt.is_applied()));
    }
}

#[test]
fn in_test_mode_a_panic_of_the_serial_path_is_no_difference() {
    let (chain, has_fault, accounts) = faulty_chain(ReadFault::Panic, ExecutionPath::Graph);
    let mut config = chain.config().clone();
    config.parallel.test_mode = true;
    let storage = chain.into_storage();
    let chain = Chain::open_existing(storage, config, Arc::new(|| Timestamp(0)))
        .expect("the ledger is there");
    let first = block(&chain, ring(&accounts, 0));
    let added = chain.add_block(&first).expect("the block is good");
    assert_eq!(added.path, ExecutionPath::Serial);
    assert!(chain.trusts_parallel());

    // The serial path comes first: its panic is the block's failure, not a difference.
    let second = block(&chain, ring(&accounts, 2));
    has_fault.store(true, Ordering::SeqCst);
    chain
        .add_block(&second)
        .expect_err("the serial path panics");
    assert!(chain.trusts_parallel());
    chain.add_block(&second).expect("the block is good");
}

#[test]
fn of_two_threads_that_add_the_same_block_one_does() {
    let accounts = keys(8);
    let chain = open(MemoryStorage::new(), &accounts, ExecutionPath::Graph);
    let block = block(&chain, ring(&accounts, 0));
    let added: usize = std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| chain.add_block(&block).is_ok()));
        both.into_iter()
            .map(|one| usize::from(one.join().expect("no thread panics")))
            .sum()
    });
    assert_eq!(added, 1);
    assert_eq!(chain.tip().expect("the ledger has a tip").height, Height(1));
}

/// Sets its flag when it is dropped, a panic included: otherwise a reader would wait for ever.
struct Ends<'d>(&'d AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_reader_sees_the_block_before_or_the_block_after() {
    let accounts = keys(8);
    let chain = open(MemoryStorage::new(), &accounts, ExecutionPath::Graph);
    let genesis = chain.tip().expect("the ledger has a tip");
    let is_done = AtomicBool::new(false);
    let (chain, is_done) = (&chain, &is_done);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut seen = Vec::new();
            while !is_done.load(Ordering::SeqCst) {
                seen.push(chain.tip().expect("the ledger has a tip"));
            }
            seen
        });
        let ends = Ends(is_done);
        let mut tips = vec![genesis];
        for round in 0..20 {
            let block = block(chain, ring(&accounts, 2 * round));
            tips.push(chain.add_block(&block).expect("the block is good").tip);
            chain
                .rewind_to(Height(round))
                .expect("there is a block before");
            chain.add_block(&block).expect("the block is good");
        }
        drop(ends);
        let seen = reader.join().expect("no thread panics");
        assert!(seen.iter().all(|tip| tips.contains(tip)));
    });
}

/// Returns the graph of ten transactions: `chain` of them are a chain, the others wait for none.
fn graph(chain: usize) -> Graph {
    let accounts = keys(12);
    let mut transactions: Vec<_> = (0..chain)
        .map(|at| from(&accounts[at], 0).pay(&accounts[at + 1], 1).sign())
        .collect();
    transactions
        .extend((chain + 1..11).map(|at| from(&accounts[at], 0).pay(&accounts[0], 1).sign()));
    Graph::of(&transactions, RandomState::with_seed(1))
}

/// A log of the tasks that run, and of how many run at once.
#[derive(Default)]
struct RunLog {
    running: AtomicUsize,
    most: AtomicUsize,
    order: Mutex<Vec<u32>>,
}

impl RunLog {
    fn task(&self, task: u32) -> Result<u32, ()> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        self.order.lock().expect("no thread panics").push(task);
        std::thread::yield_now();
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(task * 10)
    }

    fn ran(&self) -> usize {
        self.order.lock().expect("no thread panics").len()
    }

    fn check(self, graph: &Graph, workers: usize) {
        assert!(self.most.into_inner() <= workers);
        let order = self.order.into_inner().expect("no thread panics");
        assert_eq!(order.len(), graph.len(), "each once: {order:?}");
        let place = |task| order.iter().position(|other| *other == task);
        for task in (0..).take(graph.len()) {
            for after in graph.successors(task) {
                assert!(
                    place(task) < place(*after),
                    "{after} before {task}: {order:?}"
                );
            }
        }
    }
}

#[test]
fn tasks_run_once_after_what_they_wait_for_and_never_more_at_once_than_workers() {
    let tens: Vec<u32> = (0..10).map(|task| task * 10).collect();
    for (graph, workers) in [5, 10].into_iter().flat_map(|chain| {
        let graph = graph(chain);
        (1..=8).map(move |workers| (graph.clone(), workers))
    }) {
        let executor = ParallelExecutor::new(workers).expect("there are threads");
        let log = RunLog::default();
        let results = run(executor.workers(), &graph, |task| log.task(task));
        assert_eq!(results.as_ref(), Ok(&tens));
        log.check(&graph, workers);
        // The graph is made when `ahead` tasks have run.
        for ahead in [0, 1, 4, 9, 10] {
            let log = RunLog::default();
            let make = || {
                assert!(workers > 1, "one worker needs no graph");
                while log.ran() < ahead {
                    std::thread::yield_now();
                }
                graph.clone()
            };
            let results = run_block(executor.workers(), 10, make, |task| log.task(task));
            assert_eq!(results.as_ref(), Ok(&tens));
            log.check(&graph, workers);
        }
    }
}

#[test]
fn no_task_runs_ahead_of_a_graph_whose_making_panicked() {
    let overlap = GraphOverlap::new(10);
    let made = catch_unwind(AssertUnwindSafe(|| overlap.make(|| panic!("on purpose"))));
    assert!(made.is_err());
    let begun = overlap.run(&Ok::<u32, ()>);
    assert_eq!(begun, Ok(Vec::new()));
}

#[test]
fn a_task_that_fails_or_panics_before_the_graph_is_made_is_the_last() {
    let executor = ParallelExecutor::new(2).expect("there are threads");
    let last = AtomicU32::new(0);
    let make = || {
        while last.load(Ordering::SeqCst) < 3 {
            std::thread::yield_now();
        }
        graph(5)
    };
    let failed = run_block(executor.workers(), 10, make, |task| {
        last.fetch_max(task, Ordering::SeqCst);
        if task == 3 { Err(task) } else { Ok(()) }
    });
    assert_eq!(failed, Err(Stopped::Failed(3)));
    assert_eq!(last.swap(0, Ordering::SeqCst), 3);
    let panicked = run_block(executor.workers(), 10, make, |task| -> Result<(), ()> {
        last.fetch_max(task, Ordering::SeqCst);
        assert!(task != 3, "on purpose");
        Ok(())
    });
    assert_eq!(panicked, Err(Stopped::Panicked("on purpose".to_owned())));
    assert_eq!(last.into_inner(), 3);
    let empty = || Graph::of(&[], RandomState::with_seed(1));
    let none = run_block(executor.workers(), 0, empty, |_| Err::<(), _>(()));
    assert_eq!(none, Ok(Vec::new()));
}

#[test]
fn tasks_that_wait_for_none_run_beside_each_other() {
    let graph = graph(0);
    let executor = ParallelExecutor::new(2).expect("there are threads");
    let threads = Mutex::new(BTreeSet::new());
    let met = run(executor.workers(), &graph, |_| {
        let here = format!("{:?}", std::thread::current().id());
        threads.lock().expect("no thread panics").insert(here);
        // The other thread has half a minute to come.
        let comes = (0..30_000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            threads.lock().expect("no thread panics").len() == 2
        });
        if comes {
            Ok(())
        } else {
            Err("no other thread came")
        }
    });
    assert_eq!(met, Ok(vec![(); 10]));
}

#[test]
fn a_task_that_fails_or_panics_stops_the_rest_and_frees_all_workers() {
    let executor = ParallelExecutor::new(4).expect("there are threads");
    for chain in [5, 10] {
        let graph = graph(chain);
        let after = Mutex::new(Vec::new());
        let failed = run(executor.workers(), &graph, |task| {
            after.lock().expect("no thread panics").push(task);
            if task == 1 { Err(task) } else { Ok(()) }
        });
        assert_eq!(failed, Err(Stopped::Failed(1)));
        let after = after.into_inner().expect("no thread panics");
        assert!(!after.contains(&2), "2 waits for what failed: {after:?}");
        let panicked = run(executor.workers(), &graph, |task| -> Result<(), ()> {
            assert!(task != 2, "on purpose");
            Ok(())
        });
        assert_eq!(panicked, Err(Stopped::Panicked("on purpose".to_owned())));
        // The same threads go on working.
        assert_eq!(
            run(executor.workers(), &graph, Ok::<_, ()>).map(|all| all.len()),
            Ok(10)
        );
    }
}

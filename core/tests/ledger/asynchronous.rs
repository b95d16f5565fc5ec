//! Tests of the asynchronous interface: the same results, and the effect of dropping a future.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, RwLock};
use std::task::{Context, Poll, Waker};

use ahash::RandomState;
use lockstep_core::asynchronous::{add_block, execute_batch};
use lockstep_core::chain::{Chain, ChainError};
use lockstep_core::config::Config;
use lockstep_core::model::{
    Amount, Asset, BLOCK_VERSION, Block, Genesis, Header, Height, Network, PublicKey, Rules,
    Timestamp, Transaction,
};
use lockstep_core::parallel::{ParallelChainState, ParallelExecutor};
use lockstep_core::storage::{Batch, Entry, MemoryStorage, Storage, StorageError, Table};
use tokio::runtime::{Builder, Runtime};

use crate::common::{body_root, from, keys};

/// Memory that reports the first read of cells, and answers it when it is told to.
struct Slow {
    memory: MemoryStorage,
    /// Taken by the first reader.
    gate: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl Storage for Slow {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.memory.get(table, key)
    }
    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        let gate = self.gate.lock().expect("no thread panics with it").take();
        if let Some((asked, answer)) = gate {
            asked.send(()).expect("the test waits for it");
            answer.recv().expect("the test answers");
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

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .build()
        .expect("the system gives threads")
}

fn transactions() -> Vec<Transaction> {
    let accounts = keys(6);
    (0..6)
        .map(|at| {
            from(&accounts[at], 0)
                .fee(1)
                .pay(&accounts[(at + 1) % 6], 10)
                .sign()
        })
        .collect()
}

fn open<S: Storage>(storage: S) -> Arc<Chain<S>> {
    let genesis = Genesis {
        rules: Rules {
            network: Network::Devnet,
            reward: Amount(7),
            native_limit: Amount::MAX,
            max_block_bytes: 1 << 20,
        },
        time: Timestamp(0),
        balances: keys(6)
            .iter()
            .map(|account| ((account.public(), Asset::NATIVE), Amount(100)))
            .collect::<BTreeMap<_, _>>(),
    };
    let config = Config::for_network(Network::Devnet);
    let chain = Chain::open(storage, &genesis, config, Arc::new(|| Timestamp(0)));
    Arc::new(chain.expect("the genesis is possible"))
}

fn block<S: Storage>(chain: &Chain<S>) -> Arc<Block> {
    let tip = chain.tip().expect("the ledger has a tip");
    let transactions = transactions();
    Arc::new(Block {
        header: Header {
            version: BLOCK_VERSION,
            network: Network::Devnet,
            height: Height(tip.height.0 + 1),
            parent: tip.hash,
            time: tip.time,
            miner: PublicKey([9; 32]),
            merkle_root: body_root(&transactions),
            count: 6,
        },
        transactions,
    })
}

#[test]
fn a_block_does_what_it_does_without_a_runtime() {
    let (chain, other) = (open(MemoryStorage::new()), open(MemoryStorage::new()));
    let block = block(&chain);
    let added = runtime()
        .block_on(add_block(&chain, Arc::clone(&block)))
        .expect("the block extends the tip");
    assert_eq!(added, other.add_block(&block).expect("here too"));
}

#[test]
fn a_batch_gives_the_receipts_of_the_block() {
    let chain = open(MemoryStorage::new());
    let block = block(&chain);
    let hasher = RandomState::with_seed(1);
    let state = Arc::new(ParallelChainState::new(chain.storage(), 6, hasher.clone()));
    let executor = Arc::new(ParallelExecutor::new(2).expect("the system gives threads"));
    let receipts = runtime()
        .block_on(execute_batch(
            &executor,
            &state,
            hasher,
            Network::Devnet,
            block.transactions.clone().into(),
        ))
        .expect("memory does not fail");
    let added = chain.add_block(&block).expect("the block extends the tip");
    assert_eq!(receipts, added.receipts);
}

#[test]
fn a_future_dropped_during_execution_leaves_no_trace_and_the_block_can_be_added_again() {
    let (asked, is_asked) = channel();
    let (answer, is_answered) = channel();
    let chain = open(Slow {
        memory: MemoryStorage::new(),
        gate: Mutex::new(Some((asked, is_answered))),
    });
    let block = block(&chain);
    let runtime = runtime();
    let _inside = runtime.enter();
    {
        let mut adding = pin!(add_block(&chain, Arc::clone(&block)));
        let polled = adding
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
        is_asked.recv().expect("the execution reads cells");
    }
    answer.send(()).expect("the execution waits for it");
    // A second caller waits for the permit, and so for the end of the first.
    let added = runtime
        .block_on(add_block(&chain, block))
        .expect("nothing was written");
    assert_eq!(added.tip.height, Height(1));
}

#[test]
fn a_future_that_is_never_polled_does_nothing() {
    let chain = open(MemoryStorage::new());
    let block = block(&chain);
    drop(add_block(&chain, block));
    assert_eq!(chain.tip().expect("there is one").height, Height::GENESIS);
}

#[test]
fn a_cancelled_block_is_a_typed_error() {
    let chain = open(MemoryStorage::new());
    let block = block(&chain);
    // Cancelled at every step but the first few, until it is never cancelled.
    for steps in 0.. {
        let asked = RwLock::new(0);
        let outcome = chain.add_block_unless(&block, || {
            let mut asked = asked.write().expect("no thread panics with it");
            *asked += 1;
            *asked > steps
        });
        let height = chain.tip().expect("there is one").height;
        match outcome {
            Err(ChainError::Cancelled) => assert_eq!(height, Height::GENESIS),
            added => {
                assert!(added.is_ok(), "{added:?}");
                assert_eq!((height, steps), (Height(1), 3), "there are three steps");
                break;
            }
        }
    }
}

/// Memory whose commits panic once it has a genesis.
struct Breaking(MemoryStorage);

impl Storage for Breaking {
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
        assert_eq!(
            self.0,
            MemoryStorage::new(),
            "only the first commit is good"
        );
        self.0.commit(batch)
    }
}

/// An operator who looks for the reason must not be told that the runtime was shut down.
#[test]
fn a_panic_beside_the_execution_is_an_error_with_its_message() {
    let chain = open(Breaking(MemoryStorage::new()));
    let block = block(&chain);
    let error = runtime()
        .block_on(add_block(&chain, block))
        .expect_err("the commit panics");
    assert!(
        matches!(&error, ChainError::Panicked { message } if message.contains("only the first")),
        "{error:?}"
    );
}

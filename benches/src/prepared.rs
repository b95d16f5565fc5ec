//! A ledger just before a block, and signatures before they are verified.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lockstep_core::chain::{AddedBlock, Chain};
use lockstep_core::clock::Clock;
use lockstep_core::config::{Config, ExecutionPath, HashSeed, ParallelConfig};
use lockstep_core::model::{
    Asset, Block, Cell, Genesis, Hash, Outcome, Payload, Timestamp, Transaction,
};
use lockstep_core::signature::{Claim, Keypair};
use lockstep_core::storage::{MemoryStorage, Storage};
use lockstep_sim::conflict_pattern::{self, ConflictPattern, Workload};

use crate::SEED;
use crate::compare::{PerItem, time};

/// The least part of a block that must be applied: what is rejected is cheap, and a fast block of
/// rejections is no fast block.
const LEAST_APPLIED_SHARE: f64 = 0.99;

/// A ledger with one block of a pattern, and the next block of that pattern.
///
/// The second block is the one that is measured: its accounts have a version before, as nearly all
/// accounts of a ledger have.
pub struct Prepared {
    genesis: Genesis,
    storage: MemoryStorage,
    /// The block that comes next.
    pub block: Block,
    /// The result of adding it.
    pub added: AddedBlock,
}

impl Prepared {
    /// Draws two blocks of `transactions` transactions each and executes the first.
    ///
    /// # Panics
    ///
    /// If less than 99 % of the next block would be applied.
    #[must_use]
    pub fn new(pattern: ConflictPattern, transactions: u16) -> Self {
        Prepared::of(conflict_pattern::workload(pattern, SEED, 2, transactions))
    }

    /// Executes the first of two blocks; the second is the one to be measured.
    ///
    /// # Panics
    ///
    /// If there are not two blocks, or less than 99 % of the second would be applied.
    #[must_use]
    pub fn of(workload: Workload) -> Self {
        let Workload { genesis, blocks } = workload;
        let [first, block] = <[Block; 2]>::try_from(blocks).expect("two blocks were asked for");
        let chain = open(MemoryStorage::new(), &genesis);
        add_checked(&chain, &first);
        let storage = chain.into_storage();
        let added = add_checked(&open(storage.clone(), &genesis), &block);
        Prepared {
            genesis,
            storage,
            block,
            added,
        }
    }

    /// Storage of the ledger before the block.
    #[must_use]
    pub const fn storage(&self) -> &MemoryStorage {
        &self.storage
    }

    /// The ledger before the block, on a copy of its storage that `wrap` may change into another.
    #[must_use]
    pub fn chain<S: Storage>(&self, wrap: impl FnOnce(MemoryStorage) -> S) -> Chain<S> {
        open(wrap(self.storage.clone()), &self.genesis)
    }

    /// The ledger before the block, on a copy of its storage, with workers that are warm, that
    /// executes on this path.
    #[must_use]
    pub fn warm_chain(&self, path: ExecutionPath, workers: usize) -> Chain<MemoryStorage> {
        let parallel = config(&self.genesis).parallel;
        self.warm_chain_by(ParallelConfig {
            forced: Some(path),
            workers: Some(workers),
            ..parallel
        })
    }

    /// The same, executing as it is told here.
    #[must_use]
    pub fn warm_chain_by(&self, parallel: ParallelConfig) -> Chain<MemoryStorage> {
        let config = Config {
            parallel,
            ..config(&self.genesis)
        };
        let clock: Arc<dyn Clock> = Arc::new(|| Timestamp(0));
        let chain = Chain::open(self.storage.clone(), &self.genesis, config, clock)
            .expect("a pattern's genesis is possible");
        let before = chain.tip().expect("memory can be read").height;
        assert_eq!(
            add_checked(&chain, &self.block),
            self.added,
            "all paths do the same"
        );
        chain.rewind_to(before).expect("the block can be undone");
        chain
    }

    /// All of `add_block` with workers that are warm, in nanoseconds a transaction.
    ///
    /// # Panics
    ///
    /// If the block is refused.
    #[must_use]
    pub fn add_block(&self, path: ExecutionPath, workers: usize) -> PerItem {
        self.add_block_after(Duration::ZERO, path, workers)
    }

    /// The same by a caller that has slept for `rest` just before, and its workers with it.
    ///
    /// # Panics
    ///
    /// As [`Prepared::add_block`].
    #[must_use]
    pub fn add_block_after(&self, rest: Duration, path: ExecutionPath, workers: usize) -> PerItem {
        let chain = self.warm_chain(path, workers);
        thread::sleep(rest);
        let (took, added) = time(|| chain.add_block(&self.block));
        assert!(added.is_ok(), "the block is good");
        PerItem::new(took, self.block.transactions.len())
    }

    /// Asserts that these are the outcomes of the block, all of them and in order.
    ///
    /// # Panics
    ///
    /// If they are others.
    pub fn assert_same(&self, outcomes: &[Outcome]) {
        let receipts = self.added.receipts.iter();
        assert!(
            receipts.map(|receipt| &receipt.outcome).eq(outcomes),
            "what is fast is also right"
        );
    }

    /// The block's transactions.
    #[must_use]
    pub fn transactions(&self) -> &[Transaction] {
        &self.block.transactions
    }
}

impl fmt::Display for Prepared {
    /// Prints the share of the block that is applied.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = conflict_pattern::applied_share(&self.added.receipts);
        write!(
            f,
            "{:.2} % of {} transactions are applied",
            100.0 * share,
            self.added.receipts.len()
        )
    }
}

/// Every cell of an account that these transfers touch, some of them more than once.
#[must_use]
pub fn cells<'t>(transactions: impl IntoIterator<Item = &'t Transaction>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for transaction in transactions {
        let source = transaction.source;
        cells.extend([
            Cell::Nonce(source),
            Cell::Multisig(source),
            Cell::Balance(source, Asset::NATIVE),
        ]);
        if let Payload::Transfers(transfers) = &transaction.payload {
            for transfer in transfers {
                if transfer.asset != Asset::NATIVE {
                    cells.push(Cell::Balance(source, transfer.asset));
                }
                cells.extend([
                    Cell::Nonce(transfer.destination),
                    Cell::Balance(transfer.destination, transfer.asset),
                ]);
            }
        }
    }
    cells
}

/// Returns `count` valid signatures, each by another key.
#[must_use]
pub fn claims(count: usize) -> Vec<Claim> {
    (0..count as u64)
        .map(|number| {
            let mut secret = [0; 32];
            secret[..8].copy_from_slice(&number.to_le_bytes());
            let keypair = Keypair::from_secret(secret);
            let message = Hash(secret);
            Claim {
                signer: keypair.public(),
                message,
                signature: keypair.sign(&message),
            }
        })
        .collect()
}

fn config(genesis: &Genesis) -> Config {
    Config {
        parallel: ParallelConfig {
            enabled: false,
            ..ParallelConfig::for_network(genesis.rules.network)
        },
        // Another seed in each process would be another layout of the maps in each.
        hash_seed: HashSeed::Fixed(SEED),
        ..Config::for_network(genesis.rules.network)
    }
}

fn open<S: Storage>(storage: S, genesis: &Genesis) -> Chain<S> {
    let clock: Arc<dyn Clock> = Arc::new(|| Timestamp(0));
    Chain::open(storage, genesis, config(genesis), clock).expect("a pattern's genesis is possible")
}

fn add_checked(chain: &Chain<MemoryStorage>, block: &Block) -> AddedBlock {
    let added = chain
        .add_block(block)
        .expect("a pattern's blocks extend the tip");
    let share = conflict_pattern::applied_share(&added.receipts);
    assert!(
        share >= LEAST_APPLIED_SHARE,
        "{:.2} % of the block are applied: it measures rejections",
        100.0 * share
    );
    added
}

//! Systems under test: anything that accepts blocks and whose state can be read.

mod pooled;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use lockstep_core::chain::{AddedBlock, Chain, ChainError, Mempool, Tip};
use lockstep_core::config::{Config, ExecutionPath, HashSeed};
use lockstep_core::merkle;
use lockstep_core::model::{
    Block, Cell, Genesis, Hash, Header, Height, PublicKey, Refusal, Timestamp, Transaction,
};
use lockstep_core::signature::Verifier;
use lockstep_core::storage::{MemoryStorage, RedbStorage, Storage, StorageError};
use lockstep_harness::coverage::Point;

use crate::entries::{self, StoredEntry};
use crate::oracle::NotAccepted;
use crate::reads::{Answer, Question, of_core};
use crate::scenario::{ConcurrentRequest, Fault};
use crate::world::{BlockResult, Newest, World};

/// A system under test.
pub trait Subject {
    /// Returns its name in reports, the same in every run.
    fn name(&self) -> &str;

    /// Adds a block to the tip.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Refused`] if the block is refused, the other variants if it was not decided.
    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError>;

    /// Undoes the blocks above a height, which is not above the tip.
    ///
    /// # Errors
    ///
    /// Any [`SubjectError`] but [`SubjectError::Refused`].
    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError>;

    /// Closes and opens the ledger.
    ///
    /// # Errors
    ///
    /// As [`Subject::rewind_to`].
    fn reopen(&mut self) -> Result<(), SubjectError>;

    /// Reads its whole observable state.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Failed`] if it cannot be read, [`SubjectError::Damaged`] if it is
    /// inconsistent.
    fn world(&self) -> Result<World, SubjectError>;

    /// Reads the tip and the newest versions of these cells, which are in order; `None` if it does not
    /// offer that: then its whole state is read after every step.
    ///
    /// # Errors
    ///
    /// As [`Subject::world`].
    fn newest(&self, cells: &[Cell]) -> Result<Option<Newest>, SubjectError> {
        let _ = cells;
        Ok(None)
    }

    /// Reads the stored block at a height and its receipts; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`Subject::world`].
    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError>;

    /// Hashes all stored bytes, in order: equal ledgers have equal ones on every storage.
    ///
    /// # Errors
    ///
    /// As [`Subject::world`].
    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError>;

    /// Reads all stored entries, in order, to describe a difference of the bytes; `None` if it does not tell
    /// them.
    ///
    /// # Errors
    ///
    /// As [`Subject::world`].
    fn entries(&self) -> Result<Option<Vec<StoredEntry>>, SubjectError> {
        Ok(None)
    }

    /// Returns whether its stored bytes are those of core: then they are compared with the bytes of a
    /// ledger that core builds anew from the blocks of the chain.
    fn stores_as_core(&self) -> bool {
        false
    }

    /// Answers a question about a public read; `None` if it does not offer that read.
    ///
    /// # Errors
    ///
    /// As [`Subject::world`].
    fn answer(&self, question: &Question) -> Result<Option<Answer>, SubjectError> {
        let _ = question;
        Ok(None)
    }

    /// Returns the number of workers at work on the last block; `None` if it does not count them.
    fn at_work(&self) -> Option<AtWork> {
        None
    }

    /// Takes the verdicts about signatures from this verifier from now on, in place of verifying them itself.
    /// Called before the first operation, if at all. Does nothing by default: it goes on verifying.
    fn take_verdicts(&mut self, verifier: Arc<dyn Verifier>) {
        let _ = verifier;
    }

    /// Returns the message of the panic from which the last operation recovered, by executing a block on
    /// another path, and forgets it; `None` if there was none, or if it reports none.
    fn take_recovered_panic(&mut self) -> Option<String> {
        None
    }

    /// True if its storage is a file of this machine, so that a failure without an injected fault may be the
    /// machine's. It is a finding otherwise.
    fn is_on_real_medium(&self) -> bool {
        false
    }

    /// Returns its mempool; `None` if it has none.
    fn pooled(&mut self) -> Option<&mut dyn Pooled> {
        None
    }

    /// Returns the interface for fault injection; `None` if it has none.
    fn faulty(&mut self) -> Option<&mut dyn Faulty> {
        None
    }
}

/// A subject with a mempool. Whatever it adds, it tells its mempool; a rewind it does not tell: the
/// transactions of undone blocks are submitted again.
pub trait Pooled {
    /// Begins an empty mempool with these limits.
    fn begin_pool(&mut self, transactions: usize, bytes: u64);

    /// Offers a transaction to the mempool.
    fn submit(&mut self, transaction: Transaction) -> Result<Hash, NotAccepted>;

    /// Returns the number of transactions that wait, and the bytes of their encodings.
    fn pool_size(&self) -> (usize, u64);

    /// Returns the best transactions that wait, at most this many and of at most this many bytes.
    ///
    /// # Errors
    ///
    /// As [`Subject::world`].
    fn chosen(&self, count: usize, bytes: u64) -> Result<Vec<Transaction>, SubjectError>;

    /// Makes a template of the best transactions, and returns its header.
    ///
    /// # Errors
    ///
    /// As [`Subject::world`].
    fn propose(&self, miner: PublicKey) -> Result<Header, SubjectError>;

    /// Adds the block of a template by its header alone.
    ///
    /// # Errors
    ///
    /// As [`Subject::add_block`], and [`SubjectError::Damaged`] if the body is not known.
    fn add_header(&mut self, header: &Header) -> Result<BlockResult, SubjectError>;
}

/// A subject with fault injection.
pub trait Faulty {
    /// Arms a fault for the next operation. Returns `false` if the fault cannot happen to this
    /// subject, or not together with those armed before.
    fn arm(&mut self, fault: Fault) -> bool;

    /// Ends the armed faults and returns what happened: the power is back, the disk is repaired,
    /// the ledger is open.
    ///
    /// # Errors
    ///
    /// Any [`SubjectError`] of opening the ledger again, without a fault.
    fn recover(&mut self) -> Result<Aftermath, SubjectError>;

    /// Makes a template of these transactions, moves the clock by `jump_ms` milliseconds, and adds
    /// the header alone, or the whole block if its body has expired.
    ///
    /// # Errors
    ///
    /// As [`Subject::add_block`].
    fn template(
        &mut self,
        transactions: &[Transaction],
        miner: PublicKey,
        jump_ms: i64,
    ) -> Result<Template, SubjectError>;
}

/// Events of the armed faults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aftermath {
    /// Coverage points of the faults that happened.
    pub events: Vec<&'static Point>,
    /// Report of the concurrent request, if one was made.
    pub concurrent: Option<ConcurrentReport>,
    /// True if the execution of a block panicked once, on a parallel path: another path must add the block.
    pub is_recoverable: bool,
}

/// Result of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its block.
    pub block: Block,
    /// True if its header alone was accepted.
    pub is_known: bool,
    /// Result of its block.
    pub result: BlockResult,
}

/// A concurrent request with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConcurrentAct {
    /// Undo the blocks above this height.
    Rewind(Height),
    /// Add this block.
    Add(Block),
    /// Read the whole ledger.
    Read,
    /// Close the ledger.
    Close,
}

/// Result of a concurrent request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConcurrentReport {
    /// The request.
    pub act: ConcurrentAct,
    /// The answer; the result of a block for [`ConcurrentAct::Add`].
    pub answer: Result<Option<BlockResult>, SubjectError>,
    /// The world that a reader read.
    pub saw: Option<World>,
}

impl ConcurrentAct {
    /// Returns the act of a request that is concurrent with this block on this tip.
    #[must_use]
    pub fn of(request: ConcurrentRequest, tip: Height, block: &Block) -> Self {
        match request {
            ConcurrentRequest::Rewind(depth) => {
                ConcurrentAct::Rewind(Height(tip.0.saturating_sub(depth)))
            }
            ConcurrentRequest::SameBlock => ConcurrentAct::Add(block.clone()),
            ConcurrentRequest::OtherBlock => ConcurrentAct::Add(Block {
                header: Header {
                    merkle_root: merkle::root(&[]),
                    count: 0,
                    // Another hash even if the block has no transactions either.
                    time: Timestamp(block.header.time.0.saturating_add(1)),
                    ..block.header.clone()
                },
                transactions: Vec::new(),
            }),
            ConcurrentRequest::Reader => ConcurrentAct::Read,
            ConcurrentRequest::Close => ConcurrentAct::Close,
        }
    }
}

/// A block and its receipts, as read from storage.
pub type StoredBlock = (Block, Vec<lockstep_core::model::Receipt>);

/// Number of workers at work at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtWork {
    /// Configured maximum.
    pub limit: usize,
    /// Measured maximum.
    pub most: usize,
}

/// The reason why a subject did not do an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectError {
    /// The block does not extend the chain.
    Refused(Refusal),
    /// The stored data is inconsistent: a finding, because no test damages it.
    Damaged(String),
    /// The operation does not end: a deadlock or a livelock.
    Stuck(String),
    /// The storage or the machine failed. No finding if a fault was injected, or if the subject
    /// [is on a real medium](Subject::is_on_real_medium).
    Failed(String),
    /// The operation was aborted, by a panic or by cancellation.
    GivenUp(String),
}

impl fmt::Display for SubjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubjectError::Refused(refusal) => refusal.fmt(f),
            SubjectError::Damaged(reason)
            | SubjectError::Stuck(reason)
            | SubjectError::Failed(reason)
            | SubjectError::GivenUp(reason) => reason.fmt(f),
        }
    }
}

impl From<ChainError> for SubjectError {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Refused(refusal) => SubjectError::Refused(refusal),
            ChainError::Storage(error) => error.into(),
            gave_up @ (ChainError::Panicked { .. } | ChainError::Cancelled) => {
                SubjectError::GivenUp(gave_up.to_string())
            }
            other => SubjectError::Damaged(other.to_string()),
        }
    }
}

impl From<StorageError> for SubjectError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Corrupt { .. } => SubjectError::Damaged(error.to_string()),
            other => SubjectError::Failed(other.to_string()),
        }
    }
}

/// Core with one execution mode.
pub struct Core<S> {
    name: String,
    /// `None` only while it is closed.
    chain: Option<Chain<S>>,
    reopen: Box<dyn Fn(S) -> Result<Chain<S>, ChainError>>,
    /// `None` if it verifies signatures itself.
    verifier: Option<Arc<dyn Verifier>>,
    is_on_real_medium: bool,
    recovered_panic: Option<String>,
    /// `None` until one is begun.
    pool: Option<Mempool>,
}

/// Execution mode of core, used for blocks of every size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// On one thread.
    Serial,
    /// Stateless checks on N workers, execution on one thread.
    ParallelValidation(usize),
    /// Stateless checks and graph execution on N workers.
    Graph(usize),
    /// Every mode on N workers, compared by core itself.
    TestMode(usize),
    /// The mode that core chooses for the network and each block, and that `LOCKSTEP_PARALLEL_*` in
    /// the environment override.
    AsConfigured,
}

impl Execution {
    /// Modes that a campaign tests.
    pub const ALL: [Execution; 8] = [
        Execution::Serial,
        Execution::ParallelValidation(2),
        Execution::Graph(1),
        Execution::Graph(2),
        Execution::Graph(3),
        Execution::Graph(8),
        Execution::TestMode(2),
        Execution::AsConfigured,
    ];

    /// Returns the configuration of a node with this execution mode.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Failed`] if `LOCKSTEP_PARALLEL_*` in the environment are invalid.
    pub fn config(self, genesis: &Genesis, hash_seed: u64) -> Result<Config, SubjectError> {
        let mut config = Config {
            hash_seed: HashSeed::Fixed(hash_seed),
            ..Config::for_network(genesis.rules.network)
        };
        let (forced, workers) = match self {
            Execution::Serial => (ExecutionPath::Serial, 1),
            Execution::ParallelValidation(workers) => (ExecutionPath::ParallelValidation, workers),
            Execution::Graph(workers) | Execution::TestMode(workers) => {
                (ExecutionPath::Graph, workers)
            }
            Execution::AsConfigured => {
                config.parallel = config
                    .parallel
                    .with_environment(|name| std::env::var_os(name))
                    .map_err(|error| SubjectError::Failed(error.to_string()))?;
                return Ok(config);
            }
        };
        config.parallel.forced = Some(forced);
        config.parallel.workers = Some(workers);
        config.parallel.test_mode = matches!(self, Execution::TestMode(_));
        Ok(config)
    }
}

impl fmt::Display for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Execution::Serial => write!(f, "serial"),
            Execution::ParallelValidation(workers) => {
                write!(f, "parallel validation on {workers} workers")
            }
            Execution::Graph(workers) => write!(f, "graph on {workers} workers"),
            Execution::TestMode(workers) => write!(f, "test mode on {workers} workers"),
            Execution::AsConfigured => write!(f, "as configured"),
        }
    }
}

impl Core<MemoryStorage> {
    /// Creates core in memory, executed serially. Closing keeps the memory.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis is impossible.
    pub fn in_memory(genesis: &Genesis, hash_seed: u64) -> Result<Self, SubjectError> {
        Core::executed(Execution::Serial, genesis, hash_seed)
    }

    /// Creates core in memory with this execution mode. Closing keeps the memory.
    ///
    /// # Errors
    ///
    /// As [`Core::in_memory`], and as [`Execution::config`].
    pub fn executed(
        execution: Execution,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Self, SubjectError> {
        let name = format!("core in memory: {execution}");
        Core::configured(name, genesis, execution.config(genesis, hash_seed)?)
    }

    /// Creates core in memory with this configuration. Closing keeps the memory.
    ///
    /// # Errors
    ///
    /// As [`Core::in_memory`].
    pub fn configured(
        name: String,
        genesis: &Genesis,
        config: Config,
    ) -> Result<Self, SubjectError> {
        let genesis = genesis.clone();
        Core::new(name, MemoryStorage::new(), move |storage| {
            open(storage, &genesis, config.clone())
        })
    }
}

impl Core<RedbStorage> {
    /// Opens core in a redb file with this execution mode. Closing closes the file, and opening
    /// reads it again.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis is impossible or the file is no ledger of it,
    /// [`SubjectError::Failed`] if the file cannot be opened, and as [`Execution::config`].
    pub fn in_file(
        path: &Path,
        execution: Execution,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Self, SubjectError> {
        let name = format!("core in redb: {execution}");
        Core::configured_in_file(path, name, genesis, execution.config(genesis, hash_seed)?)
    }

    /// Opens core in a redb file with this configuration. Closing closes the file, and opening
    /// reads it again.
    ///
    /// # Errors
    ///
    /// As [`Core::in_file`].
    pub fn configured_in_file(
        path: &Path,
        name: String,
        genesis: &Genesis,
        config: Config,
    ) -> Result<Self, SubjectError> {
        let genesis = genesis.clone();
        let path: PathBuf = path.to_path_buf();
        let mut core = Core::new(name, RedbStorage::open(&path)?, move |storage| {
            // The file is locked until it is closed.
            drop(storage);
            open(RedbStorage::open(&path)?, &genesis, config.clone())
        })?;
        core.is_on_real_medium = true;
        Ok(core)
    }
}

impl<S: Storage> Core<S> {
    /// Opens core on any storage with this configuration. Closing gives the storage to `reopen`,
    /// which returns the storage that is opened next.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis is impossible or the storage holds another ledger,
    /// [`SubjectError::Failed`] if the storage fails.
    pub fn on(
        name: String,
        storage: S,
        genesis: &Genesis,
        config: Config,
        reopen: impl Fn(S) -> Result<S, StorageError> + 'static,
    ) -> Result<Self, SubjectError> {
        let genesis = genesis.clone();
        Core::new(name, storage, move |storage| {
            open(reopen(storage)?, &genesis, config.clone())
        })
    }

    fn new(
        name: String,
        storage: S,
        reopen: impl Fn(S) -> Result<Chain<S>, ChainError> + 'static,
    ) -> Result<Self, SubjectError> {
        Ok(Core {
            name,
            chain: Some(reopen(storage)?),
            reopen: Box::new(reopen),
            verifier: None,
            is_on_real_medium: false,
            recovered_panic: None,
            pool: None,
        })
    }

    /// Tells the mempool what a block has used, and returns the result of the block.
    fn told(&mut self, added: AddedBlock) -> BlockResult {
        if let Some(pool) = &mut self.pool {
            pool.forget_used(&added.state_diff);
        }
        result(added)
    }

    /// Returns the ledger itself.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Failed`] if it is closed because it could not be opened again.
    pub fn chain(&self) -> Result<&Chain<S>, SubjectError> {
        self.chain.as_ref().ok_or_else(closed)
    }
}

impl<S: Storage> Subject for Core<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let chain = self.chain.as_ref().ok_or_else(closed)?;
        let mut added = chain.add_block(block)?;
        if let Some(from) = added.recovered_from.take() {
            self.recovered_panic = Some(from);
        }
        // After a panic there is no result to differ.
        if !chain.trusts_parallel() && self.recovered_panic.is_none() {
            return Err(SubjectError::Damaged(
                "test mode found a parallel result that differs from the serial one".to_owned(),
            ));
        }
        is_tip(added.tip, chain)?;
        Ok(self.told(added))
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        let chain = self.chain()?;
        is_tip(chain.rewind_to(height)?, chain)
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        let storage = self.chain.take().ok_or_else(closed)?.into_storage();
        let chain = (self.reopen)(storage)?;
        self.chain = Some(with_verifier(chain, self.verifier.as_ref()));
        Ok(())
    }

    fn world(&self) -> Result<World, SubjectError> {
        world(self.chain()?)
    }

    fn newest(&self, cells: &[Cell]) -> Result<Option<Newest>, SubjectError> {
        newest(self.chain()?, cells).map(Some)
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        stored(self.chain()?, height)
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        let storage = self.chain()?.storage();
        let storage = storage.read().unwrap_or_else(PoisonError::into_inner);
        bytes_kept(&*storage)
    }

    fn entries(&self) -> Result<Option<Vec<StoredEntry>>, SubjectError> {
        let storage = self.chain()?.storage();
        let storage = storage.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(entries::of_storage(&*storage)?))
    }

    fn stores_as_core(&self) -> bool {
        true
    }

    fn answer(&self, question: &Question) -> Result<Option<Answer>, SubjectError> {
        Ok(Some(of_core::answer(self.chain()?, question)?))
    }

    fn take_recovered_panic(&mut self) -> Option<String> {
        self.recovered_panic.take()
    }

    fn is_on_real_medium(&self) -> bool {
        self.is_on_real_medium
    }

    fn take_verdicts(&mut self, verifier: Arc<dyn Verifier>) {
        self.verifier = Some(verifier);
        let chain = self.chain.take();
        self.chain = chain.map(|chain| with_verifier(chain, self.verifier.as_ref()));
    }

    fn pooled(&mut self) -> Option<&mut dyn Pooled> {
        Some(self)
    }
}

/// Returns the ledger with this verifier, or as it is if there is none.
pub(crate) fn with_verifier<S: Storage>(
    chain: Chain<S>,
    verifier: Option<&Arc<dyn Verifier>>,
) -> Chain<S> {
    match verifier {
        Some(verifier) => chain.with_verifier(Arc::clone(verifier)),
        None => chain,
    }
}

/// Checks that the tip that core returned is the stored one.
fn is_tip<S: Storage>(answered: Tip, chain: &Chain<S>) -> Result<(), SubjectError> {
    let tip = chain.tip()?;
    if answered == tip {
        return Ok(());
    }
    Err(SubjectError::Damaged(format!(
        "the returned tip is {answered:?}, and the stored one {tip:?}"
    )))
}

/// Converts core's answer into the result of a trial.
pub(crate) fn result(added: AddedBlock) -> BlockResult {
    BlockResult {
        receipts: added.receipts,
        state_diff: added.state_diff,
        fees: added.fees,
        reward: added.reward,
        digest: added.tip.digest,
    }
}

/// Reads the stored block at a height and its receipts.
pub(crate) fn stored<S: Storage>(
    chain: &Chain<S>,
    height: Height,
) -> Result<Option<StoredBlock>, SubjectError> {
    Ok(chain.block(height)?.zip(chain.receipts(height)?))
}

/// Reads the whole observable state of a ledger.
///
/// # Errors
///
/// [`SubjectError::Failed`] if the storage cannot be read, [`SubjectError::Damaged`] if it is
/// corrupt.
pub fn world<S: Storage>(chain: &Chain<S>) -> Result<World, SubjectError> {
    const PAGE: usize = 1024;
    let tip = chain.tip()?;
    let mut world = World {
        height: tip.height,
        hash: tip.hash,
        time: tip.time,
        digest: tip.digest,
        cells: std::collections::BTreeMap::new(),
    };
    let mut after = None;
    loop {
        let page = chain.cells(after, PAGE)?;
        for cell in &page {
            let mut versions = chain.history(*cell)?;
            versions.reverse();
            world.cells.insert(*cell, versions);
        }
        after = page.last().copied();
        if page.len() < PAGE {
            return Ok(world);
        }
    }
}

/// Reads the tip and the newest versions of cells, which are in order.
///
/// # Errors
///
/// As [`world`].
pub(crate) fn newest<S: Storage>(chain: &Chain<S>, cells: &[Cell]) -> Result<Newest, SubjectError> {
    let tip = chain.tip()?;
    let versions = chain.newest(cells)?;
    Ok(Newest {
        height: tip.height,
        hash: tip.hash,
        time: tip.time,
        digest: tip.digest,
        versions: cells.iter().copied().zip(versions).collect(),
    })
}

/// Hashes all bytes of a storage, in order.
///
/// # Errors
///
/// [`SubjectError::Failed`] if the storage cannot be read, [`SubjectError::Damaged`] if it is
/// corrupt.
pub fn bytes_kept(storage: &impl Storage) -> Result<blake3::Hash, SubjectError> {
    /// Bytes that are hashed at once: small pieces take several times as long.
    const PIECE: usize = 1 << 16;
    let mut hasher = blake3::Hasher::new();
    let mut piece = Vec::with_capacity(PIECE);
    entries::visit(storage, |table, key, value| {
        for part in [table.as_bytes(), key, value] {
            piece.extend((part.len() as u64).to_le_bytes());
            piece.extend_from_slice(part);
        }
        let whole = piece.len() / PIECE * PIECE;
        if whole > 0 {
            hasher.update(&piece[..whole]);
            piece.drain(..whole);
        }
    })?;
    hasher.update(&piece);
    Ok(hasher.finalize())
}

fn open<S: Storage>(storage: S, genesis: &Genesis, config: Config) -> Result<Chain<S>, ChainError> {
    // No run may depend on the time of day.
    let clock = Arc::new(|| Timestamp(0));
    Chain::open(storage, genesis, config, clock)
}

pub(crate) fn closed() -> SubjectError {
    SubjectError::Failed("the ledger is closed: it could not be opened again".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::build;

    #[test]
    fn an_answer_that_differs_from_the_stored_tip_is_found() {
        let recipe = crate::scenario::GenesisRecipe {
            network: crate::scenario::NetworkName::Devnet,
            reward: 1,
            native_limit: u64::MAX,
            max_block_bytes: 1_000,
            balances: Vec::new(),
        };
        let genesis = build::genesis(&recipe, &mut build::Keys::default());
        let core = Core::executed(Execution::Serial, &genesis, 0).expect("memory does not fail");
        let chain = core.chain().expect("it is open");
        let tip = chain.tip().expect("memory does not fail");
        assert_eq!(is_tip(tip, chain), Ok(()));
        let mut other = tip;
        other.digest.0[0] ^= 1;
        assert!(matches!(
            is_tip(other, chain),
            Err(SubjectError::Damaged(_))
        ));
    }
}

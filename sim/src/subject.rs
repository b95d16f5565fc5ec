//! Who is on trial: anything that takes blocks and can be looked at.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use lockstep_core::chain::{AddedBlock, Chain, ChainError, Tip};
use lockstep_core::config::{Config, ExecutionPath, HashSeed};
use lockstep_core::merkle;
use lockstep_core::model::{
    Block, Genesis, Header, Height, PublicKey, Refusal, Timestamp, Transaction,
};
use lockstep_core::storage::{MemoryStorage, RedbStorage, Storage, StorageError, Table};
use lockstep_harness::coverage::Point;

use crate::scenario::{ConcurrentRequest, Fault};
use crate::world::{BlockResult, World};

/// A ledger on trial.
pub trait Subject {
    /// What it is called in reports.
    fn name(&self) -> &str;

    /// Adds a block to the tip.
    ///
    /// # Errors
    ///
    /// Where the block is refused, or something failed.
    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError>;

    /// Undoes the blocks above a height, which is not above the tip.
    ///
    /// # Errors
    ///
    /// Where something failed.
    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError>;

    /// Closes and opens the ledger.
    ///
    /// # Errors
    ///
    /// Where something failed.
    fn reopen(&mut self) -> Result<(), SubjectError>;

    /// Everything that can be seen of it.
    ///
    /// # Errors
    ///
    /// Where something failed, or what is there makes no sense.
    fn world(&self) -> Result<World, SubjectError>;

    /// Everything that is kept about the block at a height, as it reads back; `None` for none.
    ///
    /// # Errors
    ///
    /// As [`Subject::world`].
    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError>;

    /// All bytes that are kept, in order, where it can tell: equal ledgers have equal ones,
    /// wherever they are kept.
    ///
    /// # Errors
    ///
    /// Where something failed.
    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError>;

    /// How many worked on the last block at once, where it has workers and counts them.
    fn at_work(&self) -> Option<AtWork> {
        None
    }

    /// Where things can go wrong beside what it is asked, the way to let them.
    fn faulty(&mut self) -> Option<&mut dyn Faulty> {
        None
    }
}

/// A subject to which things can happen beside what it is asked.
pub trait Faulty {
    /// Lets something go wrong while the next thing is asked of it. Gives `false` where it cannot
    /// happen to this subject, or not together with what was armed before.
    fn arm(&mut self, fault: Fault) -> bool;

    /// Ends what was armed: the power is back, the disk is repaired, the ledger is open. Says what
    /// happened.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be opened again, although nothing fails any more.
    fn recover(&mut self) -> Result<Aftermath, SubjectError>;

    /// Makes a template of these transactions, lets the clock jump, and adds the header alone, and
    /// the whole block where the body is not known any more.
    ///
    /// # Errors
    ///
    /// Where something failed.
    fn template(
        &mut self,
        transactions: &[Transaction],
        miner: PublicKey,
        jump_ms: i64,
    ) -> Result<Template, SubjectError>;
}

/// What happened of what was armed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aftermath {
    /// The events that were reached, as they are counted.
    pub events: Vec<&'static Point>,
    /// What somebody else did meanwhile.
    pub concurrent: Option<ConcurrentReport>,
}

/// What became of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its block.
    pub block: Block,
    /// Whether its header alone was enough.
    pub is_known: bool,
    /// What its block did.
    pub result: BlockResult,
}

/// What somebody else wants, with everything that it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConcurrentAct {
    /// To undo what is above this height.
    Rewind(Height),
    /// To add this block.
    Add(Block),
    /// To read everything.
    Read,
    /// To close the ledger.
    Close,
}

/// What somebody else did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConcurrentReport {
    /// What was wanted.
    pub act: ConcurrentAct,
    /// The answer: what a block did, or nothing.
    pub answer: Result<Option<BlockResult>, SubjectError>,
    /// What was read.
    pub saw: Option<World>,
}

impl ConcurrentAct {
    /// What a rival of this block on this tip wants.
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
                    // Another name even where the block has no transaction either.
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

/// A block and its receipts, as they read back.
pub type StoredBlock = (Block, Vec<lockstep_core::model::Receipt>);

/// How many workers were at work at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtWork {
    /// The most that may be.
    pub limit: usize,
    /// The most that were.
    pub most: usize,
}

/// A subject did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectError {
    /// The block does not extend the chain.
    Refused(Refusal),
    /// What is kept makes no sense: a finding, for nobody damaged it.
    Damaged(String),
    /// It does not end: nobody can go on, or everybody does for ever.
    Stuck(String),
    /// The machine failed: no finding.
    Failed(String),
    /// It was given up half way, because somebody panicked or lost interest.
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

/// Core, with its blocks executed in one way.
pub struct Core<S> {
    name: String,
    /// Absent only while it is closed.
    chain: Option<Chain<S>>,
    reopen: Box<dyn Fn(S) -> Result<Chain<S>, ChainError>>,
}

/// How core executes the blocks of a subject, whatever their size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// On one thread.
    Serial,
    /// The stateless checks on so many workers.
    ParallelValidation(usize),
    /// Everything on so many workers.
    Graph(usize),
    /// In all ways, on so many workers, and compared by core itself.
    TestMode(usize),
    /// As core itself chooses for the network and each block, and as `LOCKSTEP_PARALLEL_*` in the
    /// environment say.
    AsConfigured,
}

impl Execution {
    /// All ways that a campaign puts on trial.
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

    /// The configuration of a node that executes this way.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Failed`], where the environment of a node says something impossible.
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
    /// In memory, executed serially. Closing keeps the memory.
    ///
    /// # Errors
    ///
    /// Where the genesis is impossible.
    pub fn in_memory(genesis: &Genesis, hash_seed: u64) -> Result<Self, SubjectError> {
        Core::executed(Execution::Serial, genesis, hash_seed)
    }

    /// In memory, executed in this way. Closing keeps the memory.
    ///
    /// # Errors
    ///
    /// Where the genesis is impossible.
    pub fn executed(
        execution: Execution,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Self, SubjectError> {
        let name = format!("core in memory: {execution}");
        Core::configured(name, genesis, execution.config(genesis, hash_seed)?)
    }

    /// In memory, with this configuration. Closing keeps the memory.
    ///
    /// # Errors
    ///
    /// Where the genesis is impossible.
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
    /// In a redb file, executed in this way. Closing closes the file, and opening reads it again.
    ///
    /// # Errors
    ///
    /// Where the genesis is impossible or the file cannot be opened.
    pub fn in_file(
        path: &Path,
        execution: Execution,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Self, SubjectError> {
        let name = format!("core in redb: {execution}");
        Core::configured_in_file(path, name, genesis, execution.config(genesis, hash_seed)?)
    }

    /// In a redb file, with this configuration. Closing closes the file, and opening reads it again.
    ///
    /// # Errors
    ///
    /// Where the genesis is impossible or the file cannot be opened.
    pub fn configured_in_file(
        path: &Path,
        name: String,
        genesis: &Genesis,
        config: Config,
    ) -> Result<Self, SubjectError> {
        let genesis = genesis.clone();
        let path: PathBuf = path.to_path_buf();
        Core::new(name, RedbStorage::open(&path)?, move |storage| {
            // The file is locked until it is closed.
            drop(storage);
            open(RedbStorage::open(&path)?, &genesis, config.clone())
        })
    }
}

impl<S: Storage> Core<S> {
    /// On any storage, with this configuration. Closing gives the storage to `reopen`, which gives
    /// back what is opened next.
    ///
    /// # Errors
    ///
    /// Where the genesis is impossible or the storage holds something else.
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
        })
    }

    /// The ledger itself.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Failed`], where it is closed because it could not be opened again.
    pub fn chain(&self) -> Result<&Chain<S>, SubjectError> {
        self.chain.as_ref().ok_or_else(closed)
    }
}

impl<S: Storage> Subject for Core<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let chain = self.chain()?;
        let added = chain.add_block(block)?;
        if !chain.trusts_parallel() {
            return Err(SubjectError::Damaged(
                "test mode found a parallel result that differs from the serial one".to_owned(),
            ));
        }
        is_tip(added.tip, chain)?;
        Ok(result(added))
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        let chain = self.chain()?;
        is_tip(chain.rewind_to(height)?, chain)
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        let storage = self.chain.take().ok_or_else(closed)?.into_storage();
        self.chain = Some((self.reopen)(storage)?);
        Ok(())
    }

    fn world(&self) -> Result<World, SubjectError> {
        world(self.chain()?)
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        stored(self.chain()?, height)
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        let storage = self.chain()?.storage();
        let storage = storage.read().unwrap_or_else(PoisonError::into_inner);
        bytes_kept(&*storage)
    }
}

/// Whether what core answered is what is there.
fn is_tip<S: Storage>(answered: Tip, chain: &Chain<S>) -> Result<(), SubjectError> {
    let tip = chain.tip()?;
    if answered == tip {
        return Ok(());
    }
    Err(SubjectError::Damaged(format!(
        "it answered that the tip is {answered:?}, and there is {tip:?}"
    )))
}

/// What core answered, in the words of a trial.
pub(crate) fn result(added: AddedBlock) -> BlockResult {
    BlockResult {
        receipts: added.receipts,
        changes: added.state_diff,
        fees: added.fees,
        reward: added.reward,
        digest: added.tip.digest,
    }
}

/// Everything that is kept about the block at a height.
pub(crate) fn stored<S: Storage>(
    chain: &Chain<S>,
    height: Height,
) -> Result<Option<StoredBlock>, SubjectError> {
    Ok(chain.block(height)?.zip(chain.receipts(height)?))
}

/// Everything that can be seen of a ledger.
///
/// # Errors
///
/// [`SubjectError::Failed`] or [`SubjectError::Damaged`], as the storage answers.
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

/// All bytes of a storage, in order, hashed.
///
/// # Errors
///
/// [`SubjectError::Failed`], where the storage cannot be read.
pub fn bytes_kept(storage: &impl Storage) -> Result<blake3::Hash, SubjectError> {
    const PAGE: usize = 1024;
    let mut hasher = blake3::Hasher::new();
    for table in Table::ALL {
        let mut start = Vec::new();
        loop {
            let page = storage.scan(table, &start, PAGE)?;
            for (key, value) in &page {
                for part in [table.name().as_bytes(), key, value] {
                    hasher.update(&(part.len() as u64).to_le_bytes());
                    hasher.update(part);
                }
            }
            match page.last() {
                Some((key, _)) if page.len() == PAGE => {
                    start.clone_from(key);
                    start.push(0);
                }
                _ => break,
            }
        }
    }
    Ok(hasher.finalize())
}

fn open<S: Storage>(storage: S, genesis: &Genesis, config: Config) -> Result<Chain<S>, ChainError> {
    // Nothing in a run may depend on the time of day.
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
    fn an_answer_that_is_not_what_is_there_is_found() {
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

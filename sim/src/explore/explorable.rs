//! Executors whose blocks are explored, and the states of their ledgers between two blocks.

use lockstep_core::config::Config;
use lockstep_core::model::{Block, Genesis, Height};

use crate::faulty::{ConcurrentAct, ConcurrentReport};
use crate::scenario::Fault;
use crate::subject::{AtWork, StoredBlock, Subject, SubjectError};
use crate::world::{BlockResult, World};

/// State of a ledger between two blocks, with its serial operations.
pub trait LedgerState: Clone + PartialEq + Send + Sync + Sized + 'static {
    /// Creates the state at height 0.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis is impossible.
    fn of_genesis(genesis: &Genesis, config: &Config) -> Result<Self, SubjectError>;

    /// Executes a block serially, outside of shuttle. Returns its result and the state after it.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Refused`] if the block does not extend the chain, any other variant if the
    /// execution fails. This state is unchanged then.
    fn add_serially(
        &self,
        config: &Config,
        block: &Block,
    ) -> Result<(BlockResult, Self), SubjectError>;

    /// Returns the state with the blocks above a height undone.
    ///
    /// # Errors
    ///
    /// As [`Subject::rewind_to`].
    fn rewound_to(&self, config: &Config, height: Height) -> Result<Self, SubjectError>;

    /// Returns the observable state, like [`Subject::world`].
    ///
    /// # Errors
    ///
    /// As [`Subject::world`].
    fn world(&self, config: &Config) -> Result<World, SubjectError>;

    /// Returns the stored block at a height, like [`Subject::stored`].
    ///
    /// # Errors
    ///
    /// As [`Subject::stored`].
    fn stored(&self, config: &Config, height: Height) -> Result<Option<StoredBlock>, SubjectError>;

    /// Returns a hash of all stored bytes, like [`Subject::bytes_kept`].
    ///
    /// # Errors
    ///
    /// As [`Subject::bytes_kept`].
    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError>;
}

/// An executor of blocks over shuttle's primitives.
pub trait Explorable: Send + Sync + 'static {
    /// State of its ledger between two blocks.
    type LedgerState: LedgerState;

    /// Name in reports.
    fn name(&self) -> &str;

    /// Executes a block on a ledger with this state, inside a shuttle execution, together with a
    /// concurrent request where it [supports](Explorable::supports) one.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Refused`] if the block does not extend the chain, any other variant if the
    /// execution fails.
    fn add_block(
        &self,
        ledger: Self::LedgerState,
        config: &Config,
        block: &Block,
        concurrent: Option<ConcurrentAct>,
    ) -> Result<Added<Self::LedgerState>, SubjectError>;

    /// Does as [`Explorable::add_block`], with a fault that it [supports](Explorable::supports) and that is no
    /// concurrent request. An error of a block under a fault that happened is a result, with the ledger that
    /// it left, and the block is added again in the same execution.
    ///
    /// # Errors
    ///
    /// As [`Explorable::add_block`], if the fault did not happen.
    fn add_block_under(
        &self,
        _fault: Fault,
        ledger: Self::LedgerState,
        config: &Config,
        block: &Block,
    ) -> Result<Added<Self::LedgerState>, SubjectError> {
        self.add_block(ledger, config, block, None)
    }

    /// Returns whether this fault can be injected while it adds a block.
    fn supports(&self, _fault: Fault) -> bool {
        false
    }

    /// Creates the control subjects, which run the same scenario unexplored and must keep the same bytes.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis is impossible.
    fn control_subjects(
        &self,
        _genesis: &Genesis,
        _hash_seed: u64,
    ) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
        Ok(Vec::new())
    }
}

/// Result of adding a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added<S> {
    /// Result of the block; an error where a concurrent request kept it from being added.
    pub result: Result<BlockResult, SubjectError>,
    /// State of the ledger afterwards.
    pub ledger: S,
    /// The concurrent request and its answer.
    pub concurrent: Option<ConcurrentReport>,
    /// Number of workers at work, where it is counted.
    pub at_work: Option<AtWork>,
    /// The thread that met an injected fault, if one was injected that is no concurrent request.
    pub met_by: Option<MetBy>,
    /// Result of the same block when it is added again without the fault that kept it from being added, in
    /// the same execution, and the ledger afterwards.
    pub again: Option<(Result<BlockResult, SubjectError>, S)>,
}

/// A thread that meets an injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetBy {
    /// The one that adds the block.
    Caller,
    /// A worker beside it.
    Worker,
}

impl<S> Added<S> {
    /// Creates the result of a block without a concurrent request.
    pub const fn alone(result: BlockResult, ledger: S) -> Self {
        Added::of(Ok(result), ledger)
    }

    /// Creates the answer to a block without a concurrent request and without a fault that happened.
    pub const fn of(result: Result<BlockResult, SubjectError>, ledger: S) -> Self {
        Added {
            result,
            ledger,
            concurrent: None,
            at_work: None,
            met_by: None,
            again: None,
        }
    }
}

//! The executor that the harness is measured with: in the shape in which ledgers have been
//! parallelised, right by default, and wrong in one known way where it is told to be.
//!
//! Transactions are gathered in batches in which no two conflict, a worker executes each against a
//! cache that is loaded in two steps, and the cache is merged kind by kind when all batches are
//! done. The workers of a batch take turns, the last one first: a right batch cannot tell. It
//! shares the nouns, the encodings and the stateless checks with core, and nothing else. What takes
//! real interleavings is in [`concurrent`], where the workers are threads; what takes a failing disk
//! is in neither, and `docs/known-bugs.md` says where.

mod batches;
mod cache;
mod committed;
pub mod concurrent;
mod merge;
mod seeded_bugs;
mod signatures;
mod store;
mod worker;

use lockstep_core::model::{Block, Genesis, Height, Outcome};

pub use self::committed::CommittedState;
pub use self::seeded_bugs::ExecutorBug;
use self::worker::Workers;
use lockstep_sim::subject::{StoredBlock, Subject, SubjectError};
use lockstep_sim::world::{BlockResult, World};

/// A ledger whose blocks are executed in batches, with a bug or without.
#[derive(Debug)]
pub struct BuggyExecutor {
    committed: CommittedState,
    bug: Option<ExecutorBug>,
}

impl BuggyExecutor {
    /// A ledger at height 0; `None` for one that is right.
    ///
    /// # Errors
    ///
    /// Where the genesis is impossible.
    pub fn new(genesis: &Genesis, bug: Option<ExecutorBug>) -> Result<Self, SubjectError> {
        let committed = CommittedState::at_genesis(genesis, bug)?;
        Ok(BuggyExecutor { committed, bug })
    }
}

impl Subject for BuggyExecutor {
    fn name(&self) -> &str {
        "buggy executor"
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let identities = self.committed.admit(block)?;
        let network = self.committed.rules.network;
        let mut workers = Workers::new(&self.committed.store, network, self.bug);
        let forgers = match self.bug {
            Some(ExecutorBug::BatchSignatureRule) => signatures::forgers(block),
            _ => vec![None; block.transactions.len()],
        };
        let mut outcomes = vec![None; block.transactions.len()];
        for batch in batches::batches(&block.transactions, self.bug) {
            for &index in batch.iter().rev() {
                let (transaction, forger) = (&block.transactions[index], forgers[index]);
                outcomes[index] = Some(workers.execute(transaction, forger)?);
            }
        }
        let cache = workers.cache;
        let outcomes: Vec<Outcome> = outcomes
            .into_iter()
            .map(|outcome| outcome.expect("every transaction is in a batch"))
            .collect();
        self.committed.close(block, identities, outcomes, cache)
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.committed.rewind_to(height);
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        Ok(())
    }

    fn world(&self) -> Result<World, SubjectError> {
        Ok(self.committed.as_world())
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        Ok(self.committed.block(height))
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        Ok(blake3::hash(b"it keeps no bytes"))
    }
}

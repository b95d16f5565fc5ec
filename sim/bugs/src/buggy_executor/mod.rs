//! The buggy executor, with which the harness is measured: a ledger of the common parallel design, correct
//! by default, and with one seeded bug on demand.
//!
//! Transactions are grouped into batches in which no two conflict, a worker executes each against a cache
//! that is loaded in two steps, and the cache is merged field by field when all batches are done. The
//! workers of a batch take turns on one thread, the last one first, which makes no difference to a correct
//! batch. It shares the model, the encodings and the stateless checks with core, and nothing else. Bugs
//! that need real interleavings are in [`concurrent`], where the workers are threads; bugs that need a
//! failing disk have other hosts, which `docs/known-bugs.md` lists.

mod batches;
mod cache;
mod committed;
pub mod concurrent;
mod keys;
mod merge;
mod seeded_bugs;
pub(crate) mod signatures;
mod store;
mod worker;

use std::collections::VecDeque;

use lockstep_core::model::{Asset, Block, Genesis, Height, Outcome};

pub use self::committed::CommittedState;
use self::keys::Keys;
pub use self::seeded_bugs::{ExecutorBug, Needs};
use self::worker::Workers;
use lockstep_sim::subject::{StoredBlock, Subject, SubjectError};
use lockstep_sim::world::{BlockResult, World};
use lockstep_sync::real::{set_current_place, set_current_transaction};

/// A ledger whose blocks are executed in batches, with a seeded bug or without.
#[derive(Debug)]
pub struct BuggyExecutor {
    committed: CommittedState,
    bug: Option<ExecutorBug>,
    /// Number of workers that take turns. No result of a correct executor depends on it.
    workers: u32,
}

/// Number of workers unless a run asks for another.
const USUAL_WORKERS: u32 = 3;

/// Number of workers from which on [`ExecutorBug::WorkersShareSlot`] has too few slots.
const SLOTS: u32 = 16;

impl BuggyExecutor {
    /// Creates a ledger at height 0, correct if `bug` is `None`.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis allocates more than there can be, or than the limit.
    pub fn new(genesis: &Genesis, bug: Option<ExecutorBug>) -> Result<Self, SubjectError> {
        let committed = CommittedState::at_genesis(genesis, bug)?;
        Ok(BuggyExecutor {
            committed,
            bug,
            workers: USUAL_WORKERS,
        })
    }

    /// Returns the same with this number of workers.
    #[must_use]
    pub fn on_workers(self, workers: Option<u32>) -> Self {
        let workers = workers.unwrap_or(USUAL_WORKERS);
        BuggyExecutor { workers, ..self }
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
        if self.bug == Some(ExecutorBug::RewardPaidEarly) && self.committed.reward() > 0 {
            let (miner, reward) = (block.header.miner, self.committed.reward());
            let store = &self.committed.store;
            workers.cache.credit(store, miner, Asset::NATIVE, reward)?;
        }
        let forgers = match self.bug {
            Some(ExecutorBug::BatchSignatureRule) => signatures::forgers(block),
            _ => vec![None; block.transactions.len()],
        };
        let mut outcomes = vec![None; block.transactions.len()];
        let mut keys = Keys::new(self.bug);
        for batch in batches::batches(&block.transactions, self.bug) {
            set_current_place("execute a batch");
            let mut waiting: VecDeque<usize> = batch.iter().copied().rev().collect();
            let mut turns_in_vain = 0;
            while let Some(index) = waiting.pop_front() {
                set_current_transaction(u32::try_from(index).unwrap_or(u32::MAX));
                let (transaction, forger) = (&block.transactions[index], forgers[index]);
                if let Err(reason) = keys.acquire(index, transaction) {
                    waiting.push_back(index);
                    turns_in_vain += 1;
                    if turns_in_vain > waiting.len() {
                        return Err(SubjectError::Stuck(reason));
                    }
                    continue;
                }
                turns_in_vain = 0;
                let outcome = workers.execute(transaction, forger)?;
                keys.release(index, &outcome);
                outcomes[index] = Some(outcome);
            }
            if self.bug == Some(ExecutorBug::WorkersShareSlot)
                && self.workers >= SLOTS
                && let [first, second, ..] = batch[..]
            {
                outcomes[second] = outcomes[first].clone();
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

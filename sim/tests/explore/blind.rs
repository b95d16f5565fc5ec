//! An executor with a known defect: the graph that it executes over sees no recipients.

use std::sync::Arc;

use lockstep_core::chain::{Chain, ChainError};
use lockstep_core::config::{Config, ExecutionPath};
use lockstep_core::model::{Block, Payload, Receipt, Timestamp, Transaction};
use lockstep_core::schedule::Graph;
use lockstep_core::storage::MemoryStorage;
use lockstep_core::under_shuttle::parallel::{BatchError, ParallelChainState, ParallelExecutor};
use lockstep_sim::explore::{Added, Explorable};
use lockstep_sim::faulty::ConcurrentAct;
use lockstep_sim::subject::SubjectError;
use lockstep_sim::world::BlockResult;
use shuttle::sync::RwLock;

/// Core's ledger, but for the receipts: those are what core's executor says over a blinded graph.
pub(crate) struct Blind;

impl Explorable for Blind {
    type Kept = MemoryStorage;

    fn name(&self) -> &str {
        "blind"
    }

    fn add_block(
        &self,
        storage: MemoryStorage,
        config: &Config,
        block: &Block,
        _: Option<ConcurrentAct>,
    ) -> Result<Added<MemoryStorage>, SubjectError> {
        let mut serial = config.clone();
        serial.parallel.forced = Some(ExecutionPath::Serial);
        let before = storage.clone();
        let chain = Chain::open_existing(storage, serial, Arc::new(|| Timestamp(0)))?;
        let added = chain.add_block(block)?;
        let result = BlockResult {
            receipts: blindly(before, config, block)?,
            changes: added.state_diff,
            fees: added.fees,
            reward: added.reward,
            digest: added.tip.digest,
        };
        Ok(Added::alone(result, chain.into_storage()))
    }
}

fn blindly(
    storage: MemoryStorage,
    config: &Config,
    block: &Block,
) -> Result<Vec<Receipt>, ChainError> {
    let workers = config.parallel.workers();
    let executor = ParallelExecutor::new(workers).expect("these workers are threads of shuttle");
    let hasher = ahash::RandomState::with_seeds(1, 2, 3, 4);
    let state = ParallelChainState::new(Arc::new(RwLock::new(storage)), 0, hasher.clone());
    let seen: Vec<Transaction> = block.transactions.iter().cloned().map(blinded).collect();
    let graph = Graph::of(&seen, hasher);
    let checked = executor.check_all(block.header.network, &block.transactions);
    let executed = executor.execute_batch(&state, &graph, &checked);
    let outcomes = executed.map_err(|error| match error {
        BatchError::Storage(error) => ChainError::Storage(error),
        BatchError::Panicked(message) => ChainError::Panicked { message },
    })?;
    let receipt = |(checked, outcome): (&lockstep_core::parallel::Checked<'_>, _)| Receipt {
        transaction: checked.id,
        outcome,
    };
    Ok(checked.iter().zip(outcomes).map(receipt).collect())
}

fn blinded(transaction: Transaction) -> Transaction {
    Transaction {
        payload: Payload::Transfers(Vec::new()),
        ..transaction
    }
}

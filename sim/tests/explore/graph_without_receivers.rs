//! A buggy executor: receivers are missing in the dependency graph that it executes over.

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

/// Core's ledger, with the receipts of core's executor over a graph without receivers.
pub(crate) struct GraphWithoutReceivers;

impl Explorable for GraphWithoutReceivers {
    type LedgerState = MemoryStorage;

    fn name(&self) -> &str {
        "graph without receivers"
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
            receipts: receipts(before, config, block)?,
            state_diff: added.state_diff,
            fees: added.fees,
            reward: added.reward,
            digest: added.tip.digest,
        };
        Ok(Added::alone(result, chain.into_storage()))
    }
}

/// Executes a block over the dependency graph of its transactions without their transfers.
fn receipts(
    storage: MemoryStorage,
    config: &Config,
    block: &Block,
) -> Result<Vec<Receipt>, ChainError> {
    let workers = config.parallel.workers();
    let executor = ParallelExecutor::new(workers).expect("these workers are threads of shuttle");
    let hasher = ahash::RandomState::with_seeds(1, 2, 3, 4);
    let state = ParallelChainState::new(Arc::new(RwLock::new(storage)), 0, hasher.clone());
    let scheduled: Vec<Transaction> = block
        .transactions
        .iter()
        .cloned()
        .map(without_receivers)
        .collect();
    let graph = Graph::of(&scheduled, hasher);
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

fn without_receivers(transaction: Transaction) -> Transaction {
    Transaction {
        payload: Payload::Transfers(Vec::new()),
        ..transaction
    }
}

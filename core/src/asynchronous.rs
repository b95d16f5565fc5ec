//! The ledger and the executor for asynchronous callers, on tokio.
//!
//! Execution is synchronous and takes its time: it runs on the threads that tokio keeps for work
//! that blocks, and the caller's thread is free meanwhile. There is no second implementation here.
//!
//! A future that is dropped cancels its operation: a block of which nothing is written yet is
//! not written. A block whose commit has begun is committed whole; [`Chain::tip`] tells.

use std::hash::BuildHasher;
use std::sync::Arc;

use tokio::task::{self, JoinError};

use crate::chain::{AddedBlock, CancellationToken, Chain, ChainError};
use crate::model::{Block, Network, Receipt, Transaction};
use crate::parallel::{BatchError, ParallelChainState, ParallelExecutor};
use crate::storage::Storage;
use crate::sync;

/// Adds a block as [`Chain::add_block`] does.
///
/// # Errors
///
/// As [`Chain::add_block`]; [`ChainError::Cancelled`] if the runtime shuts down first.
///
/// # Panics
///
/// If it is polled outside a tokio runtime.
pub async fn add_block<S: Storage + 'static>(
    chain: &Arc<Chain<S>>,
    block: Arc<Block>,
) -> Result<AddedBlock, ChainError> {
    let chain = Arc::clone(chain);
    let token = CancellationToken::new();
    let _cancel_on_drop = CancelOnDrop(token.clone());
    let adding =
        task::spawn_blocking(move || chain.add_block_unless(&block, || token.is_cancelled()));
    let added = adding.await;
    added.unwrap_or_else(|failed| Err(message(failed).map_or(ChainError::Cancelled, panicked)))
}

fn panicked(message: String) -> ChainError {
    ChainError::Panicked { message }
}

/// Checks these transactions and executes them with [`ParallelExecutor::execute_all`]; returns their
/// receipts, each at its own index. After the future is dropped, the state must not be used.
///
/// `hasher` is for [`Graph::of`](crate::schedule::Graph::of).
///
/// # Errors
///
/// As [`ParallelExecutor::execute_all`]; [`BatchError::Panicked`] also if the runtime shuts down first.
///
/// # Panics
///
/// If it is polled outside a tokio runtime.
pub async fn execute_batch<S, H>(
    executor: &Arc<ParallelExecutor>,
    state: &Arc<ParallelChainState<S, H>>,
    hasher: H,
    network: Network,
    transactions: Arc<[Transaction]>,
) -> Result<Vec<Receipt>, BatchError>
where
    S: Storage + 'static,
    H: BuildHasher + Clone + Send + Sync + 'static,
{
    let (executor, state) = (Arc::clone(executor), Arc::clone(state));
    let executing = task::spawn_blocking(move || {
        let checked = executor.check_all(network, &transactions);
        let outcomes = executor.execute_all(&state, hasher, &checked)?;
        let receipt = |(checked, outcome): (&crate::parallel::Checked<'_>, _)| Receipt {
            transaction: checked.id,
            outcome,
        };
        Ok(checked.iter().zip(outcomes).map(receipt).collect())
    });
    executing.await.unwrap_or_else(|failed| {
        let message = message(failed).unwrap_or_else(|| "the runtime shuts down".to_owned());
        Err(BatchError::Panicked(message))
    })
}

/// Cancels a token when its future ends or is dropped.
struct CancelOnDrop(CancellationToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Returns the message of a panic; `None` if the task did not panic.
fn message(failed: JoinError) -> Option<String> {
    let panic = failed.try_into_panic().ok()?;
    Some(sync::panic_message(&*panic))
}

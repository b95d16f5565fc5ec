//! Claims of core's own executor and ledger about threads that use them at once.

#[path = "../batch/execute.rs"]
mod execute;
mod ledger;
mod order;
mod state;

use std::sync::Arc;

use lockstep_core::model::Outcome;
use lockstep_core::storage::MemoryStorage;

pub(crate) use state::{balance, prefetch};

use crate::batch::{Batch, SHARDS};
use crate::{ParallelChainState, Run, RwLock, Stopped, execute_one, thread, usage};

/// State of which nothing is loaded.
pub(crate) fn state(storage: &MemoryStorage) -> Arc<execute::SharedState> {
    usage::shards(SHARDS);
    execute::state(storage)
}

/// Executes a batch on `threads` threads, this one among them; returns the outcome of each transaction.
pub(crate) fn execute(
    batch: Batch,
    state: &Arc<execute::SharedState>,
    threads: usize,
) -> Vec<Outcome> {
    execute::execute(batch, state, threads).expect("the storage does not fail")
}

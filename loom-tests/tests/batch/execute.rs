//! Execution of a batch on several threads, over the primitives of the module that mounts this file.

use std::sync::Arc;

use lockstep_core::model::Outcome;
use lockstep_core::storage::{MemoryStorage, StorageError};

use super::{ParallelChainState, Run, RwLock, Stopped, execute_one, thread};
use crate::batch::{Batch, SHARDS};
use crate::placed::Placed;

pub(crate) type SharedState = ParallelChainState<MemoryStorage, Placed>;

/// State of which nothing is loaded.
pub(crate) fn state(storage: &MemoryStorage) -> Arc<SharedState> {
    let storage = Arc::new(RwLock::new(storage.clone()));
    let hasher = Placed::among(SHARDS);
    Arc::new(ParallelChainState::new(storage, 0, hasher))
}

/// Executes a batch on `threads` threads, this one among them; returns the outcome of each transaction.
///
/// # Errors
///
/// [`Stopped`] if a transaction failed, so that not everything was executed.
pub(crate) fn execute(
    batch: Batch,
    state: &Arc<SharedState>,
    threads: usize,
) -> Result<Vec<Outcome>, Stopped<StorageError>> {
    let run = Arc::new(Run::new(batch.graph, threads));
    let work = move |run: &Run<'static, StorageError>, state: &SharedState| {
        run.work(&|index| execute_one(state, &batch.transactions[index as usize]))
    };
    let others: Vec<_> = (1..threads)
        .map(|_| {
            let (run, state) = (Arc::clone(&run), Arc::clone(state));
            thread::spawn(move || work(&run, &state))
        })
        .collect();
    let mut finished = vec![work(&run, state)];
    for other in others {
        finished.push(other.join().expect("no worker panics"));
    }
    let run = Arc::into_inner(run).expect("the workers have ended");
    run.finish(finished)
}

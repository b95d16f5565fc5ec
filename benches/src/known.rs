//! The stateful part of core's execution, with verdicts known before, on each path, from core's public
//! parts.

use std::convert::Infallible;

use ahash::RandomState;
use lockstep_core::config::ExecutionPath;
use lockstep_core::model::{Outcome, Transaction};
use lockstep_core::parallel::{ParallelChainState, ParallelExecutor, Pipeline, run};
use lockstep_core::schedule::Graph;
use lockstep_core::storage::{Storage, StorageError};
use lockstep_core::transition::transition;

use crate::prepared::cells;
use crate::unsigned::hasher;

/// The state that all paths work on.
pub type SharedState<S> = ParallelChainState<S, RandomState>;

/// Loads cells and executes transactions, from the first cell to the last outcome; writes nothing to the
/// storage.
///
/// # Panics
///
/// If the storage fails.
pub fn execute<S: Storage>(
    executor: &ParallelExecutor,
    state: &SharedState<S>,
    transactions: &[Transaction],
    path: ExecutionPath,
) -> Vec<Outcome> {
    /// Number of transactions whose cells are loaded at once by one thread, as on core's serial path.
    const ALONE: usize = 1_024;
    /// The same by a worker among others: a batch of signatures.
    const AMONG_OTHERS: usize = 128;
    let load = |piece: &[Transaction]| state.prefetch(cells(piece)).expect("the storage works");
    match path {
        ExecutionPath::Serial => {
            transactions.chunks(ALONE).for_each(load);
            execute_lazily(state, transactions)
        }
        ExecutionPath::ParallelValidation => {
            let pieces: Vec<_> = transactions.chunks(AMONG_OTHERS).collect();
            let mut outcomes = Vec::with_capacity(transactions.len());
            let pipeline = Pipeline::new(pieces.len(), |piece| {
                outcomes.extend(execute_lazily(state, piece));
                Ok::<(), Infallible>(())
            });
            let prepare = |at: usize| {
                load(pieces[at]);
                Ok(pieces[at])
            };
            executor.workers().each(|| pipeline.work(&prepare));
            pipeline.finish().expect("nothing panics");
            outcomes
        }
        ExecutionPath::Graph => {
            let workers = executor.workers();
            let (graph, _) = workers.join(
                || Graph::of(transactions, hasher()),
                || workers.map(transactions.chunks(AMONG_OTHERS).collect(), load),
            );
            let outcomes = run(workers, &graph, |index| {
                execute_one(state, &transactions[index as usize])
            });
            outcomes.expect("the storage works")
        }
    }
}

/// Executes on this thread, in order; a cell that is not loaded is loaded when a transaction asks for it.
///
/// # Panics
///
/// If the storage fails.
pub fn execute_lazily<S: Storage>(
    state: &SharedState<S>,
    transactions: &[Transaction],
) -> Vec<Outcome> {
    let one = |transaction| execute_one(state, transaction).expect("the storage works");
    transactions.iter().map(one).collect()
}

fn execute_one<S: Storage>(
    state: &SharedState<S>,
    transaction: &Transaction,
) -> Result<Outcome, StorageError> {
    let outcome = transition(transaction, &mut state.view())?;
    if let Outcome::Applied { effects, .. } = &outcome {
        state.apply(effects)?;
    }
    Ok(outcome)
}

//! Execution of a block over its dependency graph, on workers.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::iter;
use std::ops::Range;

use thiserror::Error;

use super::parallel_state::ParallelChainState;
use super::parallelism::Parallelism;
use super::run::{Stopped, run, run_block};
use super::sync::{
    Arc, NoWorkers, RwLock, Workers, read, set_current_place, set_current_transaction,
};
use crate::codec;
use crate::execution::{self, Body, Checked, Execution};
use crate::metrics;
use crate::model::{
    Amount, Asset, Cell, Effect, Hash, Header, Network, Outcome, Rules, Transaction, Value,
};
use crate::schedule::Graph;
use crate::signature::{Verifier, Zip215};
use crate::state::{WriteSet, add, cell_write};
use crate::storage::{Storage, StorageError, schema};

/// Workers that execute blocks, one block at a time.
#[derive(Debug)]
pub struct ParallelExecutor {
    workers: Workers,
}

/// The error of a batch that was not executed; its state must not be used.
#[derive(Debug, Error)]
pub enum BatchError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A worker panicked: a bug of this crate, or of the storage.
    #[error("a worker panicked: {0}")]
    Panicked(String),
}

impl From<Stopped<StorageError>> for BatchError {
    fn from(stopped: Stopped<StorageError>) -> Self {
        match stopped {
            Stopped::Failed(error) => BatchError::Storage(error),
            Stopped::Panicked(message) => BatchError::Panicked(message),
        }
    }
}

impl ParallelExecutor {
    /// Creates an executor of `workers` threads, at least 1, the caller included: no more
    /// transactions are ever in execution at once.
    ///
    /// # Errors
    ///
    /// [`NoWorkers`] if the system gives no threads.
    pub fn new(workers: usize) -> Result<Self, NoWorkers> {
        let workers = Workers::new(workers)?;
        Ok(ParallelExecutor { workers })
    }

    /// Returns the threads.
    #[must_use]
    pub const fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Computes the identities and makes the stateless checks of transactions, each at its own index,
    /// the signatures in batches.
    #[must_use]
    pub fn check_all<'t>(
        &self,
        network: Network,
        transactions: &'t [Transaction],
    ) -> Vec<Checked<'t>> {
        self.check_all_with(&Zip215, network, transactions)
    }

    /// Checks transactions as [`ParallelExecutor::check_all`] does, with the verdicts of this verifier.
    ///
    /// # Panics
    ///
    /// If the verifier has more or fewer verdicts than there are claims.
    #[must_use]
    pub fn check_all_with<'t>(
        &self,
        verifier: &dyn Verifier,
        network: Network,
        transactions: &'t [Transaction],
    ) -> Vec<Checked<'t>> {
        let pieces = Parallelism::over(Some(&self.workers)).pieces(transactions.len());
        self.workers
            .map(pieces, |piece| {
                let transactions = &transactions[piece];
                let ids: Vec<Hash> = transactions.iter().map(codec::transaction_id).collect();
                execution::check_all_of(verifier, network, transactions, &ids)
            })
            .concat()
    }

    /// Executes transactions over their dependency graph on this state, which has their effects
    /// afterwards; returns the outcome of each, at its own index.
    ///
    /// # Errors
    ///
    /// [`BatchError::Storage`] if the storage fails, [`BatchError::Panicked`] if a worker panics.
    pub fn execute_batch<S, H>(
        &self,
        state: &ParallelChainState<S, H>,
        graph: &Graph,
        transactions: &[Checked<'_>],
    ) -> Result<Vec<Outcome>, BatchError>
    where
        S: Storage,
        H: BuildHasher + Clone + Send + Sync,
    {
        let outcomes = run(&self.workers, graph, |index| {
            set_current_transaction(index);
            execute_one(state, &transactions[index as usize])
        });
        outcomes.map_err(BatchError::from)
    }

    /// As [`ParallelExecutor::execute_batch`] over the graph of these transactions, which is made while
    /// the first of them are executed.
    ///
    /// `hasher` is for [`Graph::of`].
    ///
    /// # Errors
    ///
    /// As [`ParallelExecutor::execute_batch`].
    ///
    /// # Panics
    ///
    /// If [`Graph::of`] panics.
    pub fn execute_all<S, H>(
        &self,
        state: &ParallelChainState<S, H>,
        hasher: H,
        transactions: &[Checked<'_>],
    ) -> Result<Vec<Outcome>, BatchError>
    where
        S: Storage,
        H: BuildHasher + Clone + Send + Sync,
    {
        let graph = || Graph::of(transactions.iter().map(|one| one.transaction), hasher);
        let outcomes = run_block(&self.workers, transactions.len(), graph, |index| {
            set_current_transaction(index);
            execute_one(state, &transactions[index as usize])
        });
        outcomes.map_err(BatchError::from)
    }

    /// Executes a block over its dependency graph.
    pub(crate) fn execute<S, H>(
        &self,
        storage: &Arc<RwLock<S>>,
        hasher: H,
        rules: &Rules,
        body: &Body<'_>,
    ) -> Result<Execution, BatchError>
    where
        S: Storage,
        H: BuildHasher + Clone + Send + Sync,
    {
        let header = body.header;
        let state = ParallelChainState::new(
            Arc::clone(storage),
            body.transactions.len() * 2,
            hasher.clone(),
        );
        let pieces = Parallelism::over(Some(&self.workers)).pieces(body.transactions.len());
        let check = |piece: Range<usize>| -> Result<Vec<Checked<'_>>, StorageError> {
            set_current_place("check a piece");
            let checked = body.check(rules.network, piece.clone());
            state.prefetch(body.cells(piece.clone(), &checked))?;
            Ok(checked)
        };
        // The graph needs no verdict: a rejected transaction declares more than it touches. It is one
        // thread's work, and the longest: first.
        let jobs = iter::once(None).chain(pieces.into_iter().map(Some));
        let prepared = self.workers.map(jobs.collect(), |piece| match piece {
            None => Ok(PreparedPiece::Graph(Graph::of(
                body.transactions,
                hasher.clone(),
            ))),
            Some(piece) => check(piece).map(PreparedPiece::Checked),
        });
        let mut graph = None;
        let mut transactions = Vec::with_capacity(body.transactions.len());
        for piece in prepared {
            match piece? {
                PreparedPiece::Graph(of_all) => graph = Some(of_all),
                PreparedPiece::Checked(checked) => transactions.extend(checked),
            }
        }
        let graph = graph.expect("it is one of the jobs");
        metrics::depth(graph.depth());
        let outcomes = self.execute_batch(&state, &graph, &transactions)?;

        let mut fees = Amount::ZERO;
        let mut burned: BTreeMap<Asset, Amount> = BTreeMap::new();
        for outcome in &outcomes {
            let Outcome::Applied { fee, effects } = outcome else {
                continue;
            };
            fees = add(Cell::Supply(Asset::NATIVE), fees, *fee)?;
            for effect in effects {
                if let Effect::Burn { asset, amount } = effect {
                    let sum = burned.entry(*asset).or_default();
                    *sum = add(Cell::Supply(*asset), *sum, *amount)?;
                }
            }
        }
        let (reward, supplies) = supplies(&*read(storage), rules, header, burned)?;
        let due = add(Cell::Supply(Asset::NATIVE), fees, reward)?;
        state.credit(header.miner, Asset::NATIVE, due)?;
        let mut write_set = state.into_write_set(header.height, &self.workers)?;
        // Supplies come last in the order of cells.
        write_set.extend(supplies);
        Ok(Execution {
            receipts: transactions
                .iter()
                .zip(outcomes)
                .map(|(checked, outcome)| execution::receipt(checked, outcome))
                .collect(),
            write_set,
            fees,
            reward,
        })
    }
}

/// The result of a job that is done before a block is executed.
enum PreparedPiece<'t> {
    Graph(Graph),
    Checked(Vec<Checked<'t>>),
}

/// Executes a transaction on the state that workers share, and writes its effects. The caller sees to it
/// that no transaction that it conflicts with is executed meanwhile.
///
/// # Errors
///
/// [`StorageError`] if the storage fails; [`StorageError::Corrupt`] if the state breaks a rule.
pub fn execute_one<S, H>(
    state: &ParallelChainState<S, H>,
    transaction: &Checked<'_>,
) -> Result<Outcome, StorageError>
where
    S: Storage,
    H: BuildHasher + Clone,
{
    let mut view = state.view();
    let outcome = execution::outcome(transaction, &mut view)?;
    if let Outcome::Applied { effects, .. } = &outcome {
        state.apply(effects)?;
    }
    Ok(outcome)
}

/// Returns the amount that a block issues, and the supplies that differ after it.
fn supplies<S: Storage>(
    storage: &S,
    rules: &Rules,
    header: &Header,
    mut burned: BTreeMap<Asset, Amount>,
) -> Result<(Amount, WriteSet), StorageError> {
    burned.entry(Asset::NATIVE).or_default();
    let mut writes = WriteSet::new();
    let mut issued = Amount::ZERO;
    for (asset, burned) in burned {
        let cell = Cell::Supply(asset);
        let before = schema::newest(storage, cell)?;
        let mut supply = match before.as_ref().map(|version| &version.value) {
            Some(Value::Supply(supply)) => *supply,
            _ => Default::default(),
        };
        supply.burned = add(cell, supply.burned, burned)?;
        if asset == Asset::NATIVE {
            issued = execution::reward(rules, supply)?;
            supply.issued = add(cell, supply.issued, issued)?;
        }
        if let Some(write) = cell_write(header.height, before, Value::Supply(supply)) {
            writes.push((cell, write));
        }
    }
    Ok((issued, writes))
}

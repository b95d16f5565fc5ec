//! The stateful part of a block alone: every signature was verified before the clock runs.
//!
//! Core writes no block without its stateless checks. So what is compared here is what became of
//! each transaction and every nonce, multisig and balance after it; there is no digest.

use std::sync::{Arc, RwLock};
use std::time::Instant;

use lockstep_core::chain::Chain;
use lockstep_core::config::Config;
use lockstep_core::model::{Amount, Asset, Cell, Outcome, Timestamp, Value};
use lockstep_core::parallel::{BatchError, ParallelChainState, ParallelExecutor};
use lockstep_core::schedule::Graph;
use lockstep_core::storage::{MemoryStorage, StorageError};
use lockstep_core::transition::{StateView, transition};

use super::{Phase, Prepared, Timing, differs, failed, hasher};
use crate::subject::SubjectError;
use crate::trial::{Failure, guarded};

type State = ParallelChainState<MemoryStorage, ahash::RandomState>;

/// In block order on this thread, and over the graph on so many workers; both on the state that
/// workers share.
pub(super) fn round(prepared: &Prepared, workers: usize) -> Result<Vec<Timing>, Failure> {
    let transactions = &prepared.block.transactions;
    let executor = ParallelExecutor::new(workers)
        .map_err(|error| Failure::Infrastructure(format!("no threads: {error}")))?;
    let ids: Vec<_> = prepared
        .expected
        .receipts
        .iter()
        .map(|receipt| receipt.transaction)
        .collect();
    let checked = executor.check_body(prepared.genesis.rules.network, &ids, transactions);

    let in_order = time(prepared, "in block order", |mut state, clock| {
        let outcomes = transactions
            .iter()
            .map(|transaction| {
                let outcome = transition(transaction, &mut state)?;
                if let Outcome::Applied { changes, .. } = &outcome {
                    state.apply(changes)?;
                }
                Ok(outcome)
            })
            .collect();
        clock.lap("execute");
        outcomes
    })?;
    let path = format!("graph on {workers} workers");
    let over_graph = time(prepared, &path, |state, clock| {
        let graph = Graph::of(transactions, hasher());
        clock.lap("graph");
        let outcomes = executor.execute_batch(state, &graph, &checked);
        clock.lap("execute");
        outcomes
    })?;
    Ok(vec![in_order, over_graph])
}

fn time(
    prepared: &Prepared,
    path: &str,
    execute: impl FnOnce(&State, &mut Clock) -> Result<Vec<Outcome>, BatchError>,
) -> Result<Timing, Failure> {
    let storage = storage(prepared).map_err(|error| failed(path, &error))?;
    // Everything that the block may look at, as core itself prefetches it.
    let mut cells: Vec<Cell> = prepared.after.cells.keys().copied().collect();
    cells.retain(|cell| !matches!(cell, Cell::Supply(_)));
    let sources = prepared.block.transactions.iter();
    cells.extend(sources.map(|transaction| Cell::Multisig(transaction.source)));

    let (state, outcomes, clock) = guarded(0, path, || {
        let mut clock = Clock::start();
        let state = State::new(storage, cells.len() / 2, hasher());
        let loaded = state.prefetch(cells);
        clock.lap("load");
        let outcomes = match loaded {
            Ok(()) => execute(&state, &mut clock),
            Err(error) => Err(error.into()),
        };
        (state, outcomes, clock)
    })?;
    let outcomes = outcomes.map_err(|error| match error {
        BatchError::Storage(error) => failed(path, &error.into()),
        panic => failed(path, &SubjectError::Damaged(panic.to_string())),
    })?;
    match difference(prepared, &state, &outcomes) {
        Ok(None) => Ok(Timing {
            path: path.to_owned(),
            took: clock.phases.iter().map(|phase| phase.took).sum(),
            phases: clock.phases,
        }),
        Ok(Some(detail)) => Err(differs(path, detail)),
        Err(error) => Err(failed(path, &error.into())),
    }
}

/// Where this is not what the oracle has, in words.
fn difference(
    prepared: &Prepared,
    state: &State,
    outcomes: &[Outcome],
) -> Result<Option<String>, StorageError> {
    let expected = &prepared.expected;
    if outcomes.len() != expected.receipts.len() {
        return Ok(Some(format!(
            "{} outcomes; expected {}",
            outcomes.len(),
            expected.receipts.len()
        )));
    }
    for (index, (got, expected)) in outcomes.iter().zip(&expected.receipts).enumerate() {
        if *got != expected.outcome {
            return Ok(Some(format!(
                "transaction {index}: got {got:?}, expected {:?}",
                expected.outcome
            )));
        }
    }
    // What is left of the block: the miner's credit.
    let due = Amount(expected.fees.0 + expected.reward.0);
    state.credit(prepared.block.header.miner, Asset::NATIVE, due)?;
    let mut view = state;
    for (cell, versions) in &prepared.after.cells {
        let got = match *cell {
            Cell::Nonce(account) => view.nonce(account)?.map(Value::Nonce),
            Cell::Multisig(account) => Some(Value::Multisig(view.multisig(account)?)),
            Cell::Balance(account, asset) => Some(Value::Balance(view.balance(account, asset)?)),
            // Workers leave it to who writes the block.
            Cell::Supply(_) => continue,
        };
        let expected = versions.last().map(|version| &version.value);
        if got.as_ref() != expected {
            return Ok(Some(format!("{cell:?} has {got:?}, expected {expected:?}")));
        }
    }
    Ok(None)
}

/// What a ledger with this genesis is kept in.
fn storage(prepared: &Prepared) -> Result<Arc<RwLock<MemoryStorage>>, SubjectError> {
    let config = Config::for_network(prepared.genesis.rules.network);
    let clock = Arc::new(|| Timestamp(0));
    let chain = Chain::open(MemoryStorage::new(), &prepared.genesis, config, clock)?;
    Ok(chain.storage())
}

/// Takes the time of one part after another.
struct Clock {
    since: Instant,
    phases: Vec<Phase>,
}

impl Clock {
    fn start() -> Self {
        Clock {
            since: Instant::now(),
            phases: Vec::new(),
        }
    }

    fn lap(&mut self, name: &str) {
        let now = Instant::now();
        self.phases.push(Phase {
            name: name.to_owned(),
            took: now - self.since,
        });
        self.since = now;
    }
}

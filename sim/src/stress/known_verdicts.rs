//! The stateful part of a block alone: every signature was verified before the clock runs.
//!
//! Core commits no block without its stateless checks, so there is no digest: the outcome of each
//! transaction and every nonce, multisig and balance after it are compared.

use std::sync::{Arc, RwLock};
use std::time::Instant;

use lockstep_core::chain::Chain;
use lockstep_core::config::Config;
use lockstep_core::model::{Amount, Asset, Cell, Outcome, Payload, Timestamp, Transaction, Value};
use lockstep_core::parallel::{BatchError, ParallelChainState, ParallelExecutor};
use lockstep_core::schedule::Graph;
use lockstep_core::storage::{MemoryStorage, StorageError};
use lockstep_core::transition::{StateView, transition};

use super::{Phase, Prepared, Timing, differs, failed, hasher};
use crate::subject::SubjectError;
use crate::trial::catch_panic;
use lockstep_harness::violation::Failure;

type SharedState = ParallelChainState<MemoryStorage, ahash::RandomState>;

/// Executes in block order on this thread, over the graph on `workers` workers, and over a graph
/// that is built while the first transactions are executed; all on the state that workers share.
pub(super) fn round(prepared: &Prepared, workers: usize) -> Result<Vec<Timing>, Failure> {
    let transactions = &prepared.block.transactions;
    let executor = ParallelExecutor::new(workers)
        .map_err(|error| Failure::Infrastructure(format!("no threads: {error}")))?;
    let checked = executor.check_all(prepared.genesis.rules.network, transactions);

    let in_order = time(prepared, "in block order", |state, clock| {
        let outcomes = transactions
            .iter()
            .map(|transaction| {
                let outcome = transition(transaction, &mut state.view())?;
                if let Outcome::Applied { effects, .. } = &outcome {
                    state.apply(effects)?;
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
    let path = format!("graph overlapped, on {workers} workers");
    let beside = time(prepared, &path, |state, clock| {
        let outcomes = executor.execute_all(state, hasher(), &checked);
        clock.lap("execute");
        outcomes
    })?;
    Ok(vec![in_order, over_graph, beside])
}

fn time(
    prepared: &Prepared,
    path: &str,
    execute: impl FnOnce(&SharedState, &mut Clock) -> Result<Vec<Outcome>, BatchError>,
) -> Result<Timing, Failure> {
    let storage = storage(prepared).map_err(|error| failed(path, &error))?;
    let cells = cells_of(&prepared.block.transactions);

    let (state, outcomes, clock) = catch_panic(0, path, || {
        let mut clock = Clock::start();
        let state = SharedState::new(storage, prepared.block.transactions.len() * 2, hasher());
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

/// Describes the first difference from the oracle; `None` if there is none.
fn difference(
    prepared: &Prepared,
    state: &SharedState,
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
    // The rest of the block: the miner's credit.
    let due = Amount(expected.fees.0 + expected.reward.0);
    state.credit(prepared.block.header.miner, Asset::NATIVE, due)?;
    let mut view = state.view();
    for (cell, versions) in &prepared.after.cells {
        let got = match *cell {
            Cell::Nonce(account) => view.nonce(account)?.map(Value::Nonce),
            Cell::Multisig(account) => Some(Value::Multisig(view.multisig(account)?)),
            Cell::Balance(account, asset) => Some(Value::Balance(view.balance(account, asset)?)),
            // Workers leave it to the commit of the block.
            Cell::Supply(_) => continue,
        };
        let expected = versions.last().map(|version| &version.value);
        if got.as_ref() != expected {
            return Ok(Some(format!("{cell:?} has {got:?}, expected {expected:?}")));
        }
    }
    Ok(None)
}

/// Returns all cells that transactions of a pattern may read, some of them more than once.
fn cells_of(transactions: &[Transaction]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for transaction in transactions {
        let source = transaction.source;
        cells.extend([
            Cell::Nonce(source),
            Cell::Multisig(source),
            Cell::Balance(source, Asset::NATIVE),
        ]);
        if let Payload::Transfers(transfers) = &transaction.payload {
            for transfer in transfers {
                cells.extend([
                    Cell::Balance(source, transfer.asset),
                    Cell::Nonce(transfer.destination),
                    Cell::Balance(transfer.destination, transfer.asset),
                ]);
            }
        }
    }
    cells
}

/// Creates the storage of a ledger with this genesis.
fn storage(prepared: &Prepared) -> Result<Arc<RwLock<MemoryStorage>>, SubjectError> {
    let config = Config::for_network(prepared.genesis.rules.network);
    let clock = Arc::new(|| Timestamp(0));
    let chain = Chain::open(MemoryStorage::new(), &prepared.genesis, config, clock)?;
    Ok(chain.storage())
}

/// Clock of consecutive phases.
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

#[cfg(test)]
mod tests {
    use lockstep_harness::exit::ExitCode;

    use super::*;
    use crate::conflict_pattern::ConflictPattern;
    use crate::stress::{Signatures, StressPlan};

    fn prepared() -> Prepared {
        Prepared::new(&StressPlan {
            pattern: ConflictPattern::Zipf,
            transactions: 40,
            accounts: 9,
            workers: 2,
            seed: 1,
            signatures: Signatures::KnownToHold,
        })
    }

    /// Returns the detail of the difference that is found.
    fn found(prepared: &Prepared) -> String {
        match round(prepared, 2) {
            Err(Failure::Violation(violation)) => {
                assert_eq!(violation.exit_code(), ExitCode::Differs);
                violation.detail
            }
            other => panic!("a difference is found, and not {other:?}"),
        }
    }

    #[test]
    fn every_mode_equals_the_oracle() {
        let timings = round(&prepared(), 2).expect("there is no difference");
        assert_eq!(timings.len(), 3);
    }

    #[test]
    fn another_outcome_is_found() {
        let mut prepared = prepared();
        let last = prepared.expected.receipts.last_mut();
        if let Outcome::Applied { fee, .. } = &mut last.expect("there are receipts").outcome {
            fee.0 += 1;
        }
        let detail = found(&prepared);
        assert!(
            detail.starts_with("transaction 39: got Applied"),
            "{detail}"
        );
    }

    #[test]
    fn a_missing_outcome_is_found() {
        let mut prepared = prepared();
        prepared
            .expected
            .receipts
            .push(prepared.expected.receipts[0].clone());
        let outcomes: Vec<Outcome> = prepared.expected.receipts[1..]
            .iter()
            .map(|receipt| receipt.outcome.clone())
            .collect();
        let storage = storage(&prepared).expect("the genesis is possible");
        let state = SharedState::new(storage, 0, hasher());
        let detail = difference(&prepared, &state, &outcomes).expect("memory can be read");
        assert_eq!(detail.as_deref(), Some("40 outcomes; expected 41"));
    }

    #[test]
    fn another_value_of_any_kind_of_cell_is_found() {
        for kind in [
            |cell: &Cell| matches!(cell, Cell::Nonce(_)),
            |cell: &Cell| matches!(cell, Cell::Balance(..)),
        ] {
            let mut prepared = prepared();
            let (_, versions) = prepared
                .after
                .cells
                .iter_mut()
                .find(|(cell, _)| kind(cell))
                .expect("there is such a cell");
            match &mut versions.last_mut().expect("it has a value").value {
                Value::Nonce(nonce) => nonce.0 += 1,
                Value::Balance(amount) => amount.0 += 1,
                other => panic!("a pattern does not change {other:?}"),
            }
            let detail = found(&prepared);
            assert!(detail.contains(" has Some("), "{detail}");
        }
    }
}

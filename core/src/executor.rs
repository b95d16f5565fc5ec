//! What a block does to a state: its transactions in order, then the miner's credit.

use std::hash::BuildHasher;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::chain::ChainError;
use crate::config::{Config, ExecutionPath, HashSeed, ParallelConfig};
use crate::metrics;
use crate::model::{
    Amount, Asset, Block, Cell, Hash, Header, Network, Outcome, Payload, Receipt, Rejection, Rules,
    Supply, Transaction, Version,
};
use crate::parallel::{self, BatchError, ParallelExecutor, Spread, Stopped};
use crate::state::{BlockState, CellChanges, add};
use crate::storage::{Storage, StorageError, schema};
use crate::transition::{StateView, check_all, transition};

/// Executes blocks on the path that suits them.
pub(crate) struct BlockExecutor {
    config: ParallelConfig,
    hash_seed: HashSeed,
    /// Started with the first block that takes a parallel path.
    workers: OnceLock<Option<ParallelExecutor>>,
    /// Set when a parallel result differed from the serial one: never again in this process.
    distrusted: AtomicBool,
}

impl BlockExecutor {
    pub(crate) fn new(config: &Config) -> Self {
        BlockExecutor {
            config: config.parallel,
            hash_seed: config.hash_seed,
            workers: OnceLock::new(),
            distrusted: AtomicBool::new(false),
        }
    }

    pub(crate) fn trusts_parallel(&self) -> bool {
        !self.distrusted.load(Ordering::Acquire)
    }

    /// Where the parts of a block of so many transactions that are no execution are done.
    pub(crate) fn spread(&self, transactions: usize) -> Spread<'_> {
        match self.path(transactions) {
            ExecutionPath::Serial => Spread::SERIAL,
            _ => Spread::over(self.workers().map(ParallelExecutor::pool)).unless_few(transactions),
        }
    }

    /// The path of a block of so many transactions, where it is left to us.
    pub(crate) fn path(&self, transactions: usize) -> ExecutionPath {
        if self.config.test_mode || !self.trusts_parallel() {
            return ExecutionPath::Serial;
        }
        self.config.path(transactions)
    }

    /// What an admitted block does. `ids` are the identities of its transactions.
    pub(crate) fn execute<S: Storage>(
        &self,
        storage: &Arc<RwLock<S>>,
        rules: &Rules,
        block: &Block,
        ids: &[Hash],
    ) -> Result<Execution, ChainError> {
        let body = Body {
            header: &block.header,
            transactions: &block.transactions,
            ids,
        };
        let run = |path| self.guarded(path, storage, rules, &body);
        if self.config.test_mode {
            return self.compared(run);
        }
        let path = self.path(block.transactions.len());
        if path == ExecutionPath::Serial {
            return run(ExecutionPath::Serial);
        }
        match run(path) {
            Err(ChainError::Panicked { message }) => {
                tracing::error!(
                    path = path.name(),
                    message,
                    "a worker panicked; executing serially"
                );
                metrics::fallback();
                run(ExecutionPath::Serial)
            }
            executed => executed,
        }
    }

    /// Takes every path, compares, and keeps the serial result.
    fn compared(
        &self,
        run: impl Fn(ExecutionPath) -> Result<Execution, ChainError>,
    ) -> Result<Execution, ChainError> {
        let serial = run(ExecutionPath::Serial)?;
        for path in [ExecutionPath::SpreadChecks, ExecutionPath::Graph] {
            if !self.trusts_parallel() {
                break;
            }
            let difference = match run(path) {
                Ok(parallel) => serial.difference(&parallel),
                Err(ChainError::Panicked { message }) => Some(format!("it panicked: {message}")),
                // The machine failed; that says nothing about the path.
                Err(_) => None,
            };
            if let Some(difference) = difference {
                self.distrusted.store(true, Ordering::Release);
                metrics::difference(path.name());
                tracing::error!(
                    path = path.name(),
                    difference,
                    "PARALLEL EXECUTION DIFFERS FROM SERIAL: it is switched off, the serial result \
                     is kept. Please report this block."
                );
            }
        }
        Ok(serial)
    }

    /// One path; its panic is an error.
    fn guarded<S: Storage>(
        &self,
        path: ExecutionPath,
        storage: &Arc<RwLock<S>>,
        rules: &Rules,
        body: &Body<'_>,
    ) -> Result<Execution, ChainError> {
        catch_unwind(AssertUnwindSafe(|| {
            self.on_path(path, storage, rules, body)
        }))
        .unwrap_or_else(|panic| {
            Err(ChainError::Panicked {
                message: parallel::message(&*panic),
            })
        })
    }

    fn on_path<S: Storage>(
        &self,
        path: ExecutionPath,
        storage: &Arc<RwLock<S>>,
        rules: &Rules,
        body: &Body<'_>,
    ) -> Result<Execution, ChainError> {
        let hasher = self.hash_seed.build_hasher();
        let workers = match path {
            ExecutionPath::Serial => None,
            _ => self.workers(),
        };
        let executed = match (path, workers) {
            (ExecutionPath::Graph, Some(workers)) => workers.execute(storage, hasher, rules, body),
            _ => {
                let spread = Spread::over(workers.map(ParallelExecutor::pool));
                execute_in_order(spread, storage, hasher, rules, body).map_err(BatchError::from)
            }
        };
        executed.map_err(|error| match error {
            BatchError::Storage(error) => ChainError::Storage(error),
            BatchError::Panicked(message) => ChainError::Panicked { message },
        })
    }

    /// `None` where the system gives no threads; blocks are then executed serially.
    fn workers(&self) -> Option<&ParallelExecutor> {
        let start = || {
            ParallelExecutor::new(self.config.workers())
                .map_err(|error| tracing::error!(%error, "no workers; executing serially"))
                .ok()
        };
        self.workers.get_or_init(start).as_ref()
    }
}

/// What a block did, before any of it is written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Execution {
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) changes: CellChanges,
    pub(crate) fees: Amount,
    pub(crate) reward: Amount,
}

impl Execution {
    fn change(&self, cell: Cell) -> Option<&(Option<Version>, Version)> {
        let at = self.changes.binary_search_by_key(&cell, |(cell, _)| *cell);
        at.ok().map(|at| &self.changes[at].1)
    }

    /// Where another execution of the same block differs first.
    fn difference(&self, other: &Execution) -> Option<String> {
        if self == other {
            return None;
        }
        let receipt = self
            .receipts
            .iter()
            .zip(&other.receipts)
            .position(|(one, other)| one != other);
        if let Some(index) = receipt {
            return Some(format!(
                "transaction {index}: {:?}, serially {:?}",
                other.receipts[index], self.receipts[index]
            ));
        }
        let changed = |one: &Execution, other: &Execution| {
            let mut changes = one.changes.iter();
            changes
                .find(|(cell, change)| other.change(*cell) != Some(change))
                .map(|(cell, _)| *cell)
        };
        if let Some(cell) = changed(self, other).or_else(|| changed(other, self)) {
            return Some(format!(
                "{cell:?}: {:?}, serially {:?}",
                other.change(cell),
                self.change(cell)
            ));
        }
        Some(format!(
            "{} receipts, fees {}, reward {}; serially {}, {}, {}",
            other.receipts.len(),
            other.fees,
            other.reward,
            self.receipts.len(),
            self.fees,
            self.reward
        ))
    }
}

/// A transaction whose identity and stateless verdict are known.
#[derive(Clone, Debug)]
pub struct Checked<'t> {
    /// The transaction.
    pub transaction: &'t Transaction,
    /// Its identity.
    pub id: Hash,
    /// Whether it passed the stateless checks.
    pub verdict: Result<(), Rejection>,
}

/// A block whose identities are known.
pub(crate) struct Body<'t> {
    pub(crate) header: &'t Header,
    pub(crate) transactions: &'t [Transaction],
    pub(crate) ids: &'t [Hash],
}

impl<'t> Body<'t> {
    /// The stateless checks of some of the transactions, on this thread.
    pub(crate) fn check(&self, network: Network, piece: Range<usize>) -> Vec<Checked<'t>> {
        check_all_of(network, &self.transactions[piece.clone()], &self.ids[piece])
    }

    /// Every cell of an account that these transactions may touch, and the miner's credit after the
    /// last of them; some more than once.
    pub(crate) fn cells(&self, piece: Range<usize>, checked: &[Checked<'_>]) -> Vec<Cell> {
        let mut cells = cells_of(checked);
        if piece.end == self.transactions.len() {
            let miner = self.header.miner;
            cells.extend([Cell::Nonce(miner), Cell::Balance(miner, Asset::NATIVE)]);
        }
        cells
    }
}

/// The stateless checks of these transactions, on this thread. `ids` are their identities.
pub(crate) fn check_all_of<'t>(
    network: Network,
    transactions: &'t [Transaction],
    ids: &[Hash],
) -> Vec<Checked<'t>> {
    transactions
        .iter()
        .zip(ids)
        .zip(check_all(transactions, network))
        .map(|((transaction, id), verdict)| Checked {
            transaction,
            id: *id,
            verdict,
        })
        .collect()
}

/// About how many cells a transaction touches, to begin with maps that are large enough.
const CELLS: usize = 4;

/// Executes a block in order: one thread at a time, while others check and load what comes next.
///
/// A failure of the storage is the block's failure and never a transaction's.
pub(crate) fn execute_in_order<S: Storage>(
    spread: Spread<'_>,
    storage: &RwLock<S>,
    hasher: impl BuildHasher + Send,
    rules: &Rules,
    body: &Body<'_>,
) -> Result<Execution, Stopped<StorageError>> {
    let transactions = body.transactions.len();
    let mut state = BlockState::new(storage, transactions * CELLS, hasher);
    let mut receipts = Vec::with_capacity(transactions);
    let mut fees = Amount::ZERO;
    spread.in_order(
        &spread.pieces(transactions),
        |piece| {
            let checked = body.check(rules.network, piece.clone());
            let cells = body.cells(piece.clone(), &checked);
            let storage = storage.read().unwrap_or_else(PoisonError::into_inner);
            let loaded = schema::newest_of_many(&*storage, cells)?;
            Ok((checked, loaded))
        },
        |(checked, loaded)| {
            state.learn(loaded);
            for checked in &checked {
                let outcome = outcome(checked, &mut state)?;
                if let Outcome::Applied { fee, changes } = &outcome {
                    state.apply(changes)?;
                    fees = add(NATIVE, fees, *fee)?;
                }
                receipts.push(receipt(checked, outcome));
            }
            Ok(())
        },
    )?;

    let reward = credit_miner(&mut state, rules, body.header, fees).map_err(Stopped::Failed)?;
    Ok(Execution {
        receipts,
        changes: spread
            .unless_few(transactions)
            .within(|| state.into_changes(body.header.height)),
        fees,
        reward,
    })
}

fn credit_miner<S: Storage, H: BuildHasher>(
    state: &mut BlockState<'_, S, H>,
    rules: &Rules,
    header: &Header,
    fees: Amount,
) -> Result<Amount, StorageError> {
    let mut supply = state.supply(Asset::NATIVE)?;
    let reward = reward(rules, supply)?;
    supply.issued = add(NATIVE, supply.issued, reward)?;
    state.set_supply(Asset::NATIVE, supply)?;
    state.credit(header.miner, Asset::NATIVE, add(NATIVE, fees, reward)?)?;
    Ok(reward)
}

const NATIVE: Cell = Cell::Supply(Asset::NATIVE);

/// What a transaction does to this state.
pub(crate) fn outcome<V: StateView>(
    checked: &Checked<'_>,
    state: &mut V,
) -> Result<Outcome, V::Error> {
    match &checked.verdict {
        Err(rejection) => Ok(Outcome::Rejected(rejection.clone())),
        Ok(()) => transition(checked.transaction, state),
    }
}

pub(crate) fn receipt(checked: &Checked<'_>, outcome: Outcome) -> Receipt {
    tracing::trace!(transaction = %checked.id, ?outcome, "executed");
    Receipt {
        transaction: checked.id,
        outcome,
    }
}

/// What a block issues, where there is so much of the native asset before it.
pub(crate) fn reward(rules: &Rules, supply: Supply) -> Result<Amount, StorageError> {
    let so_far = add(NATIVE, supply.genesis, supply.issued)?;
    let left = rules
        .native_limit
        .checked_sub(so_far)
        .ok_or_else(|| schema::damaged(NATIVE, "more was issued than is allowed"))?;
    Ok(rules.reward.min(left))
}

fn cells_of(transactions: &[Checked<'_>]) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(transactions.len() * (CELLS + 2));
    // What is rejected without a look at the state loads nothing.
    for Checked { transaction, .. } in transactions.iter().filter(|one| one.verdict.is_ok()) {
        let source = transaction.source;
        cells.extend([
            Cell::Nonce(source),
            Cell::Multisig(source),
            Cell::Balance(source, Asset::NATIVE),
        ]);
        match &transaction.payload {
            Payload::Transfers(transfers) => {
                for transfer in transfers {
                    if transfer.asset != Asset::NATIVE {
                        cells.push(Cell::Balance(source, transfer.asset));
                    }
                    cells.extend([
                        Cell::Nonce(transfer.destination),
                        Cell::Balance(transfer.destination, transfer.asset),
                    ]);
                }
            }
            Payload::Burn { asset, .. } => {
                cells.push(Cell::Balance(source, *asset));
            }
            Payload::Multisig(_) => {}
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution(fees: u64) -> Execution {
        Execution {
            receipts: Vec::new(),
            changes: Vec::new(),
            fees: Amount(fees),
            reward: Amount::ZERO,
        }
    }

    /// What test mode keeps, and whether it trusts the workers afterwards, where the serial path
    /// says 7 and the graph what is given.
    fn compared(graph: fn() -> Result<Execution, ChainError>) -> (Execution, bool) {
        let blocks = BlockExecutor::new(&Config::for_network(Network::Devnet));
        let kept = blocks.compared(|path| match path {
            ExecutionPath::Graph => graph(),
            _ => Ok(execution(7)),
        });
        let kept = kept.expect("the serial path does not fail");
        (kept, blocks.trusts_parallel())
    }

    #[test]
    fn test_mode_trusts_workers_that_say_the_same() {
        assert_eq!(compared(|| Ok(execution(7))), (execution(7), true));
    }

    #[test]
    fn test_mode_keeps_the_serial_result_and_distrusts_workers_that_differ() {
        assert_eq!(compared(|| Ok(execution(8))), (execution(7), false));
    }

    #[test]
    fn test_mode_distrusts_workers_that_panic() {
        let panicked = || {
            Err(ChainError::Panicked {
                message: "on purpose".to_owned(),
            })
        };
        assert_eq!(compared(panicked), (execution(7), false));
    }
}

//! The parts of executing a block that are the same on every path: checks, receipts, the reward, and the
//! result.

use std::ops::Range;

use crate::model::{
    Amount, Asset, Cell, Hash, Header, Network, Outcome, Payload, Receipt, Rejection, Rules,
    Supply, Transaction, Version,
};
use crate::signature::Verifier;
use crate::state::{WriteSet, add};
use crate::storage::{StorageError, schema};
use crate::transition::{StateView, check_all_with, transition};

/// The result of executing a block, of which nothing is written yet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Execution {
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) write_set: WriteSet,
    pub(crate) fees: Amount,
    pub(crate) reward: Amount,
}

impl Execution {
    fn write(&self, cell: Cell) -> Option<&(Option<Version>, Version)> {
        let at = self
            .write_set
            .binary_search_by_key(&cell, |(cell, _)| *cell);
        at.ok().map(|at| &self.write_set[at].1)
    }

    /// Returns a description of the first difference of another execution of the same block, if there
    /// is one.
    pub(crate) fn difference(&self, other: &Execution) -> Option<String> {
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
            let mut writes = one.write_set.iter();
            writes
                .find(|(cell, write)| other.write(*cell) != Some(write))
                .map(|(cell, _)| *cell)
        };
        if let Some(cell) = changed(self, other).or_else(|| changed(other, self)) {
            return Some(format!(
                "{cell:?}: {:?}, serially {:?}",
                other.write(cell),
                self.write(cell)
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
    /// The result of the stateless checks.
    pub verdict: Result<(), Rejection>,
}

/// A block whose identities are known, and the source of the verdicts about its signatures.
pub(crate) struct Body<'t> {
    pub(crate) header: &'t Header,
    pub(crate) transactions: &'t [Transaction],
    pub(crate) ids: &'t [Hash],
    pub(crate) verifier: &'t dyn Verifier,
}

impl<'t> Body<'t> {
    /// Makes the stateless checks of some of the transactions, on this thread.
    pub(crate) fn check(&self, network: Network, piece: Range<usize>) -> Vec<Checked<'t>> {
        let transactions = &self.transactions[piece.clone()];
        check_all_of(self.verifier, network, transactions, &self.ids[piece])
    }

    /// Returns every cell of an account that these transactions may touch, and those of the miner's
    /// credit after the last of the block; some more than once.
    pub(crate) fn cells(&self, piece: Range<usize>, checked: &[Checked<'_>]) -> Vec<Cell> {
        let mut cells = cells_of(checked);
        if piece.end == self.transactions.len() {
            let miner = self.header.miner;
            cells.extend([Cell::Nonce(miner), Cell::Balance(miner, Asset::NATIVE)]);
        }
        cells
    }
}

/// Makes the stateless checks of these transactions, on this thread. `ids` are their identities.
pub(crate) fn check_all_of<'t>(
    verifier: &dyn Verifier,
    network: Network,
    transactions: &'t [Transaction],
    ids: &[Hash],
) -> Vec<Checked<'t>> {
    transactions
        .iter()
        .zip(ids)
        .zip(check_all_with(verifier, transactions, network))
        .map(|((transaction, id), verdict)| Checked {
            transaction,
            id: *id,
            verdict,
        })
        .collect()
}

/// The number of cells that a transaction touches, about, to begin with maps that are large enough.
pub(crate) const CELLS: usize = 5;

pub(crate) const NATIVE: Cell = Cell::Supply(Asset::NATIVE);

/// Returns the outcome of a transaction on this state.
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

/// Returns the reward that a block issues if `supply` is the supply of the native asset before it.
pub(crate) fn reward(rules: &Rules, supply: Supply) -> Result<Amount, StorageError> {
    let so_far = add(NATIVE, supply.genesis, supply.issued)?;
    let left = rules
        .native_limit
        .checked_sub(so_far)
        .ok_or_else(|| schema::damaged(NATIVE, "more was issued than is allowed"))?;
    Ok(rules.reward.min(left))
}

fn cells_of(transactions: &[Checked<'_>]) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(transactions.len() * (CELLS + 1));
    // A transaction that is rejected without a look at the state loads nothing.
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
    use crate::model::{Height, PublicKey, Value};

    fn applied(fee: u64) -> Receipt {
        Receipt {
            transaction: Hash([1; 32]),
            outcome: Outcome::Applied {
                fee: Amount(fee),
                effects: Vec::new(),
            },
        }
    }

    fn execution(fee: u64, balances: [u64; 2], reward: u64) -> Execution {
        let change = |(account, amount)| {
            let now = Version {
                height: Height(1),
                previous: None,
                value: Value::Balance(Amount(amount)),
            };
            let cell = Cell::Balance(PublicKey([account; 32]), Asset::NATIVE);
            (cell, (None, now))
        };
        Execution {
            receipts: vec![applied(1), applied(fee)],
            write_set: [1, 2].into_iter().zip(balances).map(change).collect(),
            fees: Amount(3),
            reward: Amount(reward),
        }
    }

    /// Describes the difference of an execution from one with fee 2, balances 10 and 20 and reward 5.
    fn difference(other: Execution) -> Option<String> {
        execution(2, [10, 20], 5).difference(&other)
    }

    #[test]
    fn the_same_execution_does_not_differ() {
        assert_eq!(difference(execution(2, [10, 20], 5)), None);
    }

    #[test]
    fn the_first_transaction_that_differs_is_named_before_any_cell() {
        let said = difference(execution(9, [10, 21], 5)).expect("a fee is another one");
        assert!(said.starts_with("transaction 1: "), "{said}");
    }

    #[test]
    fn the_first_cell_that_differs_is_named_with_both_values() {
        let said = difference(execution(2, [10, 21], 5)).expect("a balance is another one");
        let cell = Cell::Balance(PublicKey([2; 32]), Asset::NATIVE);
        assert!(said.starts_with(&format!("{cell:?}: ")), "{said}");
        let (parallel, serial) = said.split_once("serially").expect("both are said");
        let says = |text: &str, amount| text.contains(&format!("{:?}", Amount(amount)));
        assert!(says(parallel, 21) && says(serial, 20), "{said}");
    }

    #[test]
    fn a_cell_that_only_one_of_them_changed_is_named() {
        let mut shorter = execution(2, [10, 20], 5);
        let (cell, _) = shorter.write_set.pop().expect("two cells changed");
        let said = difference(shorter).expect("a change is missing");
        assert!(
            said.starts_with(&format!("{cell:?}: None, serially Some")),
            "{said}"
        );
    }

    #[test]
    fn where_receipts_and_cells_agree_the_sums_are_named() {
        let said = difference(execution(2, [10, 20], 6)).expect("the reward is another one");
        assert_eq!(said, "2 receipts, fees 3, reward 6; serially 2, 3, 5");
    }
}

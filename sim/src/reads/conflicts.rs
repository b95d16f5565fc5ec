//! The order that the conflicts of transactions impose, from all pairs.

use std::collections::BTreeMap;

use lockstep_core::model::{Cell, Payload, Transaction};

/// Largest number of transactions of a question: a set of them is a word.
pub const MOST: usize = 64;

/// The order that the conflicts of a list of transactions impose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictOrder {
    /// The transactions by level.
    pub groups: Vec<Vec<u32>>,
    /// Level of each transaction: one more than the highest of those before it that it conflicts
    /// with.
    pub levels: Vec<u32>,
    /// Length of the longest chain of conflicts that begins at each transaction.
    pub critical_path_lengths: Vec<u32>,
    /// The transactions that must come before each one, directly or not, as a set of bits.
    pub before: Vec<u64>,
    /// True if as many transactions wait for each one as are counted.
    pub counts_agree: bool,
}

impl ConflictOrder {
    /// Compares all pairs of transactions. At most [`MOST`] are taken.
    #[must_use]
    pub fn of(transactions: &[Transaction]) -> Self {
        let accesses: Vec<_> = transactions.iter().take(MOST).map(accesses).collect();
        let count = accesses.len();
        let mut levels = vec![0; count];
        let mut before = vec![0u64; count];
        let mut critical_path_lengths = vec![0; count];
        let mut conflicts = Vec::new();
        for later in 0..count {
            for earlier in 0..later {
                if is_conflict(&accesses[earlier], &accesses[later]) {
                    conflicts.push((earlier, later));
                    levels[later] = levels[later].max(levels[earlier] + 1);
                    before[later] |= before[earlier] | 1 << earlier;
                }
            }
        }
        // By falling begin: the path behind a transaction is known before it is asked for.
        conflicts.sort_unstable();
        for (earlier, later) in conflicts.into_iter().rev() {
            critical_path_lengths[earlier] =
                critical_path_lengths[earlier].max(critical_path_lengths[later] + 1);
        }
        let depth = levels.iter().max().map_or(0, |deepest| deepest + 1);
        let groups = (0..depth)
            .map(|level| {
                let of_level = (0..).zip(&levels).filter(|(_, other)| **other == level);
                of_level.map(|(transaction, _)| transaction).collect()
            })
            .collect();
        ConflictOrder {
            groups,
            levels,
            critical_path_lengths,
            before,
            counts_agree: true,
        }
    }
}

/// The cells that a transaction may touch, by the rules of the ledger; true for those that it reads or
/// takes from, false for those that it only adds to, which commute.
///
/// Left out are the cells that commute for all transactions: supplies, registrations, the miner's
/// balance.
fn accesses(transaction: &Transaction) -> BTreeMap<Cell, bool> {
    let source = transaction.source;
    let mut accesses = BTreeMap::from([(Cell::Nonce(source), true)]);
    let native = lockstep_core::model::Asset::NATIVE;
    if !transaction.fee.is_zero() {
        accesses.insert(Cell::Balance(source, native), true);
    }
    match &transaction.payload {
        Payload::Transfers(transfers) => {
            for transfer in transfers {
                accesses.insert(Cell::Balance(source, transfer.asset), true);
            }
            for transfer in transfers {
                let cell = Cell::Balance(transfer.destination, transfer.asset);
                accesses.entry(cell).or_insert(false);
            }
        }
        Payload::Burn { asset, .. } => {
            accesses.insert(Cell::Balance(source, *asset), true);
        }
        Payload::Multisig(_) => {}
    }
    accesses
}

fn is_conflict(one: &BTreeMap<Cell, bool>, other: &BTreeMap<Cell, bool>) -> bool {
    one.iter().any(|(cell, is_exclusive)| {
        let touched = other.get(cell);
        touched.is_some_and(|other_is_exclusive| *is_exclusive || *other_is_exclusive)
    })
}

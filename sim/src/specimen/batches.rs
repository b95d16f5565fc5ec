//! Which transactions the specimen executes side by side.

use std::collections::BTreeSet;

use lockstep_core::model::{Payload, PublicKey, Transaction};

use super::Defect;

/// Batches of transactions, by index, of which no two touch the same account. A transaction comes
/// after the last batch that it conflicts with, and so never before one that it conflicts with.
///
/// Costs a look at every batch for every transaction.
pub(super) fn batches(transactions: &[Transaction], defect: Option<Defect>) -> Vec<Vec<usize>> {
    let mut batches: Vec<(Vec<usize>, BTreeSet<PublicKey>)> = Vec::new();
    for (index, transaction) in transactions.iter().enumerate() {
        let touched = touched(transaction, defect);
        let conflicts =
            |(_, accounts): &(Vec<usize>, BTreeSet<PublicKey>)| !accounts.is_disjoint(&touched);
        let place = match defect {
            Some(Defect::OvertakingBatch) => batches.iter().position(|batch| !conflicts(batch)),
            _ => Some(
                batches
                    .iter()
                    .rposition(conflicts)
                    .map_or(0, |last| last + 1),
            ),
        };
        match place.and_then(|place| batches.get_mut(place)) {
            Some((members, accounts)) => {
                members.push(index);
                accounts.extend(touched);
            }
            None => batches.push((vec![index], touched)),
        }
    }
    batches.into_iter().map(|(members, _)| members).collect()
}

fn touched(transaction: &Transaction, defect: Option<Defect>) -> BTreeSet<PublicKey> {
    let mut touched = BTreeSet::from([transaction.source]);
    if let Payload::Transfers(transfers) = &transaction.payload
        && defect != Some(Defect::ConflictMissed)
    {
        touched.extend(transfers.iter().map(|transfer| transfer.destination));
    }
    touched
}

//! The batches of transactions that the buggy executor may execute in parallel.

use std::collections::BTreeSet;

use lockstep_core::model::{Payload, PublicKey, Transaction};

use super::ExecutorBug;

/// Groups transactions, by index, into batches in which no two conflict: none sends from an account that
/// another one touches, and credits commute. A transaction joins the batch after the last one that it
/// conflicts with, so conflicting transactions keep their order.
///
/// Costs one comparison for every batch and transaction.
pub(super) fn batches(transactions: &[Transaction], bug: Option<ExecutorBug>) -> Vec<Vec<usize>> {
    let mut batches: Vec<(Vec<usize>, Touched)> = Vec::new();
    for (index, transaction) in transactions.iter().enumerate() {
        let touched = Touched::by(transaction, bug);
        let conflicts = |(_, others): &(Vec<usize>, Touched)| touched.conflicts_with(others);
        let place = match bug {
            Some(ExecutorBug::OvertakingBatch) => {
                batches.iter().position(|batch| !conflicts(batch))
            }
            // Whether those before it have ancestors is asked, and whether these have some is not.
            Some(ExecutorBug::OneLevelDeep) => Some(
                batches
                    .iter()
                    .rposition(conflicts)
                    .map_or(0, |last| (last + 1).min(2)),
            ),
            _ => Some(
                batches
                    .iter()
                    .rposition(conflicts)
                    .map_or(0, |last| last + 1),
            ),
        };
        match place.and_then(|place| batches.get_mut(place)) {
            Some((members, others)) => {
                members.push(index);
                others.sources.extend(touched.sources);
                others.receivers.extend(touched.receivers);
            }
            None => batches.push((vec![index], touched)),
        }
    }
    batches.into_iter().map(|(members, _)| members).collect()
}

/// The accounts that a transaction, or a whole batch, touches.
struct Touched {
    sources: BTreeSet<PublicKey>,
    receivers: BTreeSet<PublicKey>,
}

impl Touched {
    fn by(transaction: &Transaction, bug: Option<ExecutorBug>) -> Self {
        let receivers = match &transaction.payload {
            Payload::Transfers(transfers) if bug != Some(ExecutorBug::ConflictMissed) => {
                transfers.iter().map(|to| to.destination).collect()
            }
            _ => BTreeSet::new(),
        };
        Touched {
            sources: BTreeSet::from([transaction.source]),
            receivers,
        }
    }

    fn conflicts_with(&self, other: &Touched) -> bool {
        !(self.sources.is_disjoint(&other.sources)
            && self.sources.is_disjoint(&other.receivers)
            && self.receivers.is_disjoint(&other.sources))
    }
}

//! Every transaction has one receipt, at its own index, under its own identity.

use lockstep_core::model::Hash;
use lockstep_harness::exit::ExitCode;

use super::{Evidence, Invariant};

/// Every transaction of a block has one receipt, at its own index.
pub(super) const INVARIANT: Invariant = Invariant {
    name: "one-receipt-per-transaction",
    exit_code: ExitCode::Violated,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let (block, result) = evidence.event.added()?;
    let (transactions, receipts) = (&block.transactions, &result.receipts);
    if transactions.len() != receipts.len() {
        return Some(format!(
            "{} transactions have {} receipts",
            transactions.len(),
            receipts.len()
        ));
    }
    transactions
        .iter()
        .zip(receipts)
        .enumerate()
        .find_map(|(index, (transaction, receipt))| {
            let bytes = borsh::to_vec(transaction).expect("a transaction can be encoded");
            let id = Hash(blake3::hash(&bytes).into());
            (receipt.transaction != id).then(|| {
                format!(
                    "the receipt at index {index} is of {}, the transaction there is {id}",
                    receipt.transaction
                )
            })
        })
}

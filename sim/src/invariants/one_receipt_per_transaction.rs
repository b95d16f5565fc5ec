//! Every transaction has one receipt, at its own index, under its own identity.

use lockstep_core::model::Hash;
use lockstep_harness::invariant;

use super::{Check, Evidence};

invariant! {
    /// Every transaction of a block has one receipt, at its own index.
    pub static INVARIANT: "one-receipt-per-transaction", exits Violated, catches "ReceiptLost";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
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

//! Coverage points of a ledger, counted from the oracle's result of a block.

mod edges;
mod sizes;

use std::collections::BTreeSet;

use lockstep_core::model::{
    Block, Cell, Effect, Outcome, Payload, Refusal, Rejection, Rules, Transaction,
};
use lockstep_harness::coverage::{Coverage, Point};

use crate::world::{BlockResult, World};

/// Name of the system that these coverage points belong to.
pub const SYSTEM: &str = "ledger";

/// Quantities that a ledger counts beside events.
pub mod totals {
    /// Accepted blocks, those that were applied again included.
    pub const BLOCKS: &str = "blocks";
    /// Transactions of accepted blocks.
    pub const TRANSACTIONS: &str = "transactions";
    /// Applied transactions.
    pub const APPLIED: &str = "applied";
}

/// A coverage point of a ledger: [`lockstep_harness::point!`] with its system.
macro_rules! point {
    ($($point:tt)+) => {
        ::lockstep_harness::point!("ledger", $($point)+)
    };
}
pub(crate) use point;

pub(crate) use sizes::{count_rewind, count_workers};

/// Counts the coverage points of a block. `expected` is the oracle's result, `before` the world
/// before it.
pub fn count_block(
    coverage: &mut Coverage,
    rules: &Rules,
    block: &Block,
    expected: &Result<BlockResult, Refusal>,
    before: Option<&World>,
) {
    let result = match expected {
        Ok(result) => result,
        Err(refusal) => {
            sizes::count_refused(coverage, refusal);
            return coverage.count(refused(refusal));
        }
    };
    sizes::count(coverage, rules, block, result, before);
    edges::count(coverage, rules, block, result, before);
    coverage.count(point!("blocks", total));
    let transactions = block.transactions.len() as u64;
    coverage.count_many(point!("transactions", total), transactions);
    // Zero times: the quantity exists even if no transaction is applied.
    coverage.count_many(point!("applied", total), 0);
    if block.transactions.is_empty() {
        coverage.count(point!("block: without a transaction"));
    }
    if result.reward.is_zero() {
        coverage.count(point!("block: native limit reached"));
    }
    let changed: BTreeSet<Cell> = result.state_diff.iter().map(|(cell, _)| *cell).collect();
    let mut credited = BTreeSet::new();
    let mut senders = BTreeSet::new();
    let (mut miner_is_party, mut sender_again) = (false, false);
    for (transaction, receipt) in block.transactions.iter().zip(&result.receipts) {
        match &receipt.outcome {
            Outcome::Rejected(rejection) => rejected(coverage, transaction, rejection),
            Outcome::Applied { effects, .. } => {
                coverage.count(point!("applied", total));
                sender_again |= !senders.insert(transaction.source);
                applied(coverage, transaction, effects, before, &credited);
                for effect in effects {
                    match effect {
                        Effect::Credit { account, asset, .. } => {
                            miner_is_party |= *account == block.header.miner;
                            credited.insert(Cell::Balance(*account, *asset));
                        }
                        Effect::Nonce { account, .. } => {
                            miner_is_party |= *account == block.header.miner;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    if miner_is_party {
        coverage.count(point!("block: the miner is a party", in ["calm"]));
    }
    if sender_again {
        coverage.count(point!("block: repeated sender", in ["calm", "nonces"]));
    }
    if credited.iter().any(|cell| !changed.contains(cell)) {
        coverage.count(point!("block: credit without net change", in ["calm", "money"]));
    }
}

fn applied(
    coverage: &mut Coverage,
    transaction: &Transaction,
    effects: &[Effect],
    before: Option<&World>,
    credited: &BTreeSet<Cell>,
) {
    if !transaction.cosignatures.is_empty() {
        coverage.count(point!("applied: with cosigners", in ["calm", "multisig"]));
    }
    if transaction.signature.0[32..].iter().all(|byte| *byte == 0) {
        coverage.count(point!("applied: by a small-order key"));
    }
    let debits: Vec<Cell> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Debit { account, asset, .. } => Some(Cell::Balance(*account, *asset)),
            _ => None,
        })
        .collect();
    if debits.iter().any(|cell| credited.contains(cell)) {
        coverage.count(point!("applied: spends a credit of this block", in ["calm", "money"]));
    }
    if debits.len() > 1 {
        coverage.count(point!("applied: several assets", in ["calm", "money"]));
    }
    match &transaction.payload {
        Payload::Burn { .. } => coverage.count(point!("applied: burn", in ["calm", "money"])),
        Payload::Multisig(multisig) if multisig.participants.is_empty() => {
            coverage.count(point!("applied: multisig removed", in ["multisig"]));
        }
        Payload::Multisig(_) => {
            coverage.count(point!("applied: multisig set", in ["calm", "multisig"]))
        }
        Payload::Transfers(transfers) => {
            if transfers.len() > 1 {
                coverage.count(point!("applied: several transfers", in ["calm", "money"]));
            }
            if transfers
                .iter()
                .any(|transfer| transfer.destination == transaction.source)
            {
                coverage.count(point!("applied: self-transfer", in ["calm", "money"]));
            }
            let is_new = |account| {
                before.is_some_and(|world| !world.cells.contains_key(&Cell::Nonce(account)))
            };
            if transfers
                .iter()
                .any(|transfer| is_new(transfer.destination))
            {
                coverage.count(point!("applied: to a new account", in ["calm"]));
            }
        }
    }
}

fn rejected(coverage: &mut Coverage, transaction: &Transaction, rejection: &Rejection) {
    coverage.count(match rejection {
        Rejection::Network { .. } => point!("rejected: network"),
        Rejection::TransferCount { .. } => point!("rejected: transfer count"),
        Rejection::ZeroAmount { .. } => point!("rejected: zero amount"),
        Rejection::ParticipantCount { .. } => point!("rejected: participant count"),
        Rejection::Threshold { .. } => point!("rejected: threshold"),
        Rejection::DuplicateParticipant { .. } => point!("rejected: duplicate participant"),
        Rejection::CosignatureCount { .. } => point!("rejected: cosignature count"),
        Rejection::Signature { .. } => point!("rejected: signature"),
        Rejection::Nonce { expected, got } if got < expected => {
            point!("rejected: nonce used", in ["nonces"])
        }
        Rejection::Nonce { .. } => point!("rejected: nonce gap", in ["nonces"]),
        Rejection::NonceExhausted => point!("rejected: nonce exhausted", rare),
        Rejection::Multisig { .. } => point!("rejected: multisig", in ["multisig"]),
        Rejection::SumOverflow { .. } => point!("rejected: sum overflow", in ["money"]),
        Rejection::Balance { .. } => point!("rejected: balance", in ["money"]),
    });
    let takes_nothing =
        transaction.fee.is_zero() && matches!(transaction.payload, Payload::Multisig(_));
    match rejection {
        Rejection::Nonce { .. } if takes_nothing => {
            coverage
                .count(point!("rejected: nonce of a transaction without debits", in ["nonces"]));
        }
        Rejection::Balance {
            needed, available, ..
        } => {
            let without_fee = needed.checked_sub(transaction.fee);
            if without_fee.is_some_and(|needed| needed <= *available) {
                coverage.count(point!("rejected: balance short by the fee alone", in ["money"]));
            }
            if let Payload::Transfers(transfers) = &transaction.payload
                && transfers.len() > 1
                && transfers[0].amount <= *available
            {
                coverage.count(point!("rejected: first transfer affordable", in ["money"]));
            }
        }
        _ => {}
    }
}

fn refused(refusal: &Refusal) -> &'static Point {
    match refusal {
        Refusal::Version { .. } => point!("refused: version"),
        Refusal::Network { .. } => point!("refused: network"),
        Refusal::Height { .. } => point!("refused: height"),
        Refusal::Parent { .. } => point!("refused: parent"),
        Refusal::Time { .. } => point!("refused: time"),
        Refusal::Count { .. } => point!("refused: count"),
        Refusal::Size { .. } => point!("refused: size"),
        Refusal::MerkleRoot { .. } => point!("refused: merkle root"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use lockstep_harness::coverage;

    #[test]
    fn every_point_that_a_line_counts_is_linked_and_stands_nowhere_else() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let objections = coverage::objections(super::SYSTEM, &folder);
        assert_eq!(
            objections.expect("the sources can be read"),
            Vec::<String>::new()
        );
        assert!(coverage::registered().count() > 40);
    }
}

//! The roots that a header claims of the execution of its block.

use alloy_primitives::{B256, Bloom, logs_bloom};
use alloy_trie::TrieAccount;
use alloy_trie::root::{
    ordered_trie_root_with_encoder, state_root_unhashed, storage_root_unhashed,
};

use crate::block::{Kind, Transaction};
use crate::encoding::{item, list};
use crate::execution::{Outcome, Status};
use crate::state::State;

/// The root of the trie of all accounts.
pub fn state_root(state: &State) -> B256 {
    state_root_unhashed(state.accounts.iter().map(|(address, account)| {
        let slots = account.storage.iter();
        let slots = slots.map(|(slot, value)| (B256::from(*slot), *value));
        let leaf = TrieAccount {
            nonce: account.nonce,
            balance: account.balance,
            storage_root: storage_root_unhashed(slots),
            code_hash: account.code.hash(),
        };
        (*address, leaf)
    }))
}

/// The root of the trie of the receipts, from Byzantium on, and the bloom filter of all events.
///
/// Rejected transactions have no receipt.
pub fn receipts(transactions: &[Transaction], outcomes: &[Outcome]) -> (B256, Bloom) {
    let mut gas = 0;
    let mut bloom = Bloom::ZERO;
    let mut receipts = Vec::new();
    for (transaction, outcome) in transactions.iter().zip(outcomes) {
        let Outcome::Executed { status, logs, .. } = outcome else {
            continue;
        };
        gas += outcome.gas_used();
        let own = logs_bloom(logs);
        bloom.accrue_bloom(&own);
        let logs: Vec<_> = logs.iter().map(|log| item(log)).collect();
        let status = item(&(*status == Status::Succeeded));
        let body = list(&[status, item(&gas), item(&own), list(&logs)]);
        receipts.push([type_byte(&transaction.kind), body].concat());
    }
    let root = ordered_trie_root_with_encoder(&receipts, |receipt, out| out.extend(receipt));
    (root, bloom)
}

/// The byte before typed encodings, none for legacy transactions.
pub(crate) fn type_byte(kind: &Kind) -> Vec<u8> {
    match kind {
        Kind::Legacy { .. } => Vec::new(),
        Kind::AccessList { .. } => vec![1],
        Kind::DynamicFee { .. } => vec![2],
        Kind::Blob { .. } => vec![3],
        Kind::Delegation { .. } => vec![4],
    }
}

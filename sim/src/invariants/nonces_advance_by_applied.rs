//! A nonce counts the applied transactions of its account.

use std::collections::BTreeMap;

use lockstep_core::model::{Cell, PublicKey, Value};
use lockstep_harness::invariant;

use super::{Check, Evidence, applied};
use crate::world::World;

invariant! {
    /// An account's nonce advances by the number of its applied transactions, and by nothing else.
    pub static INVARIANT: "nonces-advance-by-applied", exits Violated, catches "nonce-rule-differs";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let (block, result) = evidence.event.added()?;
    let mut advanced: BTreeMap<PublicKey, u64> = BTreeMap::new();
    for (transaction, _) in applied(block, &result.receipts) {
        *advanced.entry(transaction.source).or_default() += 1;
    }
    let accounts = evidence.after.cells.keys().filter_map(|cell| match cell {
        Cell::Nonce(account) => Some(*account),
        _ => None,
    });
    accounts
        .chain(advanced.keys().copied())
        .find_map(|account| {
            let (before, after) = (
                nonce(evidence.before, account),
                nonce(evidence.after, account),
            );
            let count = advanced.get(&account).copied().unwrap_or(0);
            (before.checked_add(count) != Some(after)).then(|| {
                format!(
                    "{account} had nonce {before} and {count} applied transactions, and has nonce \
                     {after}"
                )
            })
        })
}

fn nonce(world: &World, account: PublicKey) -> u64 {
    match world.newest(Cell::Nonce(account)) {
        Some(Value::Nonce(nonce)) => nonce.0,
        _ => 0,
    }
}

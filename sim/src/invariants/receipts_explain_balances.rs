//! Balances move by the amounts of the receipts and of the reward, and by nothing else.

use std::collections::BTreeMap;

use lockstep_core::model::{Asset, Cell, Effect, PublicKey, Value};
use lockstep_harness::invariant;

use super::{Check, Evidence, applied};
use crate::world::World;

invariant! {
    /// A balance after a block is the one before it plus credits minus debits of the receipts, and for
    /// the miner plus reward and fees.
    pub static INVARIANT: "receipts-explain-balances", exits Violated, catches "unit-lost";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let (block, result) = evidence.event.added()?;
    let mut expected: BTreeMap<(PublicKey, Asset), i128> = balances(evidence.before);
    for (_, changes) in applied(block, &result.receipts) {
        for change in changes {
            match change {
                Effect::Debit {
                    account,
                    asset,
                    amount,
                } => *expected.entry((*account, *asset)).or_default() -= i128::from(amount.0),
                Effect::Credit {
                    account,
                    asset,
                    amount,
                } => *expected.entry((*account, *asset)).or_default() += i128::from(amount.0),
                Effect::Nonce { .. } | Effect::Multisig { .. } | Effect::Burn { .. } => {}
            }
        }
    }
    *expected
        .entry((block.header.miner, Asset::NATIVE))
        .or_default() += i128::from(result.fees.0) + i128::from(result.reward.0);

    let got = balances(evidence.after);
    expected.keys().chain(got.keys()).find_map(|key| {
        let (expected, got) = (
            expected.get(key).copied().unwrap_or(0),
            got.get(key).copied().unwrap_or(0),
        );
        let (account, asset) = key;
        (expected != got).then(|| {
            format!(
                "{account} has {got} of {asset:?}, the receipts make it {expected}, {} more",
                got - expected
            )
        })
    })
}

fn balances(world: &World) -> BTreeMap<(PublicKey, Asset), i128> {
    world
        .cells
        .keys()
        .filter_map(|cell| match (cell, world.newest(*cell)) {
            (Cell::Balance(account, asset), Some(Value::Balance(amount))) => {
                Some(((*account, *asset), i128::from(amount.0)))
            }
            _ => None,
        })
        .collect()
}

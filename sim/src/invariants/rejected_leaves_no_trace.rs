//! A cell differs after a block only where an applied transaction or the reward touched it.

use std::collections::BTreeSet;

use lockstep_core::model::{Amount, Asset, Cell, Effect};
use lockstep_harness::invariant;

use super::{Check, Evidence, applied};

invariant! {
    /// A rejected transaction, like a refused block, leaves no trace: no fee, no nonce, no
    /// registration, no version.
    pub static INVARIANT: "rejected-leaves-no-trace", exits Violated, catches "half-applied";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let touched = match evidence.event {
        super::Event::Block { got: Err(_), .. } => BTreeSet::new(),
        super::Event::Block {
            block,
            got: Ok(result),
            ..
        } => {
            let mut touched = BTreeSet::new();
            for (_, changes) in applied(block, &result.receipts) {
                touched.extend(changes.iter().flat_map(cells_of));
            }
            let credited = result.fees.0 > 0 || result.reward.0 > 0;
            if credited {
                let miner = block.header.miner;
                touched.insert(Cell::Nonce(miner));
                touched.insert(Cell::Balance(miner, Asset::NATIVE));
            }
            if result.reward > Amount::ZERO {
                touched.insert(Cell::Supply(Asset::NATIVE));
            }
            touched
        }
        _ => return None,
    };
    let (before, after) = (&evidence.before.cells, &evidence.after.cells);
    before
        .keys()
        .chain(after.keys())
        .find(|cell| before.get(cell) != after.get(cell) && !touched.contains(cell))
        .map(|cell| {
            format!(
                "{cell:?} differs, and nothing that was applied touched it: it has {}, before {}",
                super::describe(after.get(cell)),
                super::describe(before.get(cell))
            )
        })
}

fn cells_of(change: &Effect) -> Vec<Cell> {
    match change {
        Effect::Nonce { account, .. } => vec![Cell::Nonce(*account)],
        Effect::Multisig { account, .. } => vec![Cell::Multisig(*account)],
        Effect::Debit { account, asset, .. } => vec![Cell::Balance(*account, *asset)],
        Effect::Credit { account, asset, .. } => {
            vec![Cell::Balance(*account, *asset), Cell::Nonce(*account)]
        }
        Effect::Burn { asset, .. } => vec![Cell::Supply(*asset)],
    }
}

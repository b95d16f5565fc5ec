//! Money is neither made nor lost: an absolute count, not a comparison.

use std::collections::BTreeMap;

use lockstep_core::model::{Asset, Cell, Supply, Value};
use lockstep_harness::invariant;

use super::{Check, Evidence};

invariant! {
    /// The balances of an asset plus its burns equal its genesis plus what was issued, at most
    /// `u64::MAX`; nothing but the reward issues, and the genesis stays what it was.
    pub static INVARIANT: "supply-is-conserved", exits Violated, catches "counter-wrap";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let world = evidence.after;
    let mut there: BTreeMap<Asset, u128> = BTreeMap::new();
    let mut supplies: BTreeMap<Asset, Supply> = BTreeMap::new();
    for cell in world.cells.keys() {
        match (cell, world.newest(*cell)) {
            (Cell::Balance(_, asset), Some(Value::Balance(amount))) => {
                *there.entry(*asset).or_default() += u128::from(amount.0);
            }
            (Cell::Supply(asset), Some(Value::Supply(supply))) => {
                supplies.insert(*asset, *supply);
            }
            _ => {}
        }
    }
    for asset in there.keys().chain(supplies.keys()) {
        let balances = there.get(asset).copied().unwrap_or(0);
        let Supply {
            genesis,
            issued,
            burned,
        } = supplies.get(asset).copied().unwrap_or_default();
        let left = balances + u128::from(burned.0);
        let made = u128::from(genesis.0) + u128::from(issued.0);
        if left != made {
            return Some(format!(
                "of {asset:?} there are {balances} in balances and {burned} burned, but {genesis} \
                 from the genesis and {issued} issued: {} too {}",
                left.abs_diff(made),
                if left < made { "few" } else { "many" }
            ));
        }
        if made > u128::from(u64::MAX) {
            return Some(format!("of {asset:?} there are {made}, more than u64::MAX"));
        }
        if issued.0 > 0 && *asset != Asset::NATIVE {
            return Some(format!("{issued} of {asset:?} were issued"));
        }
        if *asset == Asset::NATIVE && made > u128::from(evidence.rules.native_limit.0) {
            return Some(format!(
                "{made} of the native asset exceed the limit of {}",
                evidence.rules.native_limit
            ));
        }
    }
    None
}

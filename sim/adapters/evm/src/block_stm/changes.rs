//! The writes of a transaction as keys and values, and their application to a state.

use std::collections::HashMap;

use alloy_primitives::{Address, U256};
use revm::state::{AccountInfo, EvmState};

use super::bug::Bug;
use super::fee::Fee;
use super::memory::{Key, Value};
use super::view::Base;
use crate::block::Fork;
use crate::machine::changed_code;
use crate::state::State;

/// The writes that `state`, left by a transaction which saw `before`, amounts to.
///
/// An account that has the same value as before is not written.
pub(super) fn writes(
    state: EvmState,
    before: &HashMap<Address, Option<AccountInfo>>,
    fee: Option<Fee>,
    base: &Base,
) -> Vec<(Key, Value)> {
    let fork = base.block.fork;
    let mut writes = Vec::new();
    for (address, changed) in state {
        if !changed.is_touched() {
            continue;
        }
        let seen = before.get(&address).cloned().flatten();
        let is_destroyed = changed.is_selfdestructed();
        let is_emptied = fork >= Fork::SpuriousDragon && changed.info.is_empty();
        if (is_destroyed || changed.is_created()) && seen.is_some() {
            writes.push((Key::Wipe(address), Value::Wipe));
        }
        let mut account = (!is_destroyed && !is_emptied).then(|| changed.info.clone());
        if let (Some(Bug::NetZeroCountedTwice), Some(Fee::Paid(fee))) = (base.bug, fee)
            && address == base.block.environment.beneficiary
        {
            count_fee_twice(fee, &seen, account.as_mut());
        }
        if base.bug == Some(Bug::ZeroWriteIsTouch) {
            keep_drained(&seen, account.as_mut());
        }
        if account != seen {
            writes.push((Key::Account(address), Value::Account(account.clone())));
        }
        if account.is_none() {
            continue;
        }
        for (slot, value) in &changed.storage {
            let is_hidden =
                base.bug == Some(Bug::ZeroWriteIsTouch) && value.present_value.is_zero();
            if value.is_changed() && !is_hidden {
                writes.push((Key::Slot(address, *slot), Value::Slot(value.present_value)));
            }
        }
    }
    if let Some(Fee::Left(fee)) = fee {
        writes.push((
            Key::Account(base.block.environment.beneficiary),
            Value::Fee(fee),
        ));
    }
    // The map that they come from has no order.
    writes.sort_by_key(|(key, _)| *key);
    writes
}

/// A receiver whose balance did not change is taken for one whose fee is still to be added.
fn count_fee_twice(fee: U256, seen: &Option<AccountInfo>, account: Option<&mut AccountInfo>) {
    let balance = seen.as_ref().map(|it| it.balance);
    if let Some(account) = account.filter(|it| Some(it.balance) == balance) {
        account.balance += fee;
    }
}

/// A balance that is drained to nothing is taken for one that was not written.
fn keep_drained(seen: &Option<AccountInfo>, account: Option<&mut AccountInfo>) {
    if let (Some(seen), Some(account)) = (seen, account)
        && account.balance.is_zero()
    {
        account.balance = seen.balance;
    }
}

/// Writes the changes of one transaction into `state`.
pub(super) fn apply(state: &mut State, fork: Fork, writes: &[(Key, Value)], bug: Option<Bug>) {
    for (key, value) in writes {
        match (*key, value) {
            (Key::Account(address), Value::Account(None)) => {
                state.accounts.remove(&address);
            }
            (Key::Account(address), Value::Account(Some(information))) => {
                let account = state.accounts.entry(address).or_default();
                account.balance = information.balance;
                account.nonce = information.nonce;
                if let Some(code) = changed_code(information, account.code.hash()) {
                    account.code = code;
                }
            }
            (Key::Account(address), Value::Fee(amount)) => {
                let account = state.accounts.entry(address).or_default();
                account.balance = account.balance.saturating_add(*amount);
                let is_removed = fork >= Fork::SpuriousDragon && account.is_empty();
                if is_removed && bug != Some(Bug::AbsentBeneficiary) {
                    state.accounts.remove(&address);
                }
            }
            (Key::Wipe(address), _) => {
                if let Some(account) = state.accounts.get_mut(&address) {
                    account.storage.clear();
                }
            }
            (Key::Slot(address, slot), Value::Slot(value)) => {
                state
                    .accounts
                    .entry(address)
                    .or_default()
                    .set_slot(slot, *value);
            }
            (key, value) => unreachable!("{value:?} is no value of {key:?}"),
        }
    }
}

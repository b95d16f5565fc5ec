//! Tests of the stateful checks: each reason to reject a transaction that needs a state, and the
//! order of the reasons.

use std::collections::BTreeMap;
use std::convert::Infallible;

use crate::common;
use crate::common::{GOLD, SILVER, all_applied, from, key, ledger, multisig, rejection};
use lockstep_core::model::{
    Amount, Asset, Multisig, Nonce, Outcome, PublicKey, Rejection, Transaction,
};
use lockstep_core::transition::{StateView, transition};

/// A state in which no account has a balance that the test does not set.
#[derive(Default)]
struct Plain {
    nonces: BTreeMap<PublicKey, u64>,
    multisigs: BTreeMap<PublicKey, Multisig>,
    balances: BTreeMap<(PublicKey, Asset), u64>,
}

impl StateView for Plain {
    type Error = Infallible;

    fn nonce(&mut self, account: PublicKey) -> Result<Option<Nonce>, Infallible> {
        Ok(self.nonces.get(&account).copied().map(Nonce))
    }

    fn multisig(&mut self, account: PublicKey) -> Result<Option<Multisig>, Infallible> {
        Ok(self.multisigs.get(&account).cloned())
    }

    fn balance(&mut self, account: PublicKey, asset: Asset) -> Result<Amount, Infallible> {
        let balance = self.balances.get(&(account, asset));
        Ok(Amount(balance.copied().unwrap_or_default()))
    }
}

fn rejected_on(mut state: Plain, transaction: &Transaction) -> Rejection {
    match transition(transaction, &mut state) {
        Ok(Outcome::Rejected(rejection)) => rejection,
        other => panic!("a rejection was expected, not {other:?}"),
    }
}

fn nonce_is(expected: u64, got: u64) -> Rejection {
    Rejection::Nonce {
        expected: Nonce(expected),
        got: Nonce(got),
    }
}

fn balance_is(asset: Asset, needed: u64, available: u64) -> Rejection {
    Rejection::Balance {
        asset,
        needed: Amount(needed),
        available: Amount(available),
    }
}

#[test]
fn a_nonce_above_the_accounts_is_rejected() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let gap = from(&alice, 1).pay(&key("bob"), 1).sign();
    assert_eq!(ledger.rejection(&gap), nonce_is(0, 1));
}

#[test]
fn a_nonce_that_was_used_is_rejected() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let pay = from(&alice, 0).pay(&key("bob"), 1).sign();
    all_applied(&ledger.add([pay.clone()]));
    assert_eq!(ledger.rejection(&pay), nonce_is(1, 0));
    assert_eq!(ledger.balance(&alice), 99);
}

#[test]
fn a_transaction_twice_in_one_block_is_applied_once() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let pay = from(&alice, 0).pay(&key("bob"), 1).sign();
    let receipts = ledger.add([pay.clone(), pay]).receipts;
    assert!(receipts[0].is_applied());
    assert_eq!(rejection(&receipts[1]), nonce_is(1, 0));
    assert_eq!(ledger.balance(&alice), 99);
}

#[test]
fn nonces_5_and_7_have_a_gap() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let pay = |nonce| from(&alice, nonce).pay(&key("bob"), 1).sign();
    all_applied(&ledger.add([0, 1, 2, 3, 4].map(pay)));
    let receipts = ledger.add([pay(5), pay(7)]).receipts;
    assert!(receipts[0].is_applied());
    assert_eq!(rejection(&receipts[1]), nonce_is(6, 7));
}

#[test]
fn an_account_that_never_was_has_nonce_0() {
    let unknown = key("unknown");
    let mut ledger = ledger().open();
    let pay = from(&unknown, 1).pay(&key("bob"), 1).sign();
    assert_eq!(ledger.rejection(&pay), nonce_is(0, 1));
}

#[test]
fn the_last_nonce_cannot_advance() {
    let alice = key("alice");
    let state = Plain {
        nonces: BTreeMap::from([(alice.public(), u64::MAX)]),
        ..Plain::default()
    };
    // Poor, too: the nonce comes first.
    let pay = from(&alice, u64::MAX).pay(&key("bob"), 1).sign();
    assert_eq!(rejected_on(state, &pay), Rejection::NonceExhausted);
}

#[test]
fn another_nonce_is_wrong_before_the_last_is_exhausted() {
    let alice = key("alice");
    let state = Plain {
        nonces: BTreeMap::from([(alice.public(), u64::MAX)]),
        ..Plain::default()
    };
    let pay = from(&alice, 0).pay(&key("bob"), 1).sign();
    assert_eq!(rejected_on(state, &pay), nonce_is(u64::MAX, 0));
}

/// The last nonce but one is usable; a block finds the account at the end of its nonces after it.
#[test]
fn a_block_rejects_a_source_that_used_its_last_nonce() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    // No chain of blocks gets here in a lifetime.
    ledger.write_by_hand(
        common::nonce_cell(&alice),
        &common::version(0, None, common::nonce_value(u64::MAX - 1)),
    );
    let pay = |nonce| from(&alice, nonce).pay(&key("bob"), 1).sign();
    let receipts = ledger.add([pay(u64::MAX - 1), pay(u64::MAX)]).receipts;
    assert!(receipts[0].is_applied());
    assert_eq!(rejection(&receipts[1]), Rejection::NonceExhausted);
    assert_eq!(ledger.nonce(&alice), Some(u64::MAX));
    assert_eq!(ledger.balance(&alice), 99);
}

#[test]
fn the_amounts_that_a_transaction_takes_must_be_there() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let pay = from(&alice, 0).pay(&key("bob"), 101).sign();
    assert_eq!(ledger.rejection(&pay), balance_is(Asset::NATIVE, 101, 100));
}

#[test]
fn everything_that_is_there_can_be_taken() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    all_applied(&ledger.add([from(&alice, 0).fee(1).pay(&key("bob"), 99).sign()]));
    assert_eq!(ledger.balance(&alice), 0);
}

#[test]
fn the_fee_counts_in_the_native_sum() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let pay = from(&alice, 0).fee(2).pay(&key("bob"), 99).sign();
    assert_eq!(ledger.rejection(&pay), balance_is(Asset::NATIVE, 101, 100));
}

#[test]
fn the_fee_counts_in_no_other_asset() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 1).has_of(GOLD, &alice, 100).open();
    let pay = from(&alice, 0).fee(1).pay_of(GOLD, &key("bob"), 100).sign();
    all_applied(&ledger.add([pay]));
}

#[test]
fn a_fee_must_be_there_whatever_is_paid_in_other_assets() {
    let alice = key("alice");
    let mut ledger = ledger().has_of(GOLD, &alice, 100).open();
    let pay = from(&alice, 0).fee(1).pay_of(GOLD, &key("bob"), 1).sign();
    assert_eq!(ledger.rejection(&pay), balance_is(Asset::NATIVE, 1, 0));
}

#[test]
fn the_fee_of_a_multisig_must_be_there() {
    let alice = key("alice");
    let mut ledger = ledger().open();
    let set = from(&alice, 0).fee(5).multisig(1, &[&key("bob")]).sign();
    assert_eq!(ledger.rejection(&set), balance_is(Asset::NATIVE, 5, 0));
}

#[test]
fn a_burn_and_its_fee_are_one_sum() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let burn = from(&alice, 0).fee(1).burn(Asset::NATIVE, 100).sign();
    assert_eq!(ledger.rejection(&burn), balance_is(Asset::NATIVE, 101, 100));
}

#[test]
fn transfers_of_one_asset_are_one_sum() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    let pay = from(&alice, 0).pay(&bob, 60).pay(&key("carol"), 60).sign();
    assert_eq!(ledger.rejection(&pay), balance_is(Asset::NATIVE, 120, 100));
    assert_eq!(ledger.balance(&bob), 0);
}

#[test]
fn a_transfer_to_oneself_counts_in_the_sum() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let pay = from(&alice, 0).pay(&alice, 60).pay(&key("bob"), 60).sign();
    assert_eq!(ledger.rejection(&pay), balance_is(Asset::NATIVE, 120, 100));
}

#[test]
fn a_transfer_to_oneself_does_not_fund_itself() {
    let alice = key("alice");
    let mut ledger = ledger().open();
    let pay = from(&alice, 0).pay(&alice, 1).sign();
    assert_eq!(ledger.rejection(&pay), balance_is(Asset::NATIVE, 1, 0));
    assert_eq!(ledger.nonce(&alice), None);
}

#[test]
fn a_sum_over_u64_max_is_an_overflow() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has_of(GOLD, &alice, u64::MAX).open();
    let pay = from(&alice, 0)
        .pay_of(GOLD, &bob, u64::MAX)
        .pay_of(GOLD, &bob, 1)
        .sign();
    let asset = GOLD;
    assert_eq!(ledger.rejection(&pay), Rejection::SumOverflow { asset });
    assert_eq!(ledger.balance_of(GOLD, &alice), u64::MAX);
}

#[test]
fn a_sum_of_exactly_u64_max_is_none() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has_of(GOLD, &alice, u64::MAX).open();
    let pay = from(&alice, 0)
        .pay_of(GOLD, &bob, u64::MAX - 1)
        .pay_of(GOLD, &bob, 1)
        .sign();
    all_applied(&ledger.add([pay]));
    assert_eq!(ledger.balance_of(GOLD, &bob), u64::MAX);
}

#[test]
fn a_fee_and_amounts_over_u64_max_are_an_overflow() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, u64::MAX).open();
    let pay = from(&alice, 0).fee(u64::MAX).pay(&key("bob"), 1).sign();
    let asset = Asset::NATIVE;
    assert_eq!(ledger.rejection(&pay), Rejection::SumOverflow { asset });
    let burn = from(&alice, 0).fee(u64::MAX).burn(asset, u64::MAX).sign();
    assert_eq!(ledger.rejection(&burn), Rejection::SumOverflow { asset });
}

#[test]
fn transfers_to_oneself_count_in_an_overflow() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, u64::MAX).open();
    let pay = from(&alice, 0).pay(&alice, u64::MAX).pay(&alice, 1).sign();
    let asset = Asset::NATIVE;
    assert_eq!(ledger.rejection(&pay), Rejection::SumOverflow { asset });
}

#[test]
fn amounts_of_different_assets_are_not_added() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger()
        .has_of(GOLD, &alice, u64::MAX)
        .has_of(SILVER, &alice, u64::MAX)
        .open();
    let pay = from(&alice, 0)
        .pay_of(GOLD, &bob, u64::MAX)
        .pay_of(SILVER, &bob, u64::MAX)
        .sign();
    all_applied(&ledger.add([pay]));
}

/// The first failing asset in the order of assets gives the reason, whichever of the two it is and
/// wherever it stands in the transaction.
#[test]
fn of_several_assets_the_first_that_fails_gives_the_reason() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut setup = ledger();
    let overflowing =
        |one: common::Unsigned, asset| one.pay_of(asset, &bob, u64::MAX).pay_of(asset, &bob, 1);
    let silver_then_gold = overflowing(from(&alice, 0).fee(1).pay_of(SILVER, &bob, 5), GOLD).sign();

    let missing_fee = setup.open().rejection(&silver_then_gold);
    assert_eq!(missing_fee, balance_is(Asset::NATIVE, 1, 0));
    setup = setup.has(&alice, 1);
    let overflow = setup.open().rejection(&silver_then_gold);
    assert_eq!(overflow, Rejection::SumOverflow { asset: GOLD });

    let gold_missing = overflowing(from(&alice, 0), SILVER)
        .pay_of(GOLD, &bob, 5)
        .sign();
    let missing = setup.open().rejection(&gold_missing);
    assert_eq!(missing, balance_is(GOLD, 5, 0));
    setup = setup.has_of(GOLD, &alice, 5);
    let overflow = setup.open().rejection(&gold_missing);
    assert_eq!(overflow, Rejection::SumOverflow { asset: SILVER });
}

#[test]
fn an_overflow_is_found_before_the_balance_of_the_same_asset() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 3).open();
    let pay = from(&alice, 0).pay(&bob, u64::MAX).pay(&bob, 1).sign();
    let asset = Asset::NATIVE;
    assert_eq!(ledger.rejection(&pay), Rejection::SumOverflow { asset });
}

/// Nonce, then multisig, then balances; each fixed in turn.
#[test]
fn the_nonce_is_wrong_before_the_multisig_and_the_multisig_before_the_balance() {
    let (alice, bob) = (key("alice"), key("bob"));
    let state = || Plain {
        multisigs: BTreeMap::from([(alice.public(), multisig(1, &[&bob]))]),
        ..Plain::default()
    };
    let wrong_nonce = from(&alice, 4).pay(&bob, 1).sign();
    assert_eq!(rejected_on(state(), &wrong_nonce), nonce_is(0, 4));
    let unsigned = from(&alice, 0).pay(&bob, 1).sign();
    assert_eq!(
        rejected_on(state(), &unsigned),
        Rejection::Multisig { needed: 1, got: 0 }
    );
    let poor = from(&alice, 0).pay(&bob, 1).cosign(&bob).sign();
    assert_eq!(rejected_on(state(), &poor), balance_is(Asset::NATIVE, 1, 0));
}

#[test]
fn a_used_up_nonce_comes_before_the_multisig() {
    let (alice, bob) = (key("alice"), key("bob"));
    let state = Plain {
        nonces: BTreeMap::from([(alice.public(), u64::MAX)]),
        multisigs: BTreeMap::from([(alice.public(), multisig(1, &[&bob]))]),
        ..Plain::default()
    };
    let unsigned = from(&alice, u64::MAX).pay(&bob, 1).sign();
    assert_eq!(rejected_on(state, &unsigned), Rejection::NonceExhausted);
}

#[test]
fn an_asset_of_which_nothing_is_taken_is_not_looked_at() {
    let alice = key("alice");
    let mut ledger = ledger().has_of(GOLD, &alice, 1).open();
    all_applied(&ledger.add([from(&alice, 0).pay_of(GOLD, &key("bob"), 1).sign()]));
}

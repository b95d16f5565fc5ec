//! Tests of burns, fees, rewards and supplies.

use crate::common::{
    GOLD, Setup, all_applied, assert_conserved, balance_cell, balance_value, from, key, ledger,
    nonce_cell, nonce_value, supply, version,
};
use lockstep_core::chain::ChainError;
use lockstep_core::model::{Amount, Asset, Cell, Value};
use lockstep_core::storage::StorageError;

#[test]
fn a_burn_leaves_the_source_and_is_counted_in_its_asset() {
    let alice = key("alice");
    let mut ledger = ledger().has_of(GOLD, &alice, 100).has(&alice, 5).open();
    all_applied(&ledger.add([from(&alice, 0).fee(2).burn(GOLD, 30).sign()]));
    assert_eq!(ledger.balance_of(GOLD, &alice), 70);
    assert_eq!(ledger.supply(GOLD), supply(100, 0, 30));
    assert_eq!(ledger.supply(Asset::NATIVE), supply(5, 0, 0));
    assert_eq!(ledger.balance(&alice), 3);
}

#[test]
fn burns_add_up_within_a_block_and_over_blocks() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).has(&bob, 100).open();
    all_applied(&ledger.add([
        from(&alice, 0).burn(Asset::NATIVE, 1).sign(),
        from(&bob, 0).burn(Asset::NATIVE, 2).sign(),
        from(&alice, 1).burn(Asset::NATIVE, 4).sign(),
    ]));
    assert_eq!(ledger.supply(Asset::NATIVE), supply(200, 0, 7));
    all_applied(&ledger.add([from(&bob, 1).burn(Asset::NATIVE, 8).sign()]));
    assert_eq!(ledger.supply(Asset::NATIVE), supply(200, 0, 15));
}

#[test]
fn everything_can_be_burnt() {
    let alice = key("alice");
    let mut ledger = ledger().has_of(GOLD, &alice, u64::MAX).open();
    all_applied(&ledger.add([from(&alice, 0).burn(GOLD, u64::MAX).sign()]));
    assert_eq!(ledger.balance_of(GOLD, &alice), 0);
    assert_eq!(ledger.supply(GOLD), supply(u64::MAX, 0, u64::MAX));
    assert_conserved(&ledger);
}

#[test]
fn an_asset_without_balances_cannot_be_burnt() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 1).open();
    let added = ledger.add([from(&alice, 0).burn(GOLD, 1).sign()]);
    assert!(!added.receipts[0].is_applied());
    assert_eq!(ledger.supply(GOLD), supply(0, 0, 0));
}

#[test]
fn an_asset_that_never_was_has_no_supply() {
    assert_eq!(ledger().open().supply(GOLD), supply(0, 0, 0));
}

#[test]
fn the_miner_is_credited_reward_and_fees_of_applied_transactions() {
    let (alice, bob, miner) = (key("alice"), key("bob"), key("m"));
    let mut ledger = ledger().has(&alice, 100).reward(50).open();
    let added = ledger.add_of(
        &miner,
        [
            from(&alice, 0).fee(3).pay(&bob, 1).sign(),
            // Rejected: its fee is not paid.
            from(&alice, 9).fee(7).pay(&bob, 1).sign(),
            from(&alice, 1).fee(4).pay(&bob, 1).sign(),
        ],
    );
    assert_eq!(added.fees, Amount(7));
    assert_eq!(added.reward, Amount(50));
    assert_eq!(ledger.balance(&miner), 57);
    assert_eq!(ledger.nonce(&miner), Some(0));
}

#[test]
fn the_reward_alone_is_issued() {
    let (alice, miner) = (key("alice"), key("m"));
    let mut ledger = ledger().has(&alice, 100).reward(50).open();
    ledger.add_of(&miner, [from(&alice, 0).fee(3).pay(&alice, 1).sign()]);
    assert_eq!(ledger.supply(Asset::NATIVE), supply(100, 50, 0));
    assert_conserved(&ledger);
}

#[test]
fn the_reward_adds_to_what_the_miner_has() {
    let miner = key("m");
    let mut ledger = ledger().has(&miner, 1_000).reward(50).open();
    ledger.add_of(&miner, []);
    ledger.add_of(&miner, []);
    assert_eq!(ledger.balance(&miner), 1_100);
}

#[test]
fn the_reward_can_be_spent_in_the_next_block() {
    let (alice, miner) = (key("alice"), key("m"));
    let mut ledger = ledger().reward(50).open();
    ledger.add_of(&miner, []);
    all_applied(&ledger.add_of(&alice, [from(&miner, 0).pay(&alice, 50).sign()]));
    assert_eq!(ledger.balance(&miner), 0);
    assert_eq!(ledger.balance(&alice), 100);
}

#[test]
fn the_reward_ends_at_the_native_limit() {
    let (alice, miner) = (key("alice"), key("m"));
    let mut ledger = ledger()
        .has(&alice, 100)
        .reward(50)
        .native_limit(220)
        .open();
    let rewards: Vec<u64> = (0..4).map(|_| ledger.add_of(&miner, []).reward.0).collect();
    assert_eq!(rewards, [50, 50, 20, 0]);
    assert_eq!(ledger.balance(&miner), 120);
    assert_eq!(ledger.supply(Asset::NATIVE), supply(100, 120, 0));
}

#[test]
fn a_burnt_amount_is_not_issued_again() {
    let (alice, miner) = (key("alice"), key("m"));
    let mut ledger = ledger()
        .has(&alice, 100)
        .reward(50)
        .native_limit(100)
        .open();
    let added = ledger.add_of(&miner, [from(&alice, 0).burn(Asset::NATIVE, 60).sign()]);
    assert_eq!(added.reward, Amount(0));
    let added = ledger.add_of(&miner, []);
    assert_eq!(added.reward, Amount(0));
    assert_eq!(ledger.nonce(&miner), None);
}

#[test]
fn a_reward_of_u64_max_issues_what_is_left() {
    let (alice, miner) = (key("alice"), key("m"));
    let mut ledger = ledger().has(&alice, 1).reward(u64::MAX).open();
    let added = ledger.add_of(&miner, [from(&alice, 0).fee(1).multisig(0, &[]).sign()]);
    assert_eq!(added.reward, Amount(u64::MAX - 1));
    assert_eq!(ledger.balance(&miner), u64::MAX);
    assert_conserved(&ledger);
    assert_eq!(ledger.add_of(&miner, []).reward, Amount(0));
}

#[test]
fn a_miner_with_neither_reward_nor_fees_is_not_registered() {
    let (alice, miner) = (key("alice"), key("m"));
    let mut ledger = ledger().has(&alice, 1).open();
    let added = ledger.add_of(&miner, [from(&alice, 0).pay(&alice, 1).sign()]);
    all_applied(&added);
    assert_eq!(ledger.nonce(&miner), None);
    assert_eq!(ledger.history(balance_cell(&miner)), []);
    assert_eq!(added.state_diff, [(nonce_cell(&alice), nonce_value(1))]);
}

#[test]
fn an_empty_block_without_a_reward_changes_nothing() {
    let mut ledger = ledger().has(&key("alice"), 1).open();
    let added = ledger.add([]);
    assert_eq!(added.state_diff, []);
    assert_eq!(added.receipts, []);
}

#[test]
fn an_empty_block_with_a_reward_changes_miner_and_supply() {
    let miner = key("m");
    let mut ledger = ledger().reward(50).open();
    let added = ledger.add_of(&miner, []);
    assert_eq!(
        added.state_diff,
        [
            (nonce_cell(&miner), nonce_value(0)),
            (balance_cell(&miner), balance_value(50)),
            (Cell::Supply(Asset::NATIVE), Value::Supply(supply(0, 50, 0))),
        ]
    );
}

#[test]
fn fees_alone_register_the_miner_and_change_no_supply() {
    let (alice, miner) = (key("alice"), key("m"));
    let mut ledger = ledger().has(&alice, 10).open();
    let added = ledger.add_of(&miner, [from(&alice, 0).fee(1).pay(&alice, 1).sign()]);
    assert_eq!(ledger.nonce(&miner), Some(0));
    assert!(
        !added
            .state_diff
            .iter()
            .any(|(cell, _)| matches!(cell, Cell::Supply(_)))
    );
}

fn with_a_rich_miner() -> Setup {
    ledger()
        .has(&key("m"), 100)
        .has(&key("alice"), 100)
        .reward(50)
}

#[test]
fn the_miner_may_send_in_its_own_block() {
    let (alice, miner) = (key("alice"), key("m"));
    let mut ledger = with_a_rich_miner().open();
    all_applied(&ledger.add_of(&miner, [from(&miner, 0).fee(5).pay(&alice, 30).sign()]));
    // 100 - 30 - 5 and then 50 + 5.
    assert_eq!(ledger.balance(&miner), 120);
    assert_eq!(ledger.nonce(&miner), Some(1));
    assert_conserved(&ledger);
}

#[test]
fn the_miner_may_receive_in_its_own_block() {
    let (alice, miner) = (key("alice"), key("m"));
    let mut ledger = with_a_rich_miner().open();
    all_applied(&ledger.add_of(&miner, [from(&alice, 0).fee(5).pay(&miner, 30).sign()]));
    assert_eq!(ledger.balance(&miner), 185);
    assert_eq!(ledger.balance(&alice), 65);
    assert_conserved(&ledger);
}

#[test]
fn the_miner_may_pay_itself_and_gets_its_fee_back() {
    let miner = key("m");
    let mut ledger = with_a_rich_miner().open();
    all_applied(&ledger.add_of(&miner, [from(&miner, 0).fee(5).pay(&miner, 95).sign()]));
    assert_eq!(ledger.balance(&miner), 150);
}

#[test]
fn the_miner_cannot_spend_the_reward_of_its_own_block() {
    let (alice, miner) = (key("alice"), key("m"));
    let mut ledger = with_a_rich_miner().open();
    let added = ledger.add_of(&miner, [from(&miner, 0).pay(&alice, 101).sign()]);
    assert!(!added.receipts[0].is_applied());
    assert_eq!(ledger.balance(&miner), 150);
}

#[test]
fn the_miner_may_burn_everything_and_gets_the_reward() {
    let miner = key("m");
    let mut ledger = with_a_rich_miner().open();
    all_applied(&ledger.add_of(&miner, [from(&miner, 0).burn(Asset::NATIVE, 100).sign()]));
    assert_eq!(ledger.balance(&miner), 50);
    assert_eq!(ledger.supply(Asset::NATIVE), supply(200, 50, 100));
}

#[test]
fn a_miner_with_a_multisig_gets_its_reward_unsigned() {
    let (miner, bob) = (key("m"), key("bob"));
    let mut ledger = with_a_rich_miner().open();
    all_applied(&ledger.add_of(&miner, [from(&miner, 0).multisig(1, &[&bob]).sign()]));
    assert_eq!(ledger.balance(&miner), 150);
}

#[test]
fn a_miner_that_cannot_sign_gets_its_reward() {
    let keyless = lockstep_core::model::PublicKey([255; 32]);
    let mut ledger = with_a_rich_miner().open();
    ledger.add_of(&keyless, []);
    assert_eq!(ledger.balance(&keyless), 50);
}

#[test]
fn a_receiver_near_the_maximum_gets_every_unit() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger()
        .has_of(GOLD, &alice, 10)
        .has_of(GOLD, &bob, u64::MAX - 10)
        .open();
    all_applied(&ledger.add([from(&alice, 0).pay_of(GOLD, &bob, 10).sign()]));
    assert_eq!(ledger.balance_of(GOLD, &bob), u64::MAX);
    assert_conserved(&ledger);
}

/// No chain of blocks leads to a state that holds more of an asset than there can be. On one that
/// does, a credit is refused as damage, and neither saturates nor wraps nor blames a transaction.
#[test]
fn a_credit_over_u64_max_is_damage_of_the_storage() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger()
        .has_of(GOLD, &alice, 10)
        .has_of(GOLD, &bob, 10)
        .open();
    ledger.write_by_hand(
        Cell::Balance(bob.public(), GOLD),
        &version(0, None, balance_value(u64::MAX)),
    );
    let before = ledger.tables();
    let block = ledger.block([from(&alice, 0).pay_of(GOLD, &bob, 1).sign()]);
    assert!(matches!(
        ledger.try_add(&block),
        Err(ChainError::Storage(StorageError::Corrupt { .. }))
    ));
    assert_eq!(ledger.tables(), before);
}

#[test]
fn fees_near_the_maximum_add_up() {
    let (alice, bob, miner) = (key("alice"), key("bob"), key("m"));
    let half = u64::MAX / 2;
    let mut ledger = ledger().has(&alice, half).has(&bob, half + 1).open();
    let added = ledger.add_of(
        &miner,
        [
            from(&alice, 0).fee(half).multisig(0, &[]).sign(),
            from(&bob, 0).fee(half + 1).multisig(0, &[]).sign(),
        ],
    );
    all_applied(&added);
    assert_eq!(added.fees, Amount(u64::MAX));
    assert_eq!(ledger.balance(&miner), u64::MAX);
    assert_conserved(&ledger);
}

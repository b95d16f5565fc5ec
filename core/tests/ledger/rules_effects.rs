//! Tests of effects: those of an applied transaction, and that a rejected one has none.

use crate::common::disk::state_of;
use crate::common::{
    GOLD, SILVER, all_applied, balance_cell, balance_value, effects, forge, from, key, ledger,
    nonce_cell, nonce_value, rejection,
};
use lockstep_core::model::{Amount, Asset, Effect, Nonce, Outcome, Rejection, Transaction};

#[test]
fn an_applied_transaction_debits_fee_and_amounts_and_credits_the_destinations() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let mut ledger = ledger().has(&alice, 100).has(&bob, 7).open();
    let pay = from(&alice, 0).fee(2).pay(&bob, 30).pay(&carol, 5).sign();
    all_applied(&ledger.add([pay]));
    assert_eq!(ledger.balance(&alice), 63);
    assert_eq!(ledger.balance(&bob), 37);
    assert_eq!(ledger.balance(&carol), 5);
}

#[test]
fn the_fee_is_debited_and_goes_to_the_miner() {
    let (alice, miner) = (key("alice"), key("m"));
    let mut ledger = ledger().has(&alice, 100).open();
    let added = ledger.add_of(&miner, [from(&alice, 0).fee(9).pay(&alice, 1).sign()]);
    assert_eq!(ledger.balance(&alice), 91);
    assert_eq!(ledger.balance(&miner), 9);
    assert_eq!(added.fees, Amount(9));
}

#[test]
fn an_applied_transaction_increments_the_nonce_by_one_and_a_destination_keeps_its_own() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).has(&bob, 100).open();
    all_applied(&ledger.add([
        from(&bob, 0).pay(&alice, 1).sign(),
        from(&bob, 1).pay(&alice, 1).sign(),
        from(&alice, 0).pay(&bob, 1).sign(),
    ]));
    assert_eq!(ledger.nonce(&alice), Some(1));
    assert_eq!(ledger.nonce(&bob), Some(2));
}

#[test]
fn a_transfer_to_oneself_moves_nothing_and_costs_the_fee() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let added = ledger.add([from(&alice, 0).fee(3).pay(&alice, 97).sign()]);
    assert_eq!(ledger.balance(&alice), 97);
    assert_eq!(
        effects(&added.receipts[0]),
        [
            Effect::Nonce {
                account: alice.public(),
                to: Nonce(1)
            },
            Effect::Debit {
                account: alice.public(),
                asset: Asset::NATIVE,
                amount: Amount(3)
            },
        ]
    );
}

#[test]
fn a_transfer_to_oneself_without_fee_changes_the_nonce_alone() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let added = ledger.add([from(&alice, 0).pay(&alice, 1).pay(&alice, 99).sign()]);
    assert_eq!(added.state_diff, [(nonce_cell(&alice), nonce_value(1))]);
    assert_eq!(ledger.balance(&alice), 100);
}

#[test]
fn a_transfer_to_oneself_beside_one_to_another() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    all_applied(&ledger.add([from(&alice, 0).pay(&alice, 50).pay(&bob, 50).sign()]));
    assert_eq!(ledger.balance(&alice), 50);
    assert_eq!(ledger.balance(&bob), 50);
}

#[test]
fn the_second_transaction_of_a_sender_sees_what_the_first_left() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let mut ledger = ledger().has(&alice, 100).open();
    let receipts = ledger
        .add([
            from(&alice, 0).pay(&bob, 60).sign(),
            from(&alice, 1).pay(&carol, 60).sign(),
        ])
        .receipts;
    assert!(receipts[0].is_applied());
    assert_eq!(
        rejection(&receipts[1]),
        Rejection::Balance {
            asset: Asset::NATIVE,
            needed: Amount(60),
            available: Amount(40)
        }
    );
    assert_eq!(ledger.balance(&alice), 40);
    assert_eq!(ledger.balance(&carol), 0);
}

#[test]
fn two_transactions_of_a_sender_in_one_block_are_both_applied() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    all_applied(&ledger.add([
        from(&alice, 0).pay(&bob, 60).sign(),
        from(&alice, 1).pay(&bob, 40).sign(),
    ]));
    assert_eq!(ledger.balance(&bob), 100);
    assert_eq!(ledger.nonce(&alice), Some(2));
}

#[test]
fn a_received_amount_can_be_spent_in_the_same_block() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let mut ledger = ledger().has(&alice, 100).has(&bob, 50).open();
    all_applied(&ledger.add([
        from(&alice, 0).pay(&bob, 30).sign(),
        from(&bob, 0).pay(&carol, 80).sign(),
    ]));
    assert_eq!(ledger.balance(&alice), 70);
    assert_eq!(ledger.balance(&bob), 0);
    assert_eq!(ledger.balance(&carol), 80);
}

#[test]
fn an_amount_that_comes_later_in_the_block_cannot_be_spent() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let mut ledger = ledger().has(&alice, 100).open();
    let receipts = ledger
        .add([
            from(&bob, 0).pay(&carol, 30).sign(),
            from(&alice, 0).pay(&bob, 30).sign(),
        ])
        .receipts;
    assert!(!receipts[0].is_applied());
    assert!(receipts[1].is_applied());
    assert_eq!(ledger.balance(&bob), 30);
}

#[test]
fn money_passes_through_an_account_that_did_not_exist() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let mut ledger = ledger().has(&alice, 100).open();
    all_applied(&ledger.add([
        from(&alice, 0).pay(&bob, 30).sign(),
        from(&bob, 0).pay(&carol, 30).sign(),
    ]));
    assert_eq!(ledger.nonce(&bob), Some(1));
    assert_eq!(ledger.balance(&carol), 30);
}

#[test]
fn a_credit_adds_to_a_balance_that_only_the_storage_knows() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).has(&bob, 1_000).open();
    all_applied(&ledger.add([from(&alice, 0).pay(&bob, 1).sign()]));
    all_applied(&ledger.add([from(&alice, 1).pay(&bob, 1).sign()]));
    assert_eq!(ledger.balance(&bob), 1_002);
}

/// The miner is credited only after the transactions, so no fee can be spent in its own block.
#[test]
fn fees_are_spent_in_the_next_block_at_the_earliest() {
    let (alice, miner) = (key("alice"), key("m"));
    let mut ledger = ledger().has(&alice, 100).open();
    let spend = from(&miner, 0).pay(&alice, 10).sign();
    let receipts = ledger
        .add_of(
            &miner,
            [from(&alice, 0).fee(10).pay(&alice, 1).sign(), spend.clone()],
        )
        .receipts;
    assert_eq!(
        rejection(&receipts[1]),
        Rejection::Balance {
            asset: Asset::NATIVE,
            needed: Amount(10),
            available: Amount(0)
        }
    );
    all_applied(&ledger.add([spend]));
    assert_eq!(ledger.balance(&alice), 100);
}

/// Every reason there is, from an account that was never registered to ones that were.
#[test]
fn a_rejected_transaction_leaves_no_trace() {
    let (alice, poor, unknown) = (key("alice"), key("poor"), key("unknown"));
    let guarded = key("guarded");
    let stranger = key("stranger");
    let mut ledger = ledger()
        .has(&alice, 100)
        .has(&poor, 1)
        .has(&guarded, 100)
        .open();
    all_applied(&ledger.add([from(&guarded, 0).multisig(1, &[&alice]).sign()]));
    let rejected: Vec<Transaction> = vec![
        from(&alice, 0)
            .network(lockstep_core::model::Network::Mainnet)
            .fee(1)
            .pay(&stranger, 1)
            .sign(),
        from(&alice, 0).fee(1).sign(),
        from(&alice, 0).fee(1).pay(&stranger, 0).sign(),
        from(&alice, 0).fee(1).multisig(2, &[&poor]).sign(),
        from(&alice, 0).fee(1).multisig(1, &[&poor, &poor]).sign(),
        forge(from(&alice, 0).fee(1).pay(&stranger, 1).sign()),
        from(&alice, 7).fee(1).pay(&stranger, 1).sign(),
        from(&guarded, 1).fee(1).pay(&stranger, 1).sign(),
        from(&alice, 0)
            .fee(u64::MAX)
            .pay(&stranger, u64::MAX)
            .sign(),
        from(&poor, 0).fee(1).pay(&stranger, 1).sign(),
        from(&poor, 0).fee(1).burn(Asset::NATIVE, 1).sign(),
        from(&alice, 0).fee(1).pay_of(GOLD, &stranger, 1).sign(),
        from(&unknown, 0).fee(1).pay(&stranger, 1).sign(),
        from(&unknown, 0).fee(1).multisig(1, &[&alice]).sign(),
    ];
    let count = rejected.len();
    let before = ledger.tables();
    let added = ledger.add(rejected);
    assert_eq!(
        added
            .receipts
            .iter()
            .filter(|receipt| receipt.is_applied())
            .count(),
        0
    );
    assert_eq!(added.receipts.len(), count);
    assert_eq!(added.state_diff, []);
    assert_eq!(added.fees, Amount(0));
    assert_eq!(state_of(ledger.tables()), state_of(before));
}

/// One good transfer, then one that cannot be paid: neither happens.
#[test]
fn transfers_of_one_transaction_happen_all_or_none() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let mut ledger = ledger().has(&alice, 100).has_of(GOLD, &alice, 10).open();
    let before = ledger.tables();
    let added = ledger.add([from(&alice, 0)
        .fee(1)
        .pay(&bob, 5)
        .pay_of(GOLD, &carol, 11)
        .sign()]);
    assert!(!added.receipts[0].is_applied());
    assert_eq!(state_of(ledger.tables()), state_of(before));
}

#[test]
fn a_failure_in_the_middle_leaves_those_around_it_as_if_it_were_not_there() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let setup = ledger().has(&alice, 100).has(&bob, 20);
    let first = from(&alice, 0).fee(1).pay(&bob, 10).sign();
    let failing = from(&bob, 0).fee(1).pay(&carol, 1_000).sign();
    let last = from(&bob, 0).fee(1).pay(&carol, 29).sign();

    let mut with = setup.open();
    let added = with.add([first.clone(), failing, last.clone()]);
    assert_eq!(
        rejection(&added.receipts[1]),
        Rejection::Balance {
            asset: Asset::NATIVE,
            needed: Amount(1_001),
            available: Amount(30)
        }
    );
    assert_eq!(with.balance(&alice), 89);
    assert_eq!(with.balance(&bob), 0);
    assert_eq!(with.balance(&carol), 29);
    assert_eq!(with.balance(&key("miner")), 2);

    let mut without = setup.open();
    all_applied(&without.add([first, last]));
    assert_eq!(state_of(with.tables()), state_of(without.tables()));
}

#[test]
fn a_good_transaction_follows_a_failed_one_of_the_same_sender_with_the_same_nonce() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    let receipts = ledger
        .add([
            from(&alice, 0).fee(1).pay(&bob, 100).sign(),
            from(&alice, 0).fee(1).pay(&bob, 99).sign(),
        ])
        .receipts;
    assert!(!receipts[0].is_applied());
    assert!(receipts[1].is_applied());
    assert_eq!(ledger.nonce(&alice), Some(1));
}

#[test]
fn destinations_are_registered_with_nonce_0() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    assert_eq!(ledger.nonce(&bob), None);
    let added = ledger.add([from(&alice, 0).pay(&bob, 1).sign()]);
    assert_eq!(ledger.nonce(&bob), Some(0));
    assert!(
        added
            .state_diff
            .contains(&(nonce_cell(&bob), nonce_value(0)))
    );
    all_applied(&ledger.add([from(&bob, 0).pay(&alice, 1).sign()]));
}

#[test]
fn a_destination_of_another_asset_is_registered_too() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has_of(GOLD, &alice, 100).open();
    all_applied(&ledger.add([from(&alice, 0).pay_of(GOLD, &bob, 1).sign()]));
    assert_eq!(ledger.nonce(&bob), Some(0));
}

#[test]
fn a_source_that_never_was_is_registered_with_nonce_1() {
    let alice = key("alice");
    let mut ledger = ledger().open();
    let added = ledger.add([from(&alice, 0).multisig(1, &[&key("bob")]).sign()]);
    all_applied(&added);
    assert_eq!(ledger.nonce(&alice), Some(1));
}

#[test]
fn participants_and_cosigners_are_not_registered() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let mut ledger = ledger().has(&alice, 1).open();
    all_applied(&ledger.add([from(&alice, 0).multisig(1, &[&bob]).cosign(&carol).sign()]));
    assert_eq!(ledger.nonce(&bob), None);
    assert_eq!(ledger.nonce(&carol), None);
}

#[test]
fn an_account_whose_key_cannot_sign_may_own_a_balance() {
    let alice = key("alice");
    let keyless = lockstep_core::model::PublicKey([255; 32]);
    let mut ledger = ledger().has(&alice, 10).open();
    all_applied(&ledger.add([from(&alice, 0).pay(&keyless, 4).sign()]));
    assert_eq!(ledger.balance(&keyless), 4);
    assert_eq!(ledger.nonce(&keyless), Some(0));
}

/// Nonce, debits by asset, credits by account and asset in one sum each, whatever the order of the
/// transfers.
#[test]
fn a_receipt_lists_the_steps_in_the_order_of_changes() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let (first, second) = if bob.public() < carol.public() {
        (&bob, &carol)
    } else {
        (&carol, &bob)
    };
    let mut ledger = ledger()
        .has(&alice, 100)
        .has_of(GOLD, &alice, 100)
        .has_of(SILVER, &alice, 100)
        .open();
    let added = ledger.add([from(&alice, 0)
        .fee(4)
        .pay_of(SILVER, second, 1)
        .pay_of(GOLD, second, 2)
        .pay_of(SILVER, &alice, 50)
        .pay(second, 3)
        .pay_of(SILVER, first, 5)
        .pay(second, 10)
        .sign()]);
    let account = alice.public();
    let debit = |asset, amount| Effect::Debit {
        account,
        asset,
        amount: Amount(amount),
    };
    let credit = |to: &lockstep_core::signature::Keypair, asset, amount| Effect::Credit {
        account: to.public(),
        asset,
        amount: Amount(amount),
    };
    assert_eq!(
        added.receipts[0].outcome,
        Outcome::Applied {
            fee: Amount(4),
            effects: vec![
                Effect::Nonce {
                    account,
                    to: Nonce(1)
                },
                debit(Asset::NATIVE, 17),
                debit(GOLD, 2),
                debit(SILVER, 6),
                credit(first, SILVER, 5),
                credit(second, Asset::NATIVE, 13),
                credit(second, GOLD, 2),
                credit(second, SILVER, 1),
            ]
        }
    );
}

#[test]
fn a_receipt_of_a_burn_lists_debit_and_burn_apart_from_the_fee() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let added = ledger.add([from(&alice, 0).fee(4).burn(Asset::NATIVE, 30).sign()]);
    let account = alice.public();
    let asset = Asset::NATIVE;
    assert_eq!(
        added.receipts[0].outcome,
        Outcome::Applied {
            fee: Amount(4),
            effects: vec![
                Effect::Nonce {
                    account,
                    to: Nonce(1)
                },
                Effect::Debit {
                    account,
                    asset,
                    amount: Amount(34)
                },
                Effect::Burn {
                    asset,
                    amount: Amount(30)
                },
            ]
        }
    );
}

/// The credit in between shows in the state diff of the block and in no other receipt.
#[test]
fn a_receipt_does_not_depend_on_what_others_credit() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let setup = ledger().has(&alice, 100).has(&bob, 100);
    let pay = from(&alice, 0).pay(&carol, 5).sign();
    let alone = setup.open().add([pay.clone()]).receipts;
    let beside = setup
        .open()
        .add([from(&bob, 0).pay(&alice, 9).sign(), pay])
        .receipts;
    assert_eq!(alone[0], beside[1]);
}

#[test]
fn every_transaction_has_a_receipt_at_its_own_index() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    let body = vec![
        from(&alice, 0).pay(&bob, 1).sign(),
        forge(from(&alice, 1).pay(&bob, 1).sign()),
        from(&alice, 5).pay(&bob, 1).sign(),
        from(&alice, 1).pay(&bob, 1).sign(),
    ];
    let added = ledger.add(body.clone());
    let ids: Vec<_> = added.receipts.iter().map(|one| one.transaction).collect();
    let expected: Vec<_> = body
        .iter()
        .map(lockstep_core::codec::transaction_id)
        .collect();
    assert_eq!(ids, expected);
    let applied: Vec<_> = added.receipts.iter().map(|one| one.is_applied()).collect();
    assert_eq!(applied, [true, false, false, true]);
    let stored = ledger.chain.receipts(added.tip.height);
    assert_eq!(stored.expect("receipts are readable"), Some(added.receipts));
}

#[test]
fn the_changes_of_a_block_are_in_the_order_of_cells_with_the_values_after_it() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    let added = ledger.add([from(&alice, 0).fee(1).pay(&bob, 9).sign()]);
    let miner = key("miner");
    let mut expected = vec![
        (nonce_cell(&alice), nonce_value(1)),
        (nonce_cell(&bob), nonce_value(0)),
        (nonce_cell(&miner), nonce_value(0)),
        (balance_cell(&alice), balance_value(90)),
        (balance_cell(&bob), balance_value(9)),
        (balance_cell(&miner), balance_value(1)),
    ];
    expected.sort_by_key(|(cell, _)| *cell);
    assert_eq!(added.state_diff, expected);
}

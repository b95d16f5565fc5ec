//! Tests of multisigs: accounts that need more signatures than their own.

use crate::common;
use crate::common::{
    Ledger, all_applied, effects, from, key, keys, ledger, multisig, nonce_cell, nonce_value,
    rejection,
};
use lockstep_core::model::{Cell, Effect, Nonce, Rejection, Value};
use lockstep_core::storage::MemoryStorage;

/// Alice has 100 and, since block 1, a multisig of bob and carol.
fn multisig_ledger(threshold: u8) -> Ledger<MemoryStorage> {
    let mut ledger = ledger().has(&key("alice"), 100).open();
    let set = from(&key("alice"), 0)
        .multisig(threshold, &[&key("bob"), &key("carol")])
        .sign();
    all_applied(&ledger.add([set]));
    ledger
}

fn too_few(needed: u8, got: u8) -> Rejection {
    Rejection::Multisig { needed, got }
}

#[test]
fn a_multisig_is_set_and_listed_with_its_participants_in_their_order() {
    let (zoe, bob, carol) = (key("zoe"), key("bob"), key("carol"));
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let added = ledger.add([from(&alice, 0).multisig(2, &[&zoe, &bob, &carol]).sign()]);
    let set = multisig(2, &[&zoe, &bob, &carol]);
    assert_eq!(ledger.multisig(&alice), Some(set.clone()));
    assert_eq!(
        effects(&added.receipts[0]),
        [
            Effect::Nonce {
                account: alice.public(),
                to: Nonce(1)
            },
            Effect::Multisig {
                account: alice.public(),
                to: Some(set)
            },
        ]
    );
}

#[test]
fn the_threshold_of_participants_must_sign() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let mut ledger = multisig_ledger(2);
    let pay = || from(&alice, 1).pay(&key("dora"), 1);
    assert_eq!(ledger.rejection(&pay().sign()), too_few(2, 0));
    assert_eq!(ledger.rejection(&pay().cosign(&bob).sign()), too_few(2, 1));
    all_applied(&ledger.add([pay().cosign(&carol).cosign(&bob).sign()]));
}

#[test]
fn fewer_than_all_participants_may_be_enough() {
    let mut ledger = multisig_ledger(1);
    let pay = from(&key("alice"), 1)
        .pay(&key("dora"), 1)
        .cosign(&key("carol"))
        .sign();
    all_applied(&ledger.add([pay]));
}

#[test]
fn a_cosigner_counts_once_however_often_it_signs() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = multisig_ledger(2);
    let pay = from(&alice, 1)
        .pay(&bob, 1)
        .cosign(&bob)
        .cosign(&bob)
        .cosign(&bob)
        .sign();
    assert_eq!(ledger.rejection(&pay), too_few(2, 1));
}

#[test]
fn a_cosigner_that_is_no_participant_does_not_count() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = multisig_ledger(2);
    let pay = from(&alice, 1)
        .pay(&bob, 1)
        .cosign(&key("dora"))
        .cosign(&bob)
        .sign();
    assert_eq!(ledger.rejection(&pay), too_few(2, 1));
}

#[test]
fn cosigners_that_are_no_participants_do_no_harm() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = multisig_ledger(1);
    let pay = from(&alice, 1)
        .pay(&bob, 1)
        .cosign(&key("dora"))
        .cosign(&bob)
        .cosign(&bob)
        .sign();
    all_applied(&ledger.add([pay]));
}

#[test]
fn the_sources_own_signature_is_not_counted() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    all_applied(&ledger.add([from(&alice, 0).multisig(1, &[&alice, &bob]).sign()]));
    let pay = from(&alice, 1).pay(&bob, 1).sign();
    assert_eq!(ledger.rejection(&pay), too_few(1, 0));
}

#[test]
fn a_source_that_is_a_participant_counts_by_a_cosignature() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    all_applied(&ledger.add([from(&alice, 0).multisig(1, &[&alice, &bob]).sign()]));
    all_applied(&ledger.add([from(&alice, 1).pay(&bob, 1).cosign(&alice).sign()]));
}

#[test]
fn all_of_255_participants_can_be_needed() {
    let alice = key("alice");
    let many = keys(255);
    let participants: Vec<_> = many.iter().collect();
    let mut ledger = ledger().has(&alice, 100).open();
    all_applied(&ledger.add([from(&alice, 0).multisig(255, &participants).sign()]));
    let signed_by = |count: usize| {
        let pay = from(&alice, 1).pay(&key("bob"), 1);
        many[..count]
            .iter()
            .fold(pay, common::Unsigned::cosign)
            .sign()
    };
    assert_eq!(ledger.rejection(&signed_by(254)), too_few(255, 254));
    all_applied(&ledger.add([signed_by(255)]));
}

#[test]
fn a_multisig_holds_for_every_kind_of_transaction() {
    let (alice, bob, dora) = (key("alice"), key("bob"), key("dora"));
    let mut ledger = multisig_ledger(1);
    let native = lockstep_core::model::Asset::NATIVE;
    for unsigned in [
        from(&alice, 1).pay(&bob, 1),
        from(&alice, 1).pay(&alice, 1),
        from(&alice, 1).burn(native, 1),
        from(&alice, 1).multisig(1, &[&dora]),
        from(&alice, 1).multisig(0, &[]),
    ] {
        assert_eq!(ledger.rejection(&unsigned.sign()), too_few(1, 0));
    }
}

#[test]
fn a_multisig_holds_from_the_next_transaction_of_the_same_block() {
    let (alice, bob, dora) = (key("alice"), key("bob"), key("dora"));
    let mut ledger = ledger().has(&alice, 100).open();
    let receipts = ledger
        .add([
            from(&alice, 0).multisig(1, &[&bob]).sign(),
            from(&alice, 1).pay(&dora, 1).sign(),
            from(&alice, 1).pay(&dora, 1).cosign(&bob).sign(),
        ])
        .receipts;
    assert!(receipts[0].is_applied());
    assert_eq!(rejection(&receipts[1]), too_few(1, 0));
    assert!(receipts[2].is_applied());
}

#[test]
fn a_multisig_is_changed_by_the_old_participants() {
    let (alice, bob, carol, dora) = (key("alice"), key("bob"), key("carol"), key("dora"));
    let mut ledger = multisig_ledger(2);
    let change = || from(&alice, 1).multisig(1, &[&dora]);
    assert_eq!(
        ledger.rejection(&change().cosign(&dora).sign()),
        too_few(2, 0)
    );
    all_applied(&ledger.add([change().cosign(&bob).cosign(&carol).sign()]));
    assert_eq!(ledger.multisig(&alice), Some(multisig(1, &[&dora])));
    all_applied(&ledger.add([from(&alice, 2).pay(&bob, 1).cosign(&dora).sign()]));
}

#[test]
fn a_removed_multisig_is_gone_in_this_block_and_the_next() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let mut ledger = multisig_ledger(1);
    let added = ledger.add([
        from(&alice, 1).multisig(0, &[]).cosign(&bob).sign(),
        from(&alice, 2).pay(&carol, 1).sign(),
    ]);
    all_applied(&added);
    assert!(effects(&added.receipts[0]).contains(&Effect::Multisig {
        account: alice.public(),
        to: None
    }));
    assert_eq!(ledger.multisig(&alice), None);
    all_applied(&ledger.add([from(&alice, 3).pay(&carol, 1).sign()]));
}

#[test]
fn a_removed_multisig_keeps_its_versions() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = multisig_ledger(1);
    let remove = from(&alice, 1).multisig(0, &[]).cosign(&bob).sign();
    let added = ledger.add([remove]);
    let cell = Cell::Multisig(alice.public());
    assert!(added.state_diff.contains(&(cell, Value::Multisig(None))));
    let set = multisig(1, &[&bob, &key("carol")]);
    assert_eq!(
        ledger.history(cell),
        [
            common::version(2, Some(1), Value::Multisig(None)),
            common::version(1, None, Value::Multisig(Some(set))),
        ]
    );
}

#[test]
fn setting_the_same_multisig_again_changes_nonce_and_fee_alone() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let mut ledger = multisig_ledger(1);
    let again = from(&alice, 1)
        .multisig(1, &[&bob, &carol])
        .cosign(&bob)
        .sign();
    let added = ledger.add([again]);
    assert_eq!(added.state_diff, [(nonce_cell(&alice), nonce_value(2))]);
    // The receipt lists the step nevertheless.
    assert_eq!(effects(&added.receipts[0]).len(), 2);
}

#[test]
fn removing_a_multisig_that_is_not_there_changes_nonce_and_fee_alone() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let added = ledger.add([from(&alice, 0).multisig(0, &[]).sign()]);
    assert_eq!(added.state_diff, [(nonce_cell(&alice), nonce_value(1))]);
    assert!(effects(&added.receipts[0]).contains(&Effect::Multisig {
        account: alice.public(),
        to: None
    }));
}

#[test]
fn a_multisig_that_comes_and_goes_within_a_block_is_no_change() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    let added = ledger.add([
        from(&alice, 0).multisig(1, &[&bob]).sign(),
        from(&alice, 1).multisig(0, &[]).cosign(&bob).sign(),
    ]);
    all_applied(&added);
    assert_eq!(added.state_diff, [(nonce_cell(&alice), nonce_value(2))]);
    assert_eq!(ledger.history(Cell::Multisig(alice.public())), []);
}

#[test]
fn the_same_participants_in_another_order_are_another_multisig() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let mut ledger = multisig_ledger(1);
    let swapped = from(&alice, 1)
        .multisig(1, &[&carol, &bob])
        .cosign(&bob)
        .sign();
    let added = ledger.add([swapped]);
    let cell = Cell::Multisig(alice.public());
    let value = Value::Multisig(Some(multisig(1, &[&carol, &bob])));
    assert!(added.state_diff.contains(&(cell, value)));
}

#[test]
fn another_threshold_is_another_multisig() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let mut ledger = multisig_ledger(1);
    let raised = from(&alice, 1)
        .multisig(2, &[&bob, &carol])
        .cosign(&bob)
        .sign();
    all_applied(&ledger.add([raised]));
    assert_eq!(ledger.multisig(&alice), Some(multisig(2, &[&bob, &carol])));
}

#[test]
fn an_account_with_nothing_can_set_a_multisig_for_no_fee() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().open();
    let added = ledger.add([from(&alice, 0).multisig(1, &[&bob]).sign()]);
    all_applied(&added);
    assert_eq!(
        added.state_diff,
        [
            (nonce_cell(&alice), nonce_value(1)),
            (
                Cell::Multisig(alice.public()),
                Value::Multisig(Some(multisig(1, &[&bob])))
            ),
        ]
    );
}

#[test]
fn without_a_multisig_cosignatures_change_nothing_but_the_identity() {
    let (alice, bob) = (key("alice"), key("bob"));
    let setup = ledger().has(&alice, 100);
    let plain = setup.open().add([from(&alice, 0).pay(&bob, 1).sign()]);
    let cosigned = setup
        .open()
        .add([from(&alice, 0).pay(&bob, 1).cosign(&bob).sign()]);
    assert_eq!(plain.state_diff, cosigned.state_diff);
    assert_eq!(plain.receipts[0].outcome, cosigned.receipts[0].outcome);
    assert_ne!(
        plain.receipts[0].transaction,
        cosigned.receipts[0].transaction
    );
}

#[test]
fn receiving_needs_no_signature() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).has(&bob, 100).open();
    all_applied(&ledger.add([from(&alice, 0).multisig(1, &[&bob]).sign()]));
    all_applied(&ledger.add([from(&bob, 0).pay(&alice, 1).sign()]));
    assert_eq!(ledger.balance(&alice), 101);
}

#[test]
fn a_rejected_multisig_sets_nothing() {
    let (alice, bob, dora) = (key("alice"), key("bob"), key("dora"));
    let mut ledger = ledger().has(&alice, 1).open();
    let receipts = ledger
        .add([
            from(&alice, 0).fee(2).multisig(1, &[&bob]).sign(),
            from(&alice, 0).pay(&dora, 1).sign(),
        ])
        .receipts;
    assert!(!receipts[0].is_applied());
    assert!(receipts[1].is_applied());
}

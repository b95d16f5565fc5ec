//! Tests of the stateless checks: each reason to reject a transaction that needs no state.

use crate::common::{
    GOLD, NETWORK, all_applied, forge, from, key, keys, ledger, multisig, rejection,
};
use lockstep_core::model::{
    Asset, Cosignature, Hash, Network, Payload, Rejection, Signature, Transaction,
};
use lockstep_core::transition::{check, check_all, check_well_formed};

/// The reason that a block gives; the same must be given outside of blocks, one by one and in bulk.
fn rejected(transaction: &Transaction) -> Rejection {
    let mut ledger = ledger().has(&key("alice"), 100).open();
    let reason = ledger.rejection(transaction);
    assert_eq!(check(transaction, NETWORK), Err(reason.clone()));
    assert_eq!(
        check_all(std::slice::from_ref(transaction), NETWORK),
        [Err(reason.clone())]
    );
    reason
}

fn applied(transaction: &Transaction) {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    all_applied(&ledger.add([transaction.clone()]));
    assert_eq!(ledger.nonce(&alice), Some(1));
}

fn paying(transfers: usize) -> Transaction {
    let bob = key("bob");
    (0..transfers)
        .fold(from(&key("alice"), 0), |one, _| one.pay_of(GOLD, &bob, 1))
        .sign()
}

/// A transaction with this many cosignatures, which verify.
fn cosigned(count: usize) -> Transaction {
    let mut transaction = from(&key("alice"), 0).pay(&key("bob"), 1).sign();
    key("carol").cosign_transaction(&mut transaction);
    transaction.cosignatures = vec![transaction.cosignatures[0].clone(); count];
    transaction
}

#[test]
fn a_transaction_of_another_network_is_rejected() {
    let foreign = from(&key("alice"), 0)
        .network(Network::Mainnet)
        .pay(&key("bob"), 1)
        .sign();
    assert_eq!(
        rejected(&foreign),
        Rejection::Network {
            expected: Network::Devnet,
            got: Network::Mainnet
        }
    );
}

#[test]
fn a_transaction_without_transfers_is_rejected() {
    assert_eq!(rejected(&paying(0)), Rejection::TransferCount { got: 0 });
}

#[test]
fn more_than_255_transfers_are_rejected() {
    assert_eq!(
        rejected(&paying(256)),
        Rejection::TransferCount { got: 256 }
    );
}

#[test]
fn a_transaction_may_carry_255_transfers() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has_of(GOLD, &alice, 1_000).open();
    all_applied(&ledger.add([paying(255)]));
    assert_eq!(ledger.balance_of(GOLD, &alice), 745);
    assert_eq!(ledger.balance_of(GOLD, &bob), 255);
}

#[test]
fn a_transfer_of_nothing_is_rejected_with_the_index_of_the_first() {
    let bob = key("bob");
    let zero = from(&key("alice"), 0)
        .pay(&bob, 1)
        .pay(&bob, 0)
        .pay(&bob, 0)
        .sign();
    assert_eq!(rejected(&zero), Rejection::ZeroAmount { index: 1 });
}

#[test]
fn a_transfer_of_nothing_to_oneself_is_rejected() {
    let alice = key("alice");
    let zero = from(&alice, 0).pay(&alice, 0).sign();
    assert_eq!(rejected(&zero), Rejection::ZeroAmount { index: 0 });
}

#[test]
fn a_burn_of_nothing_is_rejected_with_index_0() {
    let zero = from(&key("alice"), 0).burn(Asset::NATIVE, 0).sign();
    assert_eq!(rejected(&zero), Rejection::ZeroAmount { index: 0 });
}

#[test]
fn more_than_255_participants_are_rejected() {
    let many = keys(256);
    let participants: Vec<_> = many.iter().collect();
    let set = from(&key("alice"), 0).multisig(1, &participants).sign();
    assert_eq!(rejected(&set), Rejection::ParticipantCount { got: 256 });
}

#[test]
fn a_multisig_may_have_255_participants_who_all_must_sign() {
    let many = keys(255);
    let participants: Vec<_> = many.iter().collect();
    applied(&from(&key("alice"), 0).multisig(255, &participants).sign());
}

#[test]
fn a_threshold_of_0_with_participants_is_rejected() {
    let set = from(&key("alice"), 0).multisig(0, &[&key("bob")]).sign();
    assert_eq!(
        rejected(&set),
        Rejection::Threshold {
            threshold: 0,
            participants: 1
        }
    );
}

#[test]
fn a_threshold_over_the_participants_is_rejected() {
    let set = from(&key("alice"), 0)
        .multisig(3, &[&key("bob"), &key("carol")])
        .sign();
    assert_eq!(
        rejected(&set),
        Rejection::Threshold {
            threshold: 3,
            participants: 2
        }
    );
}

#[test]
fn a_removal_with_a_threshold_is_rejected() {
    let remove = from(&key("alice"), 0).multisig(1, &[]).sign();
    assert_eq!(
        rejected(&remove),
        Rejection::Threshold {
            threshold: 1,
            participants: 0
        }
    );
}

#[test]
fn a_participant_named_twice_is_rejected_and_the_first_repetition_named() {
    let (bob, carol) = (key("bob"), key("carol"));
    let set = from(&key("alice"), 0)
        .multisig(2, &[&bob, &carol, &carol, &bob])
        .sign();
    let participant = carol.public();
    assert_eq!(
        rejected(&set),
        Rejection::DuplicateParticipant { participant }
    );
}

#[test]
fn more_than_255_cosignatures_are_rejected() {
    assert_eq!(
        rejected(&cosigned(256)),
        Rejection::CosignatureCount { got: 256 }
    );
}

#[test]
fn a_transaction_may_carry_255_cosignatures_some_by_the_same_signer() {
    applied(&cosigned(255));
}

#[test]
fn a_forged_signature_is_rejected_and_the_source_named() {
    let alice = key("alice");
    let forged = forge(from(&alice, 0).pay(&key("bob"), 1).sign());
    let signer = alice.public();
    assert_eq!(rejected(&forged), Rejection::Signature { signer });
}

#[test]
fn a_source_that_is_no_point_of_the_curve_cannot_sign() {
    let mut keyless = from(&key("alice"), 0).pay(&key("bob"), 1).sign();
    // y = 2 is on no point of the curve.
    keyless.source.0 = [0; 32];
    keyless.source.0[0] = 2;
    let signer = keyless.source;
    assert_eq!(rejected(&keyless), Rejection::Signature { signer });
}

#[test]
fn every_cosignature_must_verify_even_where_none_is_needed() {
    let carol = key("carol");
    let mut transaction = from(&key("alice"), 0)
        .pay(&key("bob"), 1)
        .cosign(&key("dora"))
        .sign();
    transaction.cosignatures.push(Cosignature {
        signer: carol.public(),
        signature: Signature([0; 64]),
    });
    let signer = carol.public();
    assert_eq!(rejected(&transaction), Rejection::Signature { signer });
}

#[test]
fn of_several_forged_signatures_the_source_is_named_first() {
    let alice = key("alice");
    let mut transaction = forge(from(&alice, 0).pay(&key("bob"), 1).sign());
    transaction.cosignatures.push(Cosignature {
        signer: key("carol").public(),
        signature: Signature([0; 64]),
    });
    let signer = alice.public();
    assert_eq!(rejected(&transaction), Rejection::Signature { signer });
}

#[test]
fn of_several_forged_cosignatures_the_first_is_named() {
    let mut transaction = from(&key("alice"), 0).pay(&key("bob"), 1).sign();
    for name in ["zoe", "carol"] {
        transaction.cosignatures.push(Cosignature {
            signer: key(name).public(),
            signature: Signature([0; 64]),
        });
    }
    let signer = key("zoe").public();
    assert_eq!(rejected(&transaction), Rejection::Signature { signer });
}

/// Each field that is signed, changed after signing.
#[test]
fn a_signature_covers_network_source_nonce_fee_and_payload() {
    let (alice, bob) = (key("alice"), key("bob"));
    let signed = from(&alice, 0).fee(1).pay(&bob, 1).sign();
    let changes: [fn(&mut Transaction); 4] = [
        |one| one.source = key("bob").public(),
        |one| one.nonce.0 = 1,
        |one| one.fee.0 = 2,
        |one| one.payload = from(&key("alice"), 0).pay(&key("bob"), 2).sign().payload,
    ];
    for change in changes {
        let mut changed = signed.clone();
        change(&mut changed);
        let signer = changed.source;
        assert_eq!(rejected(&changed), Rejection::Signature { signer });
    }
    let mut foreign = signed;
    foreign.network = Network::Mainnet;
    assert_eq!(
        check(&foreign, Network::Mainnet),
        Err(Rejection::Signature {
            signer: alice.public()
        })
    );
}

#[test]
fn the_signature_of_a_cosigner_is_over_the_same_message_as_the_sources() {
    let (alice, carol) = (key("alice"), key("carol"));
    let mut transaction = from(&alice, 0).pay(&key("bob"), 1).sign();
    transaction.cosignatures.push(Cosignature {
        signer: alice.public(),
        signature: transaction.signature,
    });
    carol.cosign_transaction(&mut transaction);
    applied(&transaction);
}

#[test]
fn one_forged_transaction_among_many_is_rejected_alone() {
    let sources = keys(300);
    let bob = key("bob");
    let mut setup = ledger();
    for source in &sources {
        setup = setup.has(source, 1);
    }
    let mut ledger = setup.open();
    let mut body: Vec<_> = sources
        .iter()
        .map(|source| from(source, 0).pay(&bob, 1).sign())
        .collect();
    for index in [0, 127, 128, 299] {
        body[index] = forge(body[index].clone());
    }
    let receipts = ledger.add(body).receipts;
    for (index, receipt) in receipts.iter().enumerate() {
        let forged = [0, 127, 128, 299].contains(&index);
        assert_eq!(receipt.is_applied(), !forged, "transaction {index}");
        if forged {
            let signer = sources[index].public();
            assert_eq!(rejection(receipt), Rejection::Signature { signer });
        }
    }
    assert_eq!(ledger.balance(&bob), 296);
}

/// A transaction that is wrong in every way that its payload allows; fixing them in the order of
/// precedence must give the reasons in that order.
#[test]
fn transfers_are_rejected_for_network_count_amount_cosignatures_signature_in_this_order() {
    let alice = key("alice");
    let mut wrong = forge(
        from(&alice, 9)
            .network(Network::Testnet)
            .pay(&key("bob"), 0)
            .sign(),
    );
    let Payload::Transfers(transfers) = &mut wrong.payload else {
        panic!("these are transfers");
    };
    *transfers = vec![transfers[0].clone(); 256];
    wrong.cosignatures = cosigned(256).cosignatures;

    assert!(matches!(rejected(&wrong), Rejection::Network { .. }));
    wrong.network = NETWORK;
    assert_eq!(rejected(&wrong), Rejection::TransferCount { got: 256 });
    if let Payload::Transfers(transfers) = &mut wrong.payload {
        transfers.truncate(2);
    }
    assert_eq!(rejected(&wrong), Rejection::ZeroAmount { index: 0 });
    if let Payload::Transfers(transfers) = &mut wrong.payload {
        transfers[0].amount.0 = 1_000;
        transfers[1].amount.0 = 1_000;
    }
    assert_eq!(rejected(&wrong), Rejection::CosignatureCount { got: 256 });
    wrong.cosignatures.clear();
    let signer = alice.public();
    assert_eq!(rejected(&wrong), Rejection::Signature { signer });
    // Only now the state: nonce 9 and 2,000 of 100.
    alice.sign_transaction(&mut wrong);
    let mut ledger = ledger().has(&alice, 100).open();
    assert!(matches!(ledger.rejection(&wrong), Rejection::Nonce { .. }));
}

#[test]
fn a_multisig_is_rejected_for_participants_threshold_repetition_cosignatures_in_this_order() {
    let bob = key("bob").public();
    let mut wrong = from(&key("alice"), 0).multisig(0, &[]).sign();
    wrong.cosignatures = cosigned(256).cosignatures;
    let mut with = |threshold: u8, participants: usize| {
        let mut set = multisig(threshold, &[]);
        set.participants = vec![bob; participants];
        wrong.payload = Payload::Multisig(set);
        rejected(&wrong)
    };
    assert_eq!(with(0, 256), Rejection::ParticipantCount { got: 256 });
    assert_eq!(
        with(0, 255),
        Rejection::Threshold {
            threshold: 0,
            participants: 255
        }
    );
    assert_eq!(
        with(1, 255),
        Rejection::DuplicateParticipant { participant: bob }
    );
    assert_eq!(with(1, 1), Rejection::CosignatureCount { got: 256 });
}

#[test]
fn a_burn_is_rejected_for_its_amount_before_its_cosignatures() {
    let mut wrong = from(&key("alice"), 0).burn(GOLD, 0).sign();
    wrong.cosignatures = cosigned(256).cosignatures;
    assert_eq!(rejected(&wrong), Rejection::ZeroAmount { index: 0 });
}

#[test]
fn the_shape_alone_says_nothing_about_signatures() {
    let forged = forge(from(&key("alice"), 0).pay(&key("bob"), 1).sign());
    assert_eq!(check_well_formed(&forged, NETWORK), Ok(()));
}

#[test]
fn a_receipt_names_the_identity_that_covers_the_signatures() {
    let mut ledger = ledger().open();
    let transaction = from(&key("alice"), 0).pay(&key("bob"), 1).sign();
    let forged = forge(transaction.clone());
    let identity = |one: &Transaction| {
        let bytes = borsh::to_vec(one).expect("a transaction encodes");
        Hash(blake3::hash(&bytes).into())
    };
    assert_ne!(identity(&transaction), identity(&forged));
    let receipts = ledger.add([transaction.clone(), forged.clone()]).receipts;
    assert_eq!(receipts[0].transaction, identity(&transaction));
    assert_eq!(receipts[1].transaction, identity(&forged));
}

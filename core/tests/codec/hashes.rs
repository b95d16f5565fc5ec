//! The inputs of the hashes: every bit that a hash must depend on, and none that it must not.

use std::collections::BTreeSet;

use lockstep_core::codec::{
    block_digest, block_hash, decode, encode, genesis_hash, signing_hash, transaction_id,
};
use lockstep_core::model::{Amount, Hash, Network, Payload, Receipt, Transaction, Value};

use crate::samples::{Sample, burn, cells, multisig, transaction, transfers};

/// Returns every value that differs from this one in one bit of its encoding, with that bit's byte.
fn one_bit_away<T: Sample>(value: &T) -> Vec<(usize, T)> {
    let bytes = encode(value);
    (0..bytes.len() * 8)
        .filter_map(|bit| {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            Some((bit / 8, decode(T::NAME, &bytes).ok()?))
        })
        .collect()
}

#[test]
fn the_identity_depends_on_every_bit() {
    for transaction in Transaction::samples() {
        let neighbours = one_bit_away(&transaction);
        let ids: BTreeSet<_> = neighbours
            .iter()
            .map(|(_, it)| transaction_id(it))
            .collect();
        assert_eq!(ids.len(), neighbours.len());
        assert!(!ids.contains(&transaction_id(&transaction)));
    }
}

#[test]
fn the_signing_hash_depends_on_every_bit_before_the_signatures_and_on_none_after() {
    for transaction in Transaction::samples() {
        let signatures = 64 + 4 + transaction.cosignatures.len() * (32 + 64);
        let signed = encode(&transaction).len() - signatures;
        let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
        for (byte, neighbour) in one_bit_away(&transaction) {
            let differs = signing_hash(&neighbour) != signing_hash(&transaction);
            assert_eq!(differs, byte < signed, "byte {byte} of {transaction:?}");
            if differs { &mut before } else { &mut after }.insert(byte);
        }
        // Bytes of which no bit can be flipped alone: lengths, some tags.
        assert!(before.len() >= signed - 6, "{} of {signed}", before.len());
        assert_eq!(after.len(), signatures - 4);
    }
}

#[test]
fn signatures_come_and_go_without_a_change_of_the_signing_hash() {
    let [.., none, two] = &Transaction::samples()[..] else {
        panic!("there are samples");
    };
    let mut swapped = two.clone();
    swapped.cosignatures.reverse();
    let all = [none, two, &swapped];
    assert_eq!(all.map(signing_hash), [signing_hash(none); 3]);
    assert_eq!(BTreeSet::from(all.map(transaction_id)).len(), 3);
}

#[test]
fn networks_and_payloads_tell_transactions_apart() {
    let mut transactions = vec![
        transaction(transfers()),
        transaction(Payload::Transfers(Vec::new())),
        transaction(Payload::Multisig(multisig())),
    ];
    transactions.extend(Network::ALL.map(|network| Transaction {
        network,
        ..transaction(burn())
    }));
    let Payload::Transfers(mut reversed) = transfers() else {
        panic!("transfers are transfers");
    };
    reversed.reverse();
    transactions.push(transaction(Payload::Transfers(reversed.clone())));
    reversed.pop();
    transactions.push(transaction(Payload::Transfers(reversed)));

    let ids: BTreeSet<_> = transactions.iter().map(transaction_id).collect();
    let signing_hashes: BTreeSet<_> = transactions.iter().map(signing_hash).collect();
    assert_eq!(ids.len(), transactions.len());
    assert_eq!(signing_hashes.len(), transactions.len());
}

#[test]
fn the_hashes_of_header_and_genesis_depend_on_every_bit() {
    fn check<T: Sample>(hash: impl Fn(&T) -> Hash) {
        for value in T::samples() {
            let neighbours = one_bit_away(&value);
            let hashes: BTreeSet<_> = neighbours.iter().map(|(_, it)| hash(it)).collect();
            assert_eq!(hashes.len(), neighbours.len());
            assert!(!hashes.contains(&hash(&value)));
        }
    }
    check(block_hash);
    check(genesis_hash);
}

#[test]
fn the_block_digest_depends_on_parent_changes_and_receipts() {
    let (parent, changes, receipts) = (Hash([0xdd; 32]), cells(), Receipt::samples());
    let mut digests = vec![
        block_digest(parent, &changes, &receipts),
        block_digest(Hash([0xde; 32]), &changes, &receipts),
        block_digest(parent, &changes[1..], &receipts),
        block_digest(parent, &changes, &receipts[1..]),
        block_digest(parent, &[], &[]),
    ];
    let mut other = cells();
    other[2].1 = Value::Balance(Amount(259));
    digests.push(block_digest(parent, &other, &receipts));
    let mut other = Receipt::samples();
    other.swap(1, 2);
    digests.push(block_digest(parent, &changes, &other));

    let count = digests.len();
    assert_eq!(BTreeSet::from_iter(digests).len(), count);
}

//! Golden encodings and hashes. To change one of these constants is to start a new network: no stored
//! block, no signature and no other node knows the new bytes.
//!
//! The encodings were written by hand from the description of the format, the hashes computed by a
//! program that knows neither this crate nor borsh.

use borsh::BorshSerialize;
use lockstep_core::codec::{
    block_digest, block_hash, encode, genesis_hash, signing_hash, transaction_id,
};
use lockstep_core::model::{Block, Hash, Network, Outcome, Payload, Receipt, Version};

use crate::samples::{
    Sample, applied, burn, cells, genesis, header, multisig, receipt, rejections, transaction,
    transfers,
};

/// Returns bytes that are written as hexadecimal digits and the number of their repetitions.
fn golden(parts: &[(&str, usize)]) -> String {
    parts
        .iter()
        .map(|(digits, times)| digits.repeat(*times))
        .collect()
}

fn encoded<T: BorshSerialize>(value: &T) -> String {
    hex::encode(encode(value))
}

const TRANSACTION: &[(&str, usize)] = &[
    ("03", 1),               // network: devnet
    ("11", 32),              // source
    ("0700000000000000", 1), // nonce
    ("e803000000000000", 1), // fee
    ("00", 1),               // payload: transfers
    ("02000000", 1),         // how many
    ("22", 32),              // destination
    ("00", 32),              // asset: native
    ("0100000000000000", 1), // amount
    ("23", 32),
    ("aa", 32),
    ("ffffffffffffffff", 1),
    ("33", 64),      // signature
    ("01000000", 1), // how many cosignatures
    ("44", 32),      // signer
    ("55", 64),      // signature
];

#[test]
fn the_encoding_of_a_transaction_is_golden() {
    assert_eq!(encoded(&transaction(transfers())), golden(TRANSACTION));
}

#[test]
fn the_encodings_of_payloads_are_golden() {
    assert_eq!(
        encoded(&burn()),
        golden(&[("01", 1), ("aa", 32), ("0201000000000000", 1)])
    );
    assert_eq!(
        encoded(&Payload::Multisig(multisig())),
        golden(&[
            ("02", 1),
            ("01", 1), // threshold
            ("02000000", 1),
            ("66", 32),
            ("77", 32)
        ])
    );
    assert_eq!(
        Network::ALL.map(|it| encoded(&it)),
        ["00", "01", "02", "03"]
    );
}

const HEADER: &[(&str, usize)] = &[
    ("0100", 1),             // version
    ("02", 1),               // network: stagenet
    ("0300000000000000", 1), // height
    ("88", 32),              // parent
    ("0068e5cf8b010000", 1), // time
    ("99", 32),              // miner
    ("bb", 32),              // merkle root
    ("0102", 1),             // count
];

#[test]
fn the_encoding_of_a_block_is_golden() {
    assert_eq!(encoded(&header()), golden(HEADER));
    let block = Block {
        header: header(),
        transactions: vec![transaction(transfers())],
    };
    assert_eq!(
        encoded(&block),
        golden(HEADER) + "01000000" + &golden(TRANSACTION)
    );
}

#[test]
fn the_encoding_of_an_applied_receipt_is_golden() {
    let expected = golden(&[
        ("cc", 32),              // transaction
        ("00", 1),               // applied
        ("e803000000000000", 1), // fee
        ("06000000", 1),         // how many changes
        ("00", 1),               // nonce
        ("11", 32),
        ("0800000000000000", 1),
        ("01", 1), // multisig
        ("11", 32),
        ("01", 1), // there is one
        ("01", 1), // threshold
        ("02000000", 1),
        ("66", 32),
        ("77", 32),
        ("01", 1), // multisig
        ("11", 32),
        ("00", 1), // there is none
        ("02", 1), // debit
        ("11", 32),
        ("aa", 32),
        ("0201000000000000", 1),
        ("03", 1), // credit
        ("22", 32),
        ("aa", 32),
        ("0201000000000000", 1),
        ("04", 1), // burn
        ("aa", 32),
        ("0201000000000000", 1),
    ]);
    assert_eq!(encoded(&applied()), expected);
}

#[test]
fn the_encodings_of_rejected_receipts_are_golden() {
    let expected: [&[(&str, usize)]; 13] = [
        &[("00", 1), ("00", 1), ("01", 1)],
        &[("01", 1), ("00010000", 1)],
        &[("02", 1), ("02000000", 1)],
        &[("03", 1), ("01010000", 1)],
        &[("04", 1), ("03", 1), ("02", 1)],
        &[("05", 1), ("66", 32)],
        &[("06", 1), ("02010000", 1)],
        &[("07", 1), ("44", 32)],
        &[("08", 1), ("0800000000000000", 1), ("0900000000000000", 1)],
        &[("09", 1)],
        &[("0a", 1), ("02", 1), ("01", 1)],
        &[("0b", 1), ("aa", 32)],
        &[
            ("0c", 1),
            ("aa", 32),
            ("0500000000000000", 1),
            ("0400000000000000", 1),
        ],
    ];
    assert_eq!(rejections().len(), expected.len());
    for (rejection, expected) in rejections().into_iter().zip(expected) {
        let rejected = receipt(Outcome::Rejected(rejection));
        let expected = golden(&[("cc", 32), ("01", 1)]) + &golden(expected);
        assert_eq!(encoded(&rejected), expected, "{rejected:?}");
    }
}

#[test]
fn the_encoding_of_a_genesis_is_golden() {
    let expected = golden(&[
        ("01", 1),               // network: testnet
        ("3200000000000000", 1), // reward
        ("406f400100000000", 1), // native limit
        ("0000100000000000", 1), // bytes of a block
        ("00806e8774010000", 1), // time
        ("03000000", 1),         // how many balances
        ("11", 32),
        ("00", 32),
        ("0100000000000000", 1),
        ("11", 32),
        ("aa", 32),
        ("0200000000000000", 1),
        ("22", 32),
        ("00", 32),
        ("0300000000000000", 1),
    ]);
    assert_eq!(encoded(&genesis()), expected);
}

#[test]
fn the_encodings_of_versions_are_golden() {
    let expected: [&[(&str, usize)]; 5] = [
        &[("00", 1), ("0800000000000000", 1)],
        &[
            ("01", 1),
            ("01", 1),
            ("01", 1),
            ("02000000", 1),
            ("66", 32),
            ("77", 32),
        ],
        &[("01", 1), ("00", 1)],
        &[("02", 1), ("0201000000000000", 1)],
        &[
            ("03", 1),
            ("0100000000000000", 1),
            ("0200000000000000", 1),
            ("0300000000000000", 1),
        ],
    ];
    let (first, later) = ("030000000000000000", "0300000000000000010200000000000000");
    let expected: Vec<String> = [first, later]
        .into_iter()
        .flat_map(|heights| expected.map(|value| heights.to_owned() + &golden(value)))
        .collect();
    let versions: Vec<String> = Version::samples().iter().map(encoded).collect();
    assert_eq!(versions, expected);
}

#[test]
fn the_encodings_of_cells_are_golden() {
    let expected: [&[(&str, usize)]; 4] = [
        &[("00", 1), ("11", 32)],
        &[("01", 1), ("11", 32)],
        &[("02", 1), ("11", 32), ("00", 32)],
        &[("03", 1), ("aa", 32)],
    ];
    let cells: Vec<String> = cells().iter().map(|(cell, _)| encoded(cell)).collect();
    assert_eq!(cells, expected.map(golden));
}

#[test]
fn the_hashes_are_golden() {
    let transaction = transaction(transfers());
    let hashes = [
        ("identity", transaction_id(&transaction)),
        ("signing hash", signing_hash(&transaction)),
        ("block hash", block_hash(&header())),
        ("genesis hash", genesis_hash(&genesis())),
        (
            "block digest",
            block_digest(Hash([0xdd; 32]), &cells(), &Receipt::samples()),
        ),
    ];
    let expected = [
        (
            "identity",
            "0fbf28472ec9501bbc784fb90f4e3c2a3fdaba6e227ac01543c75a86d1dbbbc2",
        ),
        (
            "signing hash",
            "8a0ee5bd7c021848acc54f5b124c3427ccd0d60457020ee6561b15f830302604",
        ),
        (
            "block hash",
            "7cd5be3c1e5da123e97920425310e83da5fa95207b731250a2bd91fc730b0869",
        ),
        (
            "genesis hash",
            "2304bfef5cf9c2f1a2811f5af8eb685e7aec2c13a5ca0f90340988c3d1169797",
        ),
        (
            "block digest",
            "5f5dca9437498399463b550e982796114661bdbc0ba229ba2c7b34fbd5ef2752",
        ),
    ];
    assert_eq!(
        hashes.map(|(name, hash)| (name, hash.to_string())),
        expected.map(|(name, hash)| (name, hash.to_owned()))
    );
}

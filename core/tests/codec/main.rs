//! Tests of the codec: a decoded value encodes to the same bytes, and all other bytes are an error,
//! and a cheap one. The bytes and hashes of today are for ever.

mod foreign;
mod golden;
mod hashes;
mod samples;

use std::collections::BTreeSet;
use std::fmt::Debug;

use borsh::BorshDeserialize;
use lockstep_core::codec::{decode, decode_block, encode, encoded_len};
use lockstep_core::model::{
    Asset, Block, Cell, Genesis, Header, Receipt, Transaction, Value, Version,
};

use samples::{Sample, applied, burn, for_every_type, genesis, header, key, transaction};

#[test]
fn an_encoded_value_decodes_to_itself() {
    fn check<T: Sample>() {
        for value in T::samples() {
            assert_eq!(decode(T::NAME, &encode(&value)).as_ref(), Ok(&value));
        }
    }
    for_every_type!(check);
}

#[test]
fn different_values_have_different_encodings() {
    fn check<T: Sample>() {
        let encodings: BTreeSet<_> = T::samples().iter().map(encode).collect();
        assert_eq!(encodings.len(), T::samples().len(), "{}", T::NAME);
    }
    for_every_type!(check);
}

#[test]
fn encoded_len_is_the_length_of_the_encoding() {
    fn check<T: Sample>() {
        for value in T::samples() {
            assert_eq!(encoded_len(&value), encode(&value).len() as u64);
        }
    }
    for_every_type!(check);
}

#[test]
fn a_trailing_byte_is_an_error() {
    fn check<T: Sample>() {
        for value in T::samples() {
            for byte in [0, 1, 0xff] {
                let mut bytes = encode(&value);
                bytes.push(byte);
                assert!(decode::<T>(T::NAME, &bytes).is_err(), "{value:?} {byte}");
            }
        }
    }
    for_every_type!(check);
}

#[test]
fn every_truncation_is_an_error() {
    fn check<T: Sample>() {
        for value in T::samples() {
            let bytes = encode(&value);
            for length in 0..bytes.len() {
                assert!(
                    decode::<T>(T::NAME, &bytes[..length]).is_err(),
                    "{length} bytes of {value:?}"
                );
            }
        }
    }
    for_every_type!(check);
}

#[test]
fn an_unknown_discriminant_is_an_error() {
    /// The bytes are good with all tags below `unknown` at `position`, as far as the tag goes.
    fn check<T: BorshDeserialize + Debug>(mut bytes: Vec<u8>, position: usize, unknown: u8) {
        assert!(
            bytes[position] < unknown && decode::<T>("a sample", &bytes).is_ok(),
            "a tag stands at {position}"
        );
        for tag in unknown..=u8::MAX {
            bytes[position] = tag;
            let error = decode::<T>("a sample", &bytes).expect_err("no variant has this tag");
            assert!(
                error.reason.contains(&tag.to_string()),
                "tag {tag} is named: {error}"
            );
        }
    }
    let network = 0;
    let payload = 1 + 32 + 8 + 8;
    check::<Transaction>(encode(&transaction(burn())), network, 4);
    check::<Transaction>(encode(&transaction(burn())), payload, 3);

    let network = 2;
    check::<Header>(encode(&header()), network, 4);

    let (outcome, rejection, first_change) = (32, 32 + 1, 32 + 1 + 8 + 4);
    check::<Receipt>(encode(&applied()), outcome, 2);
    check::<Receipt>(encode(&applied()), first_change, 5);
    for sample in &Receipt::samples()[1..] {
        check::<Receipt>(encode(sample), rejection, 13);
    }

    let network = 0;
    check::<Genesis>(encode(&genesis()), network, 4);

    let previous = 8;
    for sample in Version::samples() {
        let value = previous + 1 + if sample.previous.is_some() { 8 } else { 0 };
        check::<Version>(encode(&sample), previous, 2);
        check::<Version>(encode(&sample), value, 4);
        if let Value::Multisig(_) = sample.value {
            check::<Version>(encode(&sample), value + 1, 2);
        }
    }

    check::<Cell>(encode(&Cell::Balance(key(1), Asset::NATIVE)), 0, 4);
}

#[test]
fn a_genesis_out_of_order_or_with_a_key_twice_is_an_error() {
    let bytes = encode(&genesis());
    let (front, entries) = bytes.split_at(bytes.len() - 3 * (32 + 32 + 8));
    let entries: Vec<_> = entries.chunks(32 + 32 + 8).collect();
    let rearranged = |order: [usize; 3]| {
        let entries = order.map(|entry| entries[entry]).concat();
        decode::<Genesis>("a genesis", &[front, &entries].concat())
    };
    assert_eq!(rearranged([0, 1, 2]), Ok(genesis()));
    for order in [
        [0, 2, 1],
        [1, 0, 2],
        [2, 1, 0],
        [0, 0, 2],
        [0, 1, 1],
        [2, 2, 2],
    ] {
        assert!(rearranged(order).is_err(), "{order:?}");
    }
}

#[test]
fn an_error_says_what_was_asked_for_and_how_long_the_bytes_were() {
    let error = decode::<Header>("a header", &[1, 2, 3]).expect_err("3 bytes are no header");
    assert_eq!((error.expected, error.length), ("a header", 3));
}

#[test]
fn a_block_of_exactly_the_limit_decodes_and_a_longer_one_does_not() {
    for block in Block::samples() {
        let bytes = encode(&block);
        let length = bytes.len() as u64;
        assert_eq!(decode_block(&bytes, length), Ok(block));
        let error = decode_block(&bytes, length - 1).expect_err("one byte too many");
        assert_eq!((error.expected, error.length), ("a block", bytes.len()));
    }
}

//! Bytes of any kind are decoded, and what decodes is encoded again.

use std::fmt::Debug;

use borsh::BorshSerialize;
use lockstep_core::codec::{DecodeError, decode, decode_block, encode, encoded_len};
use lockstep_core::model::{Genesis, Header, Receipt, Transaction, Version};

use lockstep_sim::reproducer::Reproducer;

/// No bytes make a decoder panic, and no value has two encodings.
///
/// The first byte says what the others are said to be: the small first letter of a type that
/// travels or is stored, and a reproducer's text for every other byte.
///
/// # Panics
///
/// On a finding.
pub fn codec(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else {
        return;
    };
    match kind {
        b't' => one_encoding(bytes, decode::<Transaction>("a transaction", bytes)),
        b'b' => block(bytes),
        b'h' => one_encoding(bytes, decode::<Header>("a header", bytes)),
        b'r' => one_encoding(bytes, decode::<Vec<Receipt>>("receipts", bytes)),
        b'g' => one_encoding(bytes, decode::<Genesis>("a genesis", bytes)),
        b'v' => one_encoding(bytes, decode::<Version>("a version", bytes)),
        _ => {
            if let Ok(text) = str::from_utf8(bytes) {
                reproducer(text);
            }
        }
    }
}

/// Decodes the bytes of an input of [`codec`], and says whether they could be: what a stranger can
/// make a node do, and nothing else.
#[must_use]
pub fn decoded(data: &[u8]) -> bool {
    let Some((kind, bytes)) = data.split_first() else {
        return false;
    };
    match kind {
        b't' => decode::<Transaction>("a transaction", bytes).is_ok(),
        b'b' => decode_block(bytes, bytes.len() as u64).is_ok(),
        b'h' => decode::<Header>("a header", bytes).is_ok(),
        b'r' => decode::<Vec<Receipt>>("receipts", bytes).is_ok(),
        b'g' => decode::<Genesis>("a genesis", bytes).is_ok(),
        b'v' => decode::<Version>("a version", bytes).is_ok(),
        _ => str::from_utf8(bytes).is_ok_and(|text| Reproducer::from_text(text, "").is_ok()),
    }
}

fn one_encoding<T: BorshSerialize + Debug>(bytes: &[u8], decoded: Result<T, DecodeError>) {
    let Ok(value) = decoded else {
        return;
    };
    let encoded = encode(&value);
    assert!(
        encoded == bytes,
        "{} bytes decode to a value whose encoding has {}, or other ones: {value:?}",
        bytes.len(),
        encoded.len()
    );
    assert_eq!(
        encoded_len(&value),
        bytes.len() as u64,
        "the length of an encoding is counted as it is: {value:?}"
    );
}

fn block(bytes: &[u8]) {
    let length = bytes.len() as u64;
    let decoded = decode_block(bytes, length);
    if decoded.is_ok() {
        let limited = decode_block(bytes, length - 1);
        assert!(
            limited.is_err(),
            "a block of {length} bytes is refused where {} are allowed",
            length - 1
        );
    }
    one_encoding(bytes, decoded);
}

fn reproducer(text: &str) {
    let Ok(reproducer) = Reproducer::from_text(text, "the input") else {
        return;
    };
    let written = reproducer
        .to_text("written again")
        .expect("what was read can be written");
    match Reproducer::from_text(&written, "what was written") {
        Ok(again) => assert_eq!(again, reproducer, "what is written reads back\n{written}"),
        Err(error) => panic!("what is written is understood: {error}\n{written}"),
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::model::{Amount, Hash, Network, Rules};

    use super::*;

    fn rules() -> Rules {
        Rules {
            network: Network::Devnet,
            reward: Amount(1),
            native_limit: Amount(2),
            max_block_bytes: 3,
        }
    }

    #[test]
    fn the_encoding_of_a_value_is_no_finding() {
        one_encoding(&encode(&rules()), Ok(rules()));
    }

    #[test]
    #[should_panic(expected = "26 bytes decode to a value whose encoding has 25")]
    fn a_decoder_that_takes_bytes_behind_the_end_is_found() {
        let mut bytes = encode(&rules());
        bytes.push(0);
        one_encoding(&bytes, Ok(rules()));
    }

    #[test]
    #[should_panic(expected = "32 bytes decode to a value whose encoding has 32, or other ones")]
    fn a_decoder_that_mistakes_a_bit_is_found() {
        one_encoding(&[1; 32], Ok(Hash([3; 32])));
    }
}

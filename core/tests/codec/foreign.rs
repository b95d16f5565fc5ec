//! Decoding of foreign bytes: they may be refused, but never cause a panic, never have the meaning of
//! other bytes and never take much memory.

use std::cell::Cell;
use std::io::Read;

use allocation_counter::AllocationInfo;
use borsh::{BorshDeserialize, BorshSerialize};
use lockstep_core::codec::{decode, encode, encoded_len};
use lockstep_core::model::{
    Amount, Block, Genesis, Header, Height, Multisig, Outcome, Payload, Receipt, Transaction,
    Value, Version,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::samples::{Sample, for_every_type, receipt, transaction};

/// Decodes, and returns whether it went well. A decoded value must encode to the same bytes, and no
/// bytes may take more memory than their due.
fn decodes<T: Sample>(bytes: &[u8]) -> bool {
    let mut decoded = None;
    let memory = allocation_counter::measure(|| decoded = decode::<T>(T::NAME, bytes).ok());
    check_memory(&memory, bytes);
    decoded.is_some_and(|value| {
        assert_eq!(encode(&value), bytes, "{value:?} has two encodings");
        assert_eq!(encoded_len(&value), bytes.len() as u64);
        true
    })
}

/// Counts for how many of 2,000 values of a strategy [`decodes`] is true, the same ones in every run: to
/// look further is the fuzzer's part.
fn count_decoded<T: Sample>(strategy: impl Strategy<Value = Vec<u8>>) -> u32 {
    let mut runner = TestRunner::new(Config {
        cases: 2000,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Config::default()
    });
    let decoded = Cell::new(0);
    runner
        .run(&strategy, |bytes| {
            decoded.set(decoded.get() + u32::from(decodes::<T>(&bytes)));
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{}: {failure}", T::NAME));
    decoded.get()
}

#[test]
fn random_bytes_never_panic_and_never_have_two_meanings() {
    fn check<T: Sample>() {
        count_decoded::<T>(vec(any::<u8>(), 0..400));
        // Small numbers are lengths and tags that make sense.
        count_decoded::<T>(vec(0..3_u8, 0..400));
    }
    for_every_type!(check);
}

#[derive(Clone, Debug)]
enum Mutation {
    Set(Index, u8),
    SetLength(Index, u32),
    Remove(Index, u8),
    Insert(Index, Vec<u8>),
    Repeat(Index, u8),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        4 => (at(), 0..5_u8).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        1 => (at(), prop_oneof![0..5_u32, any::<u32>()])
            .prop_map(|(at, length)| Mutation::SetLength(at, length)),
        1 => (at(), any::<u8>()).prop_map(|(at, count)| Mutation::Remove(at, count)),
        1 => (at(), vec(any::<u8>(), 1..80)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        1 => (at(), any::<u8>()).prop_map(|(at, count)| Mutation::Repeat(at, count)),
    ]
}

fn mutated(mut bytes: Vec<u8>, mutations: Vec<Mutation>) -> Vec<u8> {
    for mutation in mutations {
        let length = bytes.len();
        let end = |from: usize, count: usize| length.min(from + count);
        match mutation {
            _ if bytes.is_empty() => {}
            Mutation::Set(at, byte) => bytes[at.index(length)] = byte,
            Mutation::SetLength(at, claim) => {
                let from = at.index(length);
                let to = end(from, 4);
                bytes[from..to].copy_from_slice(&claim.to_le_bytes()[..to - from]);
            }
            Mutation::Remove(at, count) => {
                let from = at.index(length);
                bytes.drain(from..end(from, count.into()));
            }
            Mutation::Insert(at, inserted) => {
                let from = at.index(length);
                bytes.splice(from..from, inserted);
            }
            Mutation::Repeat(at, count) => {
                let from = at.index(length);
                let repeated = bytes[from..end(from, count.into())].to_vec();
                bytes.splice(from..from, repeated);
            }
        }
    }
    bytes
}

fn mutations_of<T: Sample>() -> impl Strategy<Value = Vec<u8>> {
    let encodings: Vec<_> = T::samples().iter().map(encode).collect();
    (any::<Index>(), vec(mutation(), 1..4))
        .prop_map(move |(sample, mutations)| mutated(sample.get(&encodings).clone(), mutations))
}

#[test]
fn mutated_encodings_never_panic_and_never_have_two_meanings() {
    fn check<T: Sample>() {
        let decoded = count_decoded::<T>(mutations_of::<T>());
        assert!(
            (100..1900).contains(&decoded),
            "of 2000 mutated encodings of {}, {decoded} decode: both ways are taken",
            T::NAME
        );
    }
    for_every_type!(check);
}

/// Returns the most memory that decoding may hold at one time: a small multiple of its input, and the
/// 4 KiB that borsh reserves for each list before it has seen the items, of which a block can have
/// three at a time.
fn most_memory(input: usize) -> u64 {
    4 * input as u64 + 16 * 1024
}

fn check_memory(memory: &AllocationInfo, input: &[u8]) {
    assert!(
        memory.bytes_max <= most_memory(input.len()),
        "{} bytes of memory for {} of input",
        memory.bytes_max,
        input.len()
    );
}

#[test]
fn a_list_that_claims_to_be_huge_is_an_error_and_takes_no_memory() {
    /// `claim` is the position of the length of an empty list.
    fn check<T: Sample>(name: &str, value: &T, claim: impl Fn(usize) -> usize) {
        let mut bytes = encode(value);
        let claim = claim(bytes.len());
        assert_eq!(bytes[claim..claim + 4], [0; 4], "the list is empty");
        bytes[claim..claim + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        // As it is, and with bytes that may be taken for many small items.
        for padding in [0, 1 << 20] {
            bytes.resize(bytes.len() + padding, 0);
            assert!(!decodes::<T>(&bytes), "{name}: fewer than claimed");
        }
    }
    let at_the_end = |length| length - 4;
    let nothing = Transaction {
        cosignatures: Vec::new(),
        ..transaction(Payload::Transfers(Vec::new()))
    };
    check("transfers", &nothing, |_| 1 + 32 + 8 + 8 + 1);
    check("cosignatures", &nothing, at_the_end);
    let removed = Multisig {
        threshold: 0,
        participants: Vec::new(),
    };
    let removal = transaction(Payload::Multisig(removed.clone()));
    check("participants", &removal, |_| 1 + 32 + 8 + 8 + 1 + 1);
    let version = Version {
        height: Height(3),
        previous: None,
        value: Value::Multisig(Some(removed)),
    };
    check("participants of a version", &version, at_the_end);
    check("transactions", &Block::samples()[0], at_the_end);
    check("balances", &Genesis::samples()[1], at_the_end);
    let nothing = receipt(Outcome::Applied {
        fee: Amount(0),
        effects: Vec::new(),
    });
    check("effects", &nothing, at_the_end);
}

/// A decoder that trusts the length that it reads: a seeded bug.
#[derive(Debug, PartialEq, BorshSerialize)]
struct TrustingDecoder(Vec<u8>);

impl BorshDeserialize for TrustingDecoder {
    fn deserialize_reader<R: Read>(reader: &mut R) -> std::io::Result<Self> {
        let claim = u32::deserialize_reader(reader)? as usize;
        let mut items = Vec::with_capacity(claim);
        reader.take(claim as u64).read_to_end(&mut items)?;
        Ok(TrustingDecoder(items))
    }
}

impl Sample for TrustingDecoder {
    const NAME: &'static str = "a list of bytes";

    fn samples() -> Vec<Self> {
        Vec::new()
    }
}

#[test]
#[should_panic(expected = "16777216 bytes of memory for 4 of input")]
fn memory_reserved_for_a_claim_is_found_out() {
    decodes::<TrustingDecoder>(&[0, 0, 0, 1]);
}

/// A decoder that takes every byte but 0 for true: a seeded bug.
#[derive(Debug, PartialEq, BorshSerialize)]
struct LenientBool(bool);

impl BorshDeserialize for LenientBool {
    fn deserialize_reader<R: Read>(reader: &mut R) -> std::io::Result<Self> {
        Ok(LenientBool(u8::deserialize_reader(reader)? != 0))
    }
}

impl Sample for LenientBool {
    const NAME: &'static str = "a bool";

    fn samples() -> Vec<Self> {
        vec![LenientBool(false), LenientBool(true)]
    }
}

#[test]
#[should_panic(expected = "has two encodings")]
fn two_encodings_of_one_value_are_found_out() {
    count_decoded::<LenientBool>(mutations_of::<LenientBool>());
}

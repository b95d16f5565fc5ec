//! The canonical encoding of values, and the hashes that name them by it.
//!
//! The encoding is [borsh](https://borsh.io): one value has one encoding, integers are
//! little-endian, lists carry their length as a `u32` in front.

use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

use crate::model::{Block, Cell, Genesis, Hash, Header, Receipt, Transaction, Value};

/// The bytes are not the encoding of a value of the type asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("these {length} bytes are not the encoding of {expected}: {reason}")]
pub struct DecodeError {
    /// The type asked for.
    pub expected: &'static str,
    /// The number of bytes.
    pub length: usize,
    /// The defect.
    pub reason: String,
}

/// Returns the canonical encoding of a value.
///
/// # Panics
///
/// If a list has more than `u32::MAX` items, which no value of this crate that fits the memory
/// of a node has.
#[must_use]
pub fn encode<T: BorshSerialize + ?Sized>(value: &T) -> Vec<u8> {
    // Counting costs less than growing, and an encoding that is kept has no spare capacity.
    let mut bytes = Vec::with_capacity(usize::try_from(encoded_len(value)).unwrap_or(0));
    write_into(value, &mut bytes);
    bytes
}

/// Returns the length of the canonical encoding of a value, in bytes, without keeping it.
#[must_use]
pub fn encoded_len<T: BorshSerialize + ?Sized>(value: &T) -> u64 {
    let mut counter = Counter(0);
    write_into(value, &mut counter);
    counter.0
}

/// Decodes the value that has exactly these bytes as its encoding.
///
/// Allocates no more than a small multiple of the input, whatever lengths it claims: borsh reserves
/// at most 4 KiB before the bytes of a list have been seen.
///
/// # Errors
///
/// [`DecodeError`] if the bytes are too short, too long, or not canonical. It names the type as
/// `expected`.
pub fn decode<T: BorshDeserialize>(expected: &'static str, bytes: &[u8]) -> Result<T, DecodeError> {
    T::try_from_slice(bytes).map_err(|error| DecodeError {
        expected,
        length: bytes.len(),
        reason: error.to_string(),
    })
}

/// Decodes the block that has exactly these bytes as its encoding, at most `limit` of them.
///
/// # Errors
///
/// [`DecodeError`] as of [`decode`], and if there are more than `limit` bytes, which are not looked at.
pub fn decode_block(bytes: &[u8], limit: u64) -> Result<Block, DecodeError> {
    if bytes.len() as u64 > limit {
        return Err(DecodeError {
            expected: "a block",
            length: bytes.len(),
            reason: format!("a block takes at most {limit} bytes"),
        });
    }
    decode("a block", bytes)
}

/// Returns the identity of a transaction: the hash of its whole encoding, signatures included.
#[must_use]
pub fn transaction_id(transaction: &Transaction) -> Hash {
    hash_of(blake3::Hasher::new(), transaction)
}

/// Returns the message that the source and the cosigners of a transaction sign: everything before
/// the signatures, hashed under a domain of its own.
#[must_use]
pub fn signing_hash(transaction: &Transaction) -> Hash {
    let Transaction {
        network,
        source,
        nonce,
        fee,
        payload,
        signature: _,
        cosignatures: _,
    } = transaction;
    hash_of(
        blake3::Hasher::new_derive_key("lockstep 1 transaction signing"),
        &(network, source, nonce, fee, payload),
    )
}

/// Returns the name of a block: the hash of its header, which commits to the body through the merkle
/// root.
#[must_use]
pub fn block_hash(header: &Header) -> Hash {
    hash_of(
        blake3::Hasher::new_derive_key("lockstep 1 block header"),
        header,
    )
}

/// Returns the name of a ledger: the parent of block 1.
#[must_use]
pub fn genesis_hash(genesis: &Genesis) -> Hash {
    hash_of(
        blake3::Hasher::new_derive_key("lockstep 1 genesis"),
        genesis,
    )
}

/// Returns the digest of a block, one hash of all results: the digest before it, every cell that it
/// changed with the value after it in the order of cells (the supplies among them), and all receipts.
///
/// The genesis is digested like a block whose parent's digest is [`genesis_hash`], with every cell
/// that it sets and no receipts.
#[must_use]
pub fn block_digest(parent: Hash, state_diff: &[(Cell, Value)], receipts: &[Receipt]) -> Hash {
    hash_buffered(
        DIGEST_BUFFER,
        blake3::Hasher::new_derive_key("lockstep 1 block digest"),
        &(parent, state_diff, receipts),
    )
}

/// The bytes of a digest's input that are hashed at once: enough for several lanes.
pub(crate) const DIGEST_BUFFER: usize = 16_384;

/// The bytes of any other input that are hashed at once.
pub(crate) const BUFFER: usize = 1_024;

fn hash_of<T: BorshSerialize + ?Sized>(hasher: blake3::Hasher, value: &T) -> Hash {
    hash_buffered(BUFFER, hasher, value)
}

/// Hashes an encoding through a buffer, in bytes: the hasher takes many small writes slowly.
fn hash_buffered<T: BorshSerialize + ?Sized>(
    buffer: usize,
    hasher: blake3::Hasher,
    value: &T,
) -> Hash {
    let mut hasher = std::io::BufWriter::with_capacity(buffer, hasher);
    write_into(value, &mut hasher);
    let hasher = hasher
        .into_inner()
        .unwrap_or_else(|error| panic!("hashing does not fail: {error}"));
    Hash(hasher.finalize().into())
}

fn write_into<T: BorshSerialize + ?Sized>(value: &T, writer: &mut impl std::io::Write) {
    borsh::to_writer(writer, value)
        .expect("a value whose lists fit in u32 is written to memory without an error");
}

struct Counter(u64);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

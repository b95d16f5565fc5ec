//! Blocks: an ordered list of transactions, and a header with claims about it.

use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

use super::{Hash, Height, Network, PublicKey, Timestamp, Transaction};

/// The only version of the rules so far.
pub const BLOCK_VERSION: u16 = 1;

/// A header and its body.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Block {
    /// The claims about the body.
    pub header: Header,
    /// The body: up to `u16::MAX` transactions, executed in this order.
    pub transactions: Vec<Transaction>,
}

/// The claims of a block about itself. Its hash ([`crate::codec::block_hash`]) names the block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Header {
    /// [`BLOCK_VERSION`].
    pub version: u16,
    /// The ledger that the block belongs to.
    pub network: Network,
    /// One more than its parent's.
    pub height: Height,
    /// The hash of the block before.
    pub parent: Hash,
    /// Not before the parent's.
    pub time: Timestamp,
    /// The account that is credited the reward and the fees.
    pub miner: PublicKey,
    /// Over the identities of the transactions ([`crate::merkle::root`]).
    pub merkle_root: Hash,
    /// The number of transactions in the body.
    pub count: u16,
}

/// The reason why a block does not extend the chain. Nothing of it is executed or kept.
///
/// If several reasons apply, the one that is listed first here is returned.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The header's version is not known.
    #[error("the block has version {got}, this ledger knows version {expected}")]
    Version {
        /// The version that is known.
        expected: u16,
        /// The header's.
        got: u16,
    },
    /// The block belongs to another ledger.
    #[error("the block is for {got}, this ledger is {expected}")]
    Network {
        /// This ledger's.
        expected: Network,
        /// The header's.
        got: Network,
    },
    /// The block does not come right after the tip.
    #[error(
        "the block has height {got}, the next one is {expected}; to replace blocks, rewind first"
    )]
    Height {
        /// One more than the tip's.
        expected: Height,
        /// The header's.
        got: Height,
    },
    /// The block comes after another block.
    #[error("the block's parent is {got}, the tip is {expected}; to change branch, rewind first")]
    Parent {
        /// The tip's hash.
        expected: Hash,
        /// The header's.
        got: Hash,
    },
    /// The block claims to be older than its parent.
    #[error("the block's time is {got} ms, before its parent's {parent} ms")]
    Time {
        /// The parent's time.
        parent: Timestamp,
        /// The header's.
        got: Timestamp,
    },
    /// The header miscounts the body.
    #[error("the header counts {header} transactions, the body has {body}")]
    Count {
        /// The header's claim.
        header: u16,
        /// The length of the body.
        body: u64,
    },
    /// The block's encoding is too long.
    #[error("the block takes {got} bytes, the limit is {limit}")]
    Size {
        /// The most bytes that the encoding of a block may have.
        limit: u64,
        /// The bytes of this one.
        got: u64,
    },
    /// The body is not the one that the header commits to.
    #[error("the header's merkle root is {header}, the body's is {body}")]
    MerkleRoot {
        /// The header's claim.
        header: Hash,
        /// Recomputed from the body.
        body: Hash,
    },
}

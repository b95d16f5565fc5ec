//! The receipt of a transaction: applied with its effects, or rejected with a reason.

use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

use super::{Amount, Asset, Effect, Hash, Network, Nonce, PublicKey};

/// The result of one transaction of a block. A block has one for each, at the same index.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Receipt {
    /// The transaction's identity.
    pub transaction: Hash,
    /// Applied or rejected.
    pub outcome: Outcome,
}

impl Receipt {
    /// Returns whether the transaction was applied.
    #[must_use]
    pub const fn is_applied(&self) -> bool {
        matches!(self.outcome, Outcome::Applied { .. })
    }
}

/// Applied, with its effects, or rejected without a trace.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Outcome {
    /// The transaction took effect.
    Applied {
        /// The amount that the miner gets for it.
        fee: Amount,
        /// The net effect, in the order of [`Effect`].
        effects: Vec<Effect>,
    },
    /// The transaction left no trace: no fee, no nonce, no registration.
    Rejected(Rejection),
}

/// The reason why a transaction was rejected.
///
/// If several reasons apply, the one that is listed first here is returned; within one reason, the
/// first in the order of the transaction's own lists, or of assets. The checks may still be made
/// in any order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Error)]
pub enum Rejection {
    /// Stateless: it is meant for another ledger.
    #[error("the transaction is for {got}, this ledger is {expected}")]
    Network {
        /// This ledger's.
        expected: Network,
        /// The transaction's.
        got: Network,
    },
    /// Stateless: no transfers, or more than 255.
    #[error("a transaction carries 1 to 255 transfers, this one {got}")]
    TransferCount {
        /// The number that it has.
        got: u32,
    },
    /// Stateless: the amount of a transfer or a burn is zero.
    #[error("amount {index} is zero")]
    ZeroAmount {
        /// The first transfer with it, counted from 0; 0 for a burn.
        index: u32,
    },
    /// Stateless: more than 255 participants.
    #[error("a multisig has at most 255 participants, this one {got}")]
    ParticipantCount {
        /// The number that it has.
        got: u32,
    },
    /// Stateless: the threshold is not between 1 and the number of participants, or not 0 in the
    /// removal of a multisig.
    #[error("threshold {threshold} does not fit {participants} participants")]
    Threshold {
        /// The threshold given.
        threshold: u8,
        /// The number of participants.
        participants: u8,
    },
    /// Stateless: a participant is named twice.
    #[error("participant {participant} is named twice")]
    DuplicateParticipant {
        /// The first that repeats an earlier one.
        participant: PublicKey,
    },
    /// Stateless: more than 255 signatures beside the source's own.
    #[error("a transaction carries at most 255 cosignatures, this one {got}")]
    CosignatureCount {
        /// The number that it has.
        got: u32,
    },
    /// Stateless: a signature does not verify.
    #[error("the signature of {signer} does not verify")]
    Signature {
        /// Its signer: the source first, then the cosigners in their order.
        signer: PublicKey,
    },
    /// Stateful: it is not the source's next transaction.
    #[error("the transaction has nonce {got}, the account's next is {expected}")]
    Nonce {
        /// The account's nonce.
        expected: Nonce,
        /// The transaction's.
        got: Nonce,
    },
    /// Stateful: the account has used its last nonce.
    #[error("the account has used all its nonces")]
    NonceExhausted,
    /// Stateful: too few participants of the source's multisig signed.
    #[error("{needed} participants must sign, {got} did")]
    Multisig {
        /// The threshold of the source's multisig.
        needed: u8,
        /// The number of distinct participants that signed.
        got: u8,
    },
    /// Stateful: the sum that the transaction takes of one asset exceeds `u64::MAX`.
    #[error("the sum taken of asset {asset} overflows")]
    SumOverflow {
        /// The first asset, in the order of assets, that fails this or the next check.
        asset: Asset,
    },
    /// Stateful: the source cannot pay.
    #[error("{needed} of asset {asset} are needed, {available} are there")]
    Balance {
        /// The first asset, in the order of assets, that fails this or the check before.
        asset: Asset,
        /// The sum that the transaction takes of it, the fee and transfers to oneself included.
        needed: Amount,
        /// The balance.
        available: Amount,
    },
}

impl Rejection {
    /// Returns the reason in a word, as metrics spell it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Rejection::Network { .. } => "network",
            Rejection::TransferCount { .. } => "transfer-count",
            Rejection::ZeroAmount { .. } => "zero-amount",
            Rejection::ParticipantCount { .. } => "participant-count",
            Rejection::Threshold { .. } => "threshold",
            Rejection::DuplicateParticipant { .. } => "duplicate-participant",
            Rejection::CosignatureCount { .. } => "cosignature-count",
            Rejection::Signature { .. } => "signature",
            Rejection::Nonce { .. } => "nonce",
            Rejection::NonceExhausted => "nonce-exhausted",
            Rejection::Multisig { .. } => "multisig",
            Rejection::SumOverflow { .. } => "sum-overflow",
            Rejection::Balance { .. } => "balance",
        }
    }
}

//! The errors of a ledger.

use thiserror::Error;

use crate::model::{Hash, Height, Refusal};
use crate::storage::StorageError;

/// An operation failed. The ledger is as it was, unless the storage itself cannot tell
/// ([`crate::storage::Storage::commit`]); [`Chain::tip`](crate::chain::Chain::tip) then does.
#[derive(Debug, Error)]
pub enum ChainError {
    /// The block does not extend the chain.
    #[error("block refused: {0}")]
    Refused(#[from] Refusal),
    /// A header came alone, and its body is not known (any more). The full block is welcome.
    #[error("no body with merkle root {root} is known; send the full block")]
    UnknownBody {
        /// The header's merkle root.
        root: Hash,
    },
    /// There is no such height to go back to.
    #[error("cannot rewind to height {target}: the tip is at {tip}")]
    AboveTip {
        /// The height asked for.
        target: Height,
        /// The tip's.
        tip: Height,
    },
    /// The genesis breaks the rules.
    #[error("impossible genesis: {reason}")]
    ImpossibleGenesis {
        /// The rule that it breaks.
        reason: String,
    },
    /// The storage holds another ledger.
    #[error("the database holds the ledger with genesis {stored}, not {given}; name another file")]
    OtherGenesis {
        /// The hash of the genesis in the storage.
        stored: Hash,
        /// The hash of the genesis that was asked for.
        given: Hash,
    },
    /// The storage was written by a version of this crate that keeps its tables differently.
    #[error("the database has format {stored}, this version reads format {expected}")]
    OtherFormat {
        /// The storage's.
        stored: u32,
        /// This crate's.
        expected: u32,
    },
    /// The storage holds no ledger.
    #[error("the database is empty; a genesis is needed to begin a ledger in it")]
    Empty,
    /// The execution panicked: a bug of this crate or of the storage, and nothing was written.
    #[error("the execution panicked: {message}; the ledger is as it was")]
    Panicked {
        /// The message of the panic.
        message: String,
    },
    /// The caller cancelled the operation before anything was written.
    #[error("cancelled; the ledger is as it was, and the block can be added again")]
    Cancelled,
    /// The storage failed or is damaged.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

pub(crate) fn missing(what: &str) -> StorageError {
    StorageError::Corrupt {
        place: "the database".to_owned(),
        reason: format!("{what} is missing"),
    }
}

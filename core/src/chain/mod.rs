//! A ledger on a storage: blocks on its tip, undone from its tip, and everything that can be read.

pub(crate) mod admission;
pub(crate) mod error;
pub(crate) mod genesis;
mod mempool;

pub use error::ChainError;
pub use mempool::{Mempool, MempoolError, MempoolLimits, NonceChecker};

pub use crate::config::BodyCacheLimits;
use crate::model::{Amount, Cell, Hash, Height, Receipt, Timestamp, Value};
pub use crate::shared::{BodyCache, Chain, Interest};

/// The newest block, or the genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// How many blocks there are.
    pub height: Height,
    /// The block's name.
    pub hash: Hash,
    /// Its time.
    pub time: Timestamp,
    /// Covers everything up to here.
    pub digest: Hash,
}

/// What adding a block did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedBlock {
    /// One for each transaction, at its index.
    pub receipts: Vec<Receipt>,
    /// Every cell that differs, with its value after, in the order of cells.
    pub changes: Vec<(Cell, Value)>,
    /// The fees of the applied transactions.
    pub fees: Amount,
    /// What was issued to the miner beside them.
    pub reward: Amount,
    /// The new tip.
    pub tip: Tip,
}

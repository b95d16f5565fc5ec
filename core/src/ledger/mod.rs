//! The parts of a ledger that no two threads use at once: admission, genesis, mempool, results and
//! errors. Plain code and plain data, one type for every mount of [`crate::chain`].

mod added_block;
pub(crate) mod admission;
pub(crate) mod error;
pub(crate) mod genesis;
mod mempool;
pub(crate) mod tip;

pub use added_block::AddedBlock;
pub use error::ChainError;
pub use mempool::{Mempool, MempoolError, MempoolLimits, NonceChecker};
pub use tip::Tip;

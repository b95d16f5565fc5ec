//! The newest block of a ledger, as its storage has it.

use super::error::missing;
use crate::model::{Hash, Height, Timestamp};
use crate::storage::{Storage, StorageError, schema};

/// The newest block, or the genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The number of blocks.
    pub height: Height,
    /// The block's name.
    pub hash: Hash,
    /// Its time.
    pub time: Timestamp,
    /// The digest of the block, which covers everything up to it.
    pub digest: Hash,
}

/// Reads the block at a height as a tip.
pub(crate) fn tip_at(storage: &impl Storage, height: Height) -> Result<Tip, StorageError> {
    let record = record(storage, height)?;
    Ok(Tip {
        height,
        hash: record.hash,
        time: record.time,
        digest: record.digest,
    })
}

/// Reads the record of the block at a height.
pub(crate) fn record(
    storage: &impl Storage,
    height: Height,
) -> Result<schema::Record, StorageError> {
    schema::record(storage, height)?
        .ok_or_else(|| missing(&format!("the record of height {height}")))
}

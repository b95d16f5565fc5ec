//! Everything that can be seen of a ledger between two blocks, as plain ordered data.

use std::collections::BTreeMap;

use lockstep_core::model::{Amount, Cell, Hash, Height, Receipt, Timestamp, Value, Version};

/// Everything that can be seen of a ledger at one height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// The tip's height; 0 for the genesis.
    pub height: Height,
    /// The tip's hash, or the genesis'.
    pub hash: Hash,
    /// The tip's time, or the genesis'.
    pub time: Timestamp,
    /// The tip's digest, or the genesis'.
    pub digest: Hash,
    /// Every cell that was ever written and not rewound, with all its versions, oldest first.
    pub cells: BTreeMap<Cell, Vec<Version>>,
}

/// What adding one block did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockResult {
    /// One for each transaction, in their order.
    pub receipts: Vec<Receipt>,
    /// Every cell that the block changed, with its value after.
    pub changes: Vec<(Cell, Value)>,
    /// The fees of the applied transactions.
    pub fees: Amount,
    /// What was issued to the miner beside them.
    pub reward: Amount,
    /// The block's digest.
    pub digest: Hash,
}

impl World {
    /// The value of a cell, if it was ever written.
    #[must_use]
    pub fn newest(&self, cell: Cell) -> Option<&Value> {
        self.cells.get(&cell)?.last().map(|version| &version.value)
    }
}

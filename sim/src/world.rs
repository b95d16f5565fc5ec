//! World: the whole observable state of a ledger between two blocks, as plain ordered data.

use std::collections::BTreeMap;

use lockstep_core::model::{Amount, Cell, Hash, Height, Receipt, Timestamp, Value, Version};

/// The whole observable state of a ledger at one height.
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

/// Result of adding one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockResult {
    /// Receipts, one for each transaction, in order.
    pub receipts: Vec<Receipt>,
    /// State diff: every cell that the block changed, with its value after.
    pub state_diff: Vec<(Cell, Value)>,
    /// Sum of the fees of the applied transactions.
    pub fees: Amount,
    /// Amount issued to the miner.
    pub reward: Amount,
    /// The block's digest.
    pub digest: Hash,
}

/// The tip of a ledger and the newest versions of some of its cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// The tip's height; 0 for the genesis.
    pub height: Height,
    /// The tip's hash, or the genesis'.
    pub hash: Hash,
    /// The tip's time, or the genesis'.
    pub time: Timestamp,
    /// The tip's digest, or the genesis'.
    pub digest: Hash,
    /// The newest version of each cell, in the order of the cells; `None` if it has none.
    pub versions: Vec<(Cell, Option<Version>)>,
}

impl World {
    /// Returns the tip and the newest versions of these cells, which are in order.
    #[must_use]
    pub fn newest_of(&self, cells: &[Cell]) -> Newest {
        let newest = |cell: &Cell| self.cells.get(cell)?.last().cloned();
        Newest {
            height: self.height,
            hash: self.hash,
            time: self.time,
            digest: self.digest,
            versions: cells.iter().map(|cell| (*cell, newest(cell))).collect(),
        }
    }

    /// Returns the newest value of a cell, if it was ever written.
    #[must_use]
    pub fn newest(&self, cell: Cell) -> Option<&Value> {
        self.cells.get(&cell)?.last().map(|version| &version.value)
    }
}

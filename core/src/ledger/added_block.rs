//! The answer of a ledger to a block that was added.

use super::Tip;
use crate::config::ExecutionPath;
use crate::model::{Amount, Cell, Receipt, Value};

/// The result of adding a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedBlock {
    /// The receipts, one for each transaction, at its index.
    pub receipts: Vec<Receipt>,
    /// The state diff: every cell that differs, with its value after, in the order of cells.
    pub state_diff: Vec<(Cell, Value)>,
    /// The fees of the applied transactions.
    pub fees: Amount,
    /// The amount issued to the miner beside them.
    pub reward: Amount,
    /// The new tip.
    pub tip: Tip,
    /// The path that led to this result, which is the same on every path: the serial one in test mode,
    /// and if a worker panicked or there are none.
    pub path: ExecutionPath,
    /// The message of the panic from which the node recovered: a worker panicked and the block was executed
    /// serially, or test mode saw a parallel path panic. A bug of this crate or of the storage, and no
    /// result depends on it.
    pub recovered_from: Option<String>,
}

//! A block with the results of its stateless checks.

use lockstep_core::model::{Block, Rejection};
use lockstep_core::transition;

/// A block and the result of the stateless checks of each transaction. They are computed once, because a
/// model checker executes the block a hundred thousand times, and a signature takes longer than the rest.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) block: Block,
    /// The stateless rejection of each transaction, if it has one.
    pub(super) rejections: Vec<Option<Rejection>>,
}

impl Checked {
    /// Checks the stateless rules, with core's own code, as the reviewed executor shared its node's.
    pub(super) fn new(block: &Block) -> Self {
        let network = block.header.network;
        let check = |transaction| transition::check(transaction, network).err();
        Checked {
            rejections: block.transactions.iter().map(check).collect(),
            block: block.clone(),
        }
    }
}

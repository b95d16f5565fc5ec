//! A block of which everything is known that needs no state.

use lockstep_core::model::{Block, Rejection};
use lockstep_core::transition;

/// A block and the stateless verdict on each of its transactions. A checker executes it a hundred
/// thousand times, and a signature takes longer than the rest.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) block: Block,
    /// Why a transaction is rejected whatever the state is.
    pub(super) rejections: Vec<Option<Rejection>>,
}

impl Checked {
    /// The rules that need no state are core's own, as the reviewed executor shared its node's.
    pub(super) fn new(block: &Block) -> Self {
        let network = block.header.network;
        let check = |transaction| transition::check(transaction, network).err();
        Checked {
            rejections: block.transactions.iter().map(check).collect(),
            block: block.clone(),
        }
    }
}

//! Blocks on several workers: the serial result, to the byte.
//!
//! The stateless checks and the loading of cells are spread over the workers, in pieces, whatever
//! the conflicts; they are most of a signed block. The stateful part runs in block order where it is
//! cheap, one piece behind the other beside the checks of later ones ([`Pipeline`]), or over the
//! graph of conflicts where it is not ([`run`], [`run_block`]), on state that all workers share
//! ([`ParallelChainState`]). Both go through the one [`transition`](crate::transition::transition).
//!
//! The code is in `shared`, where the checkers find it.

pub use crate::executor::Checked;
pub use crate::shared::{
    Ahead, BatchError, ParallelChainState, ParallelExecutor, Pipeline, Run, Stopped, View,
    execute_one, run, run_block,
};
pub use crate::sync::{NoWorkers, Workers};

#[cfg(test)]
mod tests;

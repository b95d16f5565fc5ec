//! Blocks on several workers: the serial result, to the byte.
//!
//! The stateless checks and the loading of cells are spread over the workers, in pieces, whatever
//! the conflicts; they are most of a signed block. The stateful part runs in block order where it is
//! cheap, one piece behind the other beside the checks of later ones ([`Pipeline`]), or over the
//! graph of conflicts where it is not ([`run`], [`run_block`]), on state that all workers share
//! ([`ParallelChainState`]). Both go through the one [`transition`](crate::transition::transition).
//!
//! These files are compiled once over the real primitives and once more under each interleaving
//! checker. They name a primitive only as `super::sync::...`, hold no test, and know no thread but
//! the workers of `sync`. Plain data stays outside, one type for all.

pub(crate) mod block_executor;
mod in_order;
mod parallel_executor;
mod parallel_state;
pub(crate) mod parallelism;
pub(crate) mod pipeline;
mod run;

pub use parallel_executor::{BatchError, ParallelExecutor, execute_one};
pub use parallel_state::{ParallelChainState, View};
pub use pipeline::Pipeline;
pub use run::{GraphOverlap, Run, Stopped, run, run_block};

pub use super::sync::{NoWorkers, Workers};
pub use crate::execution::Checked;

use super::sync;

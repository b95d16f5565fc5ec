//! What several threads use at once, and nothing else.
//!
//! These files are compiled once over the real primitives and once more under each interleaving
//! checker. They name a primitive only as `super::sync::...`, hold no test, and know no thread but
//! the workers of `sync`. Plain data stays outside, one type for all.

pub(crate) mod block_executor;
mod bodies;
mod chain;
mod in_order;
mod interest;
mod parallel_executor;
mod parallel_state;
pub(crate) mod pipeline;
mod run;
pub(crate) mod spread;

pub use bodies::BodyCache;
pub use chain::Chain;
pub use interest::Interest;
pub use parallel_executor::{BatchError, ParallelExecutor, execute_one};
pub use parallel_state::{ParallelChainState, View};
pub use pipeline::Pipeline;
pub use run::{Ahead, Run, Stopped, run, run_block};

use super::sync;

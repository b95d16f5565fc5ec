//! The block over loom's primitives.

use lockstep_core::under_loom::parallel::{ParallelChainState, Run, Stopped, execute_one};
use loom::sync::RwLock;
use loom::thread;

#[path = "block.rs"]
pub(crate) mod block;

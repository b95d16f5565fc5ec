//! The block over shuttle's primitives.

use lockstep_core::under_shuttle::parallel::{ParallelChainState, Run, Stopped, execute_one};
use shuttle::sync::RwLock;
use shuttle::thread;

#[path = "block.rs"]
pub(crate) mod block;

//! The block over threads of the system.

use lockstep_core::parallel::{ParallelChainState, Run, Stopped, execute_one};
use std::sync::RwLock;
use std::thread;

#[path = "block.rs"]
pub(crate) mod block;

//! Ethereum's virtual machine under the harness.
//!
//! - [`block`], [`state`], [`execution`]: blocks, states and results as plain data, and the trait of
//!   executors
//! - [`machine`]: the one conversion to revm
//! - [`edges`]: the changes before and after the transactions of a block
//! - [`reference`]: revm in order
//! - [`roots`], [`sender`]: what headers claim, and signatures
//! - [`official`]: the official Ethereum tests of whole chains
//! - [`block_stm`]: a Block-STM over revm, and its seeded bugs
//! - [`cases`]: small blocks that each show one kind of defect
//! - [`real`]: blocks of nodes as conflict patterns
//! - [`speed`]: times of the Block-STM beside the reference
//! - [`trial`]: drawn blocks, as the harness executes and judges them
//! - [`search`]: the schedules on which a Block-STM differs from the reference

pub mod block;
pub mod block_stm;
pub mod cases;
pub mod edges;
mod encoding;
pub mod execution;
mod json;
pub mod machine;
pub mod official;
pub mod real;
pub mod reference;
pub mod roots;
pub mod search;
pub mod sender;
pub mod speed;
pub mod state;
pub mod trial;

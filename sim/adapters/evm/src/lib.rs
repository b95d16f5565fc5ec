//! Ethereum's virtual machine under the harness.
//!
//! - [`block`], [`state`], [`execution`]: blocks, states and results as plain data, and the trait of
//!   executors
//! - [`machine`]: the one conversion to revm
//! - [`edges`]: the changes before and after the transactions of a block
//! - [`reference`]: revm in order
//! - [`roots`], [`sender`]: what headers claim, and signatures
//! - [`official`]: the official Ethereum tests of whole chains

pub mod block;
pub mod edges;
mod encoding;
pub mod execution;
mod json;
pub mod machine;
pub mod official;
pub mod reference;
pub mod roots;
pub mod sender;
pub mod state;

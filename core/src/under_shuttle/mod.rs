//! The concurrent code over shuttle's primitives, which draw interleavings of scenarios of any size.
//!
//! The same source files as the ordinary ones, and types of their own.

use lockstep_sync::shuttle as sync;

#[path = "../parallel/mod.rs"]
pub mod parallel;

#[path = "../chain/mod.rs"]
pub mod chain;

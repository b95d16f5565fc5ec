//! The concurrent code over loom's primitives, which run every interleaving of a small scenario.
//!
//! The same source files as the ordinary ones, and types of their own.

use lockstep_sync::loom as sync;

#[path = "../parallel/mod.rs"]
pub mod parallel;

#[path = "../chain/mod.rs"]
pub mod chain;

//! The concurrent code over loom's primitives, which run every interleaving of a small scenario.
//!
//! The same source files as the ordinary ones, and types of their own.

mod sync;

#[path = "../shared/mod.rs"]
pub mod shared;

#[path = "../model_map/mod.rs"]
pub mod model_map;

pub use sync::{NoWorkers, Workers};

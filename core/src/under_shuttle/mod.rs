//! The concurrent code over shuttle's primitives, which draw interleavings of scenarios of any size.
//!
//! The same source files as the ordinary ones, and types of their own.

mod sync;
mod whereabouts;

#[path = "../shared/mod.rs"]
pub mod shared;

#[path = "../model_map/mod.rs"]
pub mod model_map;

pub use sync::{NoWorkers, Workers};
pub use whereabouts::{Whereabouts, forget_whereabouts, note_whereabouts, whereabouts};

//! The concurrent code over shuttle's primitives, which run a scenario under schedules of ours.
//!
//! The same source files as the ordinary ones, and types of their own.

mod sync;

#[path = "../shared/mod.rs"]
pub mod shared;

#[path = "../model_map/mod.rs"]
pub mod model_map;

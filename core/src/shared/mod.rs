//! What several threads use at once, and nothing else.

mod bodies;

pub use bodies::{BodyCache, BodyCacheLimits};

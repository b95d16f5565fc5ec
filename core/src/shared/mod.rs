//! What several threads use at once, and nothing else.
//!
//! These files are compiled once over the real primitives and once more under each interleaving
//! checker. They name a primitive only as `super::sync::...`, hold no test, and know no thread.
//! Plain data stays outside, one type for all.

mod bodies;

use super::sync;
pub use bodies::BodyCache;

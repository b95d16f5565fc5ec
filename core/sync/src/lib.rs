//! One door to the primitives by which threads share anything: the real ones, loom's, shuttle's.
//!
//! Each module has the same names, so that concurrent source that is mounted beside an alias of one of
//! them reads the same under each; the README shows how. What differs between the three is settled
//! here.

pub mod real;

#[cfg(feature = "loom")]
#[allow(clippy::duplicate_mod, reason = "the same map, on purpose")]
pub mod loom;
#[cfg(feature = "shuttle")]
#[allow(clippy::duplicate_mod, reason = "the same map, on purpose")]
pub mod shuttle;

//! core
pub mod chain;
pub mod clock;
pub mod codec;
pub mod config;
mod executor;
pub mod merkle;
pub mod model;
mod shared;
pub mod signature;
mod state;
pub mod storage;
mod sync;
pub mod transition;
#[cfg(feature = "loom")]
#[allow(clippy::duplicate_mod, reason = "the same code, on purpose")]
pub mod under_loom;
#[cfg(feature = "shuttle")]
#[allow(clippy::duplicate_mod, reason = "the same code, on purpose")]
pub mod under_shuttle;

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
pub mod transition;

//! core
pub mod codec;
pub mod merkle;
pub mod model;
pub mod signature;

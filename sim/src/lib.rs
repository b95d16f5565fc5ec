//! sim
pub mod world;

//! sim
pub mod oracle;
pub mod world;

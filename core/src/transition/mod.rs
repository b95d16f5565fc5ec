//! What one transaction does: checked, then turned into changes.
//!
//! The only implementation of the rules in this crate; every way of executing a block goes through
//! it. It does not know where the state is kept, nor who else is executing.

mod stateful;
mod stateless;

pub use stateful::{StateView, transition};
pub use stateless::{check, check_all, check_well_formed};

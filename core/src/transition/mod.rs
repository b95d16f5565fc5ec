//! The transition: the rules of one transaction, from its checks to its effects.
//!
//! The only implementation of the rules in this crate; every way of executing a block goes through
//! it. It knows neither the place of the state nor other transactions that are executed meanwhile.

mod stateful;
mod stateless;

pub use stateful::{StateView, transition};
pub use stateless::{check, check_all, check_all_with, check_well_formed, check_with};

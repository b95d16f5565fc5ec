//! The shared state of the buggy executor's workers.
//!
//! These files are compiled over real primitives and once more over those of each model checker. They
//! name a primitive only as `super::sync::...`; plain data stays outside.

mod adding;
mod block;
mod cache;
mod ledger;
mod places;
mod queue;
mod tasks;
mod worker;

pub(in crate::buggy_executor::concurrent) use ledger::{Ledger, Settings};

use super::sync;

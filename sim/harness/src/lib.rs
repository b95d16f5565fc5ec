//! Rules-agnostic parts of the simulation harness: they know no ledger and no executor.

pub mod choice;
pub mod exit;
pub mod panic;
pub mod schedule;
pub mod shrink;
pub mod violation;

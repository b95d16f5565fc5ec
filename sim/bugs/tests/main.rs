//! Tests of the yardstick.

mod bugs;
mod catalogue;
mod invariants;

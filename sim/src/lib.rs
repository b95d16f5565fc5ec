//! Puts a ledger's block executor on trial.
pub mod campaign;
pub mod canary;
pub mod choice;
pub mod fuzz;
pub mod generate;
pub mod invariants;
pub mod oracle;
pub mod reproducer;
pub mod scenario;
pub mod subject;
pub mod tally;
pub mod trial;
pub mod world;

//! Deterministic testing of a system that must equal a reference, whatever its rules are.
//!
//! Cases are drawn from a stream of [`choice`]s. A [`campaign`] executes many, counts the
//! [`coverage`] points that they reach, compares the [`trace`]s of repeated runs, and comes to one
//! verdict with one exit code. A violated invariant has a [`signature`], by which findings are
//! grouped, its case is made small by [`shrink`], and both are written as a [`finding`] in the format
//! of [`reproducer`]s; [`shards`] of one campaign are merged into one verdict. A [`schedule`] is the
//! order of steps of a concurrent execution, as data. [`seeded_bug`]s check that the harness detects
//! what it claims to. A [`watchdog`] finds a run that does not end.
//!
//! A trial of an [`executor`] knows none of its rules: its author says how cases are drawn and executed.
//!
//! Nothing in here knows a ledger.

pub mod choice;

pub mod campaign;
pub mod coverage;
pub mod digest;
pub mod executor;
pub mod exit;
pub mod finding;
pub mod invariant;
pub mod panic;
pub mod processes;
pub mod processor;
pub mod report;
pub mod reproducer;
pub mod schedule;
pub mod seeded_bug;
pub mod shards;
pub mod shrink;
pub mod signature;
pub mod trace;
pub mod values;
pub mod violation;
pub mod watchdog;

#[doc(hidden)]
pub use inventory;

//! Violations: what a judge finds, and what a run that did not end well comes to.

use serde::{Deserialize, Serialize};

use crate::exit::ExitCode;

/// An invariant that did not hold, and the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The name of the invariant.
    pub invariant: String,
    /// The exit code of a process that finds this.
    pub exit_code: ExitCode,
    /// The step of the run after which it was seen, counted from 0.
    pub step: usize,
    /// The system under test that violated it.
    pub subject: String,
    /// The difference, in numbers.
    pub detail: String,
}

/// The end of a run that did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// A finding.
    Violation(Violation),
    /// The machine failed; nothing is known about the system under test.
    Infrastructure(String),
}

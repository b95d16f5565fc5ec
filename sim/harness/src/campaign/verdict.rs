//! Verdict of a campaign, with the exit code of each.

use std::fmt;

use crate::coverage::Coverage;
use crate::digest::Digest;
use crate::exit::{ExitCode, most_severe};
use crate::trace::Difference;
use crate::violation::Violation;

use super::plan::RunId;

/// How a campaign ended. `C` is a case: everything that a run depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<C> {
    /// Nothing was found, and everything that must be reached was.
    Passed,
    /// An invariant does not hold.
    Violated {
        /// One finding of each kind, at least one, the first first.
        findings: Vec<Finding<C>>,
    },
    /// A run that was executed twice went two ways.
    NotDeterministic {
        /// Which run.
        run: RunId,
        /// Where the two went apart.
        difference: Difference,
    },
    /// A seeded bug was not found, or not by the invariant that must.
    SelfCheckFailed(SelfCheckFailed),
    /// Things that must be reached were not.
    Vacuous {
        /// Which.
        missing: Vec<&'static str>,
    },
    /// The machine failed.
    Infrastructure {
        /// In which run; `None` outside of any.
        run: Option<RunId>,
        /// In which way.
        reason: String,
    },
}

/// A seeded bug that was not found as it must be: nothing else that is said can be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfCheckFailed {
    /// Which seeded bug.
    pub bug: String,
    /// The invariant that must name it, or what stands for any.
    pub found_by: String,
    /// What was said instead.
    pub said: String,
}

/// An invariant that does not hold, and the case that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<C> {
    /// In which run, the first that showed it.
    pub run: RunId,
    /// Which invariant, and in which way.
    pub violation: Violation,
    /// The case, to be executed again.
    pub case: Box<C>,
    /// In how many runs something with the same signature was found.
    pub times: u64,
}

impl<C> Verdict<C> {
    /// The exit code of a process that ends so.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Verdict::Passed => ExitCode::Passed,
            Verdict::Violated { findings } => {
                most_severe(findings.iter().map(|finding| finding.violation.exit_code()))
            }
            Verdict::NotDeterministic { .. } | Verdict::SelfCheckFailed(_) => ExitCode::Unreliable,
            Verdict::Vacuous { .. } => ExitCode::Vacuous,
            Verdict::Infrastructure { .. } => ExitCode::Infrastructure,
        }
    }

    /// One word for tables and records.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Violated { .. } => "violated",
            Verdict::NotDeterministic { .. } => "not deterministic",
            Verdict::SelfCheckFailed(_) => "self-check failed",
            Verdict::Vacuous { .. } => "vacuous",
            Verdict::Infrastructure { .. } => "infrastructure",
        }
    }

    /// The findings; none but of [`Verdict::Violated`].
    #[must_use]
    pub fn findings(&self) -> &[Finding<C>] {
        match self {
            Verdict::Violated { findings } => findings,
            _ => &[],
        }
    }
}

impl<C> fmt::Display for Verdict<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Verdict::Passed => Ok(()),
            Verdict::Violated { findings } => {
                for finding in findings {
                    write!(f, ": {finding}")?;
                }
                Ok(())
            }
            Verdict::NotDeterministic { run, difference } => {
                write!(f, ": {run} executed twice went two ways at {difference}")
            }
            Verdict::SelfCheckFailed(failed) => write!(f, ": {failed}"),
            Verdict::Vacuous { missing } => {
                write!(f, ": never reached: {}", missing.join(", "))
            }
            Verdict::Infrastructure { run, reason } => match run {
                Some(run) => write!(f, ": in {run}\n  {reason}"),
                None => write!(f, ": {reason}"),
            },
        }
    }
}

impl fmt::Display for SelfCheckFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the seeded bug {} must be found by {}\n  {}",
            self.bug, self.found_by, self.said
        )
    }
}

impl<C> fmt::Display for Finding<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { run, violation, .. } = self;
        write!(
            f,
            "{} in {run}, step {}, by {}\n  {}",
            violation.invariant, violation.step, violation.subject, violation.detail
        )
    }
}

/// How a campaign ended and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary<C> {
    /// How it ended.
    pub verdict: Verdict<C>,
    /// What else ended it, where there were findings as well.
    pub besides: Option<Box<Verdict<C>>>,
    /// How many runs it had, those that were repeated counted once.
    pub runs: u64,
    /// How often a run was repeated and compared.
    pub repeated: u64,
    /// What was reached.
    pub coverage: Coverage,
    /// The seeded bugs that the self-check found.
    pub self_checks: Vec<String>,
    /// The hash of everything that was observed in runs that ended well.
    pub digest: Digest,
}

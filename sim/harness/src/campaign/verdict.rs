//! Verdict of a campaign, with the exit code of each.

use std::fmt;

use crate::coverage::Coverage;
use crate::digest::Digest;
use crate::exit::{ExitCode, most_severe};
use crate::trace::Difference;
use crate::violation::Violation;

use super::plan::RunId;

/// Verdict of a campaign. `C` is a case: everything that a run depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<C> {
    /// Nothing was found, and every required coverage point was reached.
    Passed,
    /// An invariant does not hold.
    Violated {
        /// One finding of each kind, at least one, the first first.
        findings: Vec<Finding<C>>,
    },
    /// Two executions of one run differ.
    NotDeterministic {
        /// The run.
        run: RunId,
        /// First observation that is not the same in both.
        difference: Difference,
    },
    /// A seeded bug was not found, or not by the invariant that must.
    SelfCheckFailed(SelfCheckFailed),
    /// Required coverage points were not reached.
    Vacuous {
        /// Their names.
        missing: Vec<&'static str>,
    },
    /// The machine failed.
    Infrastructure {
        /// The run in which it failed; `None` outside of any.
        run: Option<RunId>,
        /// Description of the failure.
        reason: String,
    },
    /// A person ended it, before anything else did.
    Interrupted,
}

/// A seeded bug that was not found as it must be: no other result of the campaign can be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfCheckFailed {
    /// Id of the seeded bug.
    pub bug: String,
    /// The invariant that must name it, or a text that stands for any.
    pub found_by: String,
    /// Result of the check, in words.
    pub got: String,
}

/// An invariant that does not hold, and the case that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<C> {
    /// The first run that showed it.
    pub run: RunId,
    /// The invariant that does not hold, with step, subject and numbers.
    pub violation: Violation,
    /// The case, to be executed again.
    pub case: Box<C>,
    /// Number of runs with a violation of the same signature.
    pub times: u64,
}

impl<C> Verdict<C> {
    /// Exit code of a process that ends with this verdict.
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
            Verdict::Interrupted => ExitCode::Interrupted,
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
            Verdict::Interrupted => "interrupted",
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
            Verdict::Interrupted => f.write_str(": its runs so far found nothing"),
            Verdict::Violated { findings } => {
                for finding in findings {
                    write!(f, ": {finding}")?;
                }
                Ok(())
            }
            Verdict::NotDeterministic { run, difference } => {
                write!(f, ": two executions of {run} differ at {difference}")
            }
            Verdict::SelfCheckFailed(failed) => write!(f, ": {failed}"),
            Verdict::Vacuous { missing } => {
                write!(
                    f,
                    ": nothing was found, and never reached: {}",
                    missing.join(", ")
                )
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
            self.bug, self.found_by, self.got
        )
    }
}

impl<C> fmt::Display for Finding<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&describe(self.run, &self.violation))
    }
}

/// A violation and the run that showed it, on two lines.
#[must_use]
pub fn describe(run: RunId, violation: &Violation) -> String {
    format!(
        "{} in {run}, step {}, by {}\n  {}",
        violation.invariant, violation.step, violation.subject, violation.detail
    )
}

/// Verdict of a campaign, and the totals of its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary<C> {
    /// Its verdict.
    pub verdict: Verdict<C>,
    /// A second verdict, if the campaign had findings and was ended by something else.
    pub besides: Option<Box<Verdict<C>>>,
    /// Number of runs, those that were repeated counted once.
    pub runs: u64,
    /// Number of repetitions of runs that were compared with the first execution.
    pub repeated: u64,
    /// Coverage of all runs together.
    pub coverage: Coverage,
    /// The seeded bugs that the self-check found.
    pub self_checks: Vec<String>,
    /// The hash of everything that was observed in runs that ended well.
    pub digest: Digest,
}

//! How a campaign ended.

use std::fmt;

use lockstep_core::model::Hash;

use crate::reproducer::Reproducer;
use crate::tally::Tally;
use crate::trace::Difference;
use lockstep_harness::exit::{ExitCode, most_severe};
use lockstep_harness::violation::Violation;

use super::plan::Case;

/// How a campaign ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was found, and everything that must be reached was.
    Passed,
    /// Something that must hold did not.
    Violated {
        /// What; one of each kind, at least one, the first first.
        findings: Vec<Finding>,
    },
    /// A run that was done twice went two ways.
    NotDeterministic {
        /// Which run.
        case: Case,
        /// Where the two went apart.
        difference: Difference,
    },
    /// A defect that was planted was not caught, or not by the invariant for it.
    Blind {
        /// Which defect.
        defect: String,
        /// The invariant that it violates.
        caught_by: String,
        /// What the judge said.
        said: String,
    },
    /// Things that must be reached were not.
    Vacuous {
        /// Which.
        missing: Vec<&'static str>,
    },
    /// The machine failed.
    Infrastructure {
        /// In which run; `None` outside of any.
        case: Option<Case>,
        /// In which way.
        reason: String,
    },
}

/// Something that must hold and did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In which run, the first that showed it.
    pub case: Case,
    /// What.
    pub violation: Violation,
    /// The run, to be done again.
    pub reproducer: Box<Reproducer>,
    /// In how many runs something with the same signature was found.
    pub times: u64,
}

impl Verdict {
    /// The exit code of a process that ends so.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Verdict::Passed => ExitCode::Passed,
            Verdict::Violated { findings } => {
                most_severe(findings.iter().map(|finding| finding.violation.exit_code))
            }
            Verdict::NotDeterministic { .. } | Verdict::Blind { .. } => ExitCode::Unreliable,
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
            Verdict::Blind { .. } => "blind",
            Verdict::Vacuous { .. } => "vacuous",
            Verdict::Infrastructure { .. } => "infrastructure",
        }
    }

    /// What was found.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        match self {
            Verdict::Violated { findings } => findings,
            _ => &[],
        }
    }
}

impl fmt::Display for Verdict {
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
            Verdict::NotDeterministic { case, difference } => {
                write!(f, ": {case} done twice went two ways at {difference}")
            }
            Verdict::Blind {
                defect,
                caught_by,
                said,
            } => write!(
                f,
                ": the planted defect {defect} must be caught by {caught_by}\n  {said}"
            ),
            Verdict::Vacuous { missing } => {
                write!(f, ": never reached: {}", missing.join(", "))
            }
            Verdict::Infrastructure { case, reason } => match case {
                Some(case) => write!(f, ": in {case}\n  {reason}"),
                None => write!(f, ": {reason}"),
            },
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            case, violation, ..
        } = self;
        write!(
            f,
            "{} in {case}, step {}, by {}\n  {}",
            violation.invariant, violation.step, violation.subject, violation.detail
        )
    }
}

/// How a campaign ended and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How it ended.
    pub verdict: Verdict,
    /// What else ended it, where there were findings as well.
    pub besides: Option<Box<Verdict>>,
    /// How many runs it had, those that were done again counted once.
    pub runs: u64,
    /// How often a run was done again and compared.
    pub again: u64,
    /// What was reached.
    pub tally: Tally,
    /// The hash of everything that was observed in runs that ended well.
    pub digest: Hash,
}

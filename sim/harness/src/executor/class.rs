//! Class of a finding: what shrinking must keep, or a case slides from one bug into another.

use std::fmt;

use super::observation::Part;

/// The class of a finding. As text it is the same for two findings of one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// The kind of finding.
    pub kind: Kind,
    /// The reference's answer for the block: `None` where it accepts it, else its kind of refusal.
    pub refused_by_reference: Option<String>,
    /// The reference's outcome of the first transaction that differs, without numbers, where one is known.
    pub outcome: Option<String>,
}

/// Kind of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The observations differ, first in this part.
    Differs(Part),
    /// The contender refuses a block that the reference accepts.
    OnlyContenderRefuses,
    /// The reference refuses a block that the contender accepts.
    OnlyReferenceRefuses,
    /// Both refuse, for other reasons; the contender's kind.
    RefusesOtherwise(String),
    /// An invariant of the adapter's own does not hold; its name.
    OwnInvariant(String),
    /// The contender panicked.
    Panic,
    /// A signal ended its process; the number.
    Signal(i32),
    /// Its process ended.
    Ended,
    /// It wrote something to the pipe that is no answer.
    BrokenPipe,
    /// It used more memory than it may.
    OutOfMemory,
    /// It did not end.
    Hang,
    /// An observation is not canonical.
    NotCanonical,
    /// The adapter disagrees with itself.
    AdapterDisagrees,
    /// The reference panicked.
    ReferenceFails,
}

impl Kind {
    /// True if candidates of this kind cost their whole time limit.
    #[must_use]
    pub const fn is_slow(&self) -> bool {
        matches!(self, Kind::Hang | Kind::OutOfMemory)
    }
}

impl From<Kind> for Class {
    /// The class of a finding that says nothing about the reference.
    fn from(kind: Kind) -> Self {
        Class {
            kind,
            refused_by_reference: None,
            outcome: None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Differs(part) => write!(f, "differs in {part}"),
            Kind::OnlyContenderRefuses => f.write_str("only the contender refuses"),
            Kind::OnlyReferenceRefuses => f.write_str("only the reference refuses"),
            Kind::RefusesOtherwise(kind) => write!(f, "refuses for another reason: {kind}"),
            Kind::OwnInvariant(name) => write!(f, "{name} does not hold"),
            Kind::Panic => f.write_str("panics"),
            Kind::Signal(signal) => write!(f, "ended by signal {signal}"),
            Kind::Ended => f.write_str("its process ends"),
            Kind::BrokenPipe => f.write_str("broken pipe"),
            Kind::OutOfMemory => f.write_str("too much memory"),
            Kind::Hang => f.write_str("does not end"),
            Kind::NotCanonical => f.write_str("observation not canonical"),
            Kind::AdapterDisagrees => f.write_str("adapter disagrees with itself"),
            Kind::ReferenceFails => f.write_str("reference fails"),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        match &self.refused_by_reference {
            Some(kind) => write!(f, "; the reference refuses: {kind}")?,
            None => f.write_str("; the reference accepts")?,
        }
        match &self.outcome {
            Some(outcome) => write!(f, "; first transaction that differs: {outcome}"),
            None => Ok(()),
        }
    }
}

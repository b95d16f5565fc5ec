//! Violations: what a judge finds, and what a run that did not end well comes to.

use serde::{Deserialize, Serialize};

use crate::exit::ExitCode;
use crate::invariant::{self, Invariant};

/// An invariant that did not hold, and the evidence.
///
/// Serialised with the invariant's name and exit code; read back, the name is looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
#[non_exhaustive]
pub struct Violation {
    /// The invariant.
    pub invariant: &'static Invariant,
    /// The step of the run after which it was seen, counted from 0.
    pub step: usize,
    /// The system under test that violated it.
    pub subject: String,
    /// The difference, in numbers.
    pub detail: String,
}

impl Violation {
    /// Reports that an invariant did not hold.
    ///
    /// # Panics
    ///
    /// If the invariant is not registered: what no list knows must not be reported.
    #[must_use]
    pub fn of(
        invariant: &'static Invariant,
        step: usize,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        let is_registered = invariant::named(invariant.name) == Some(invariant);
        assert!(is_registered, "{invariant} is a registered invariant");
        Violation {
            invariant,
            step,
            subject: subject.into(),
            detail: detail.into(),
        }
    }

    /// The exit code of a process that finds this.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        self.invariant.exit_code
    }
}

/// The end of a run that did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// A finding.
    Violation(Violation),
    /// The machine failed; nothing is known about the system under test.
    Infrastructure(String),
}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Failure::Violation(violation)
    }
}

/// A violation as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Violation")]
struct Written {
    invariant: String,
    exit_code: ExitCode,
    step: usize,
    subject: String,
    detail: String,
}

impl From<Violation> for Written {
    fn from(violation: Violation) -> Self {
        Written {
            invariant: violation.invariant.name.to_owned(),
            exit_code: violation.exit_code(),
            step: violation.step,
            subject: violation.subject,
            detail: violation.detail,
        }
    }
}

/// A violation whose invariant is not one of this program, or has another exit code there.
#[derive(Debug, thiserror::Error)]
#[error("{name} with exit code {exit_code} is no invariant of this program")]
struct UnknownInvariant {
    name: String,
    exit_code: ExitCode,
}

impl TryFrom<Written> for Violation {
    type Error = UnknownInvariant;

    fn try_from(written: Written) -> Result<Self, UnknownInvariant> {
        let known = invariant::named(&written.invariant);
        match known.filter(|known| known.exit_code == written.exit_code) {
            Some(invariant) => Ok(Violation::of(
                invariant,
                written.step,
                written.subject,
                written.detail,
            )),
            None => Err(UnknownInvariant {
                name: written.invariant,
                exit_code: written.exit_code,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::NEVER_PANICS;

    static UNREGISTERED: Invariant = Invariant::of_macro(
        "nothing-asks-this",
        "Stands in no list.",
        ExitCode::Violated,
        "none",
    );

    #[test]
    #[should_panic(expected = "nothing-asks-this is a registered invariant")]
    fn an_unregistered_invariant_is_not_reported() {
        let _ = Violation::of(&UNREGISTERED, 0, "core", "it is broken");
    }

    #[test]
    fn a_violation_is_written_with_name_and_exit_code_and_read_back() {
        let violation = Violation::of(&NEVER_PANICS, 3, "core", "on purpose");
        let text = serde_json::to_string(&violation).expect("it is numbers and texts");
        assert_eq!(
            text,
            r#"{"invariant":"never-panics","exit_code":11,"step":3,"subject":"core","detail":"on purpose"}"#
        );
        assert_eq!(
            serde_json::from_str::<Violation>(&text).ok(),
            Some(violation)
        );
    }

    #[test]
    fn an_unknown_name_or_exit_code_is_not_read() {
        let text = |name: &str, exit_code: u8| {
            format!(
                r#"{{"invariant":"{name}","exit_code":{exit_code},"step":0,"subject":"","detail":""}}"#
            )
        };
        for text in [text("nothing-asks-this", 11), text("never-panics", 10)] {
            let error = serde_json::from_str::<Violation>(&text).expect_err("it is not known");
            let said = error.to_string();
            assert!(said.contains("is no invariant of this program"), "{said}");
        }
    }
}

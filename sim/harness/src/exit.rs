//! Exit codes: the numbers by which a process reports its verdict to its parent.
//!
//! A scheduler decides by the number alone (retry, page, fail the build), so the numbers are fixed
//! and no two causes share one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The exit code of every program of this project.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(into = "u8", try_from = "u8")]
#[repr(u8)]
pub enum ExitCode {
    /// Everything held, and every required coverage point was reached.
    #[default]
    Passed = 0,
    /// The command line, the environment or a file makes no sense.
    Usage = 2,
    /// A result differs from the reference's.
    Differs = 10,
    /// An invariant does not hold, something panicked, or a process died.
    Violated = 11,
    /// Something did not finish within its steps or its time.
    Hang = 12,
    /// The harness cannot be relied on: it is not deterministic, or its self-check failed.
    Unreliable = 13,
    /// Storage returns something else than was written.
    StorageDiffers = 14,
    /// A required coverage point was not reached, so that nothing was shown.
    Vacuous = 15,
    /// The machine failed; nothing is known about the system under test.
    Infrastructure = 20,
    /// Ctrl-C ended it before there was a verdict: 128 and the number of the signal, as shells have it.
    Interrupted = 130,
}

/// A number that is no exit code of this project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no exit code")]
pub struct UnknownExitCode(pub u8);

impl ExitCode {
    /// All of them, in the order of their numbers.
    pub const ALL: [ExitCode; 10] = [
        ExitCode::Passed,
        ExitCode::Usage,
        ExitCode::Differs,
        ExitCode::Violated,
        ExitCode::Hang,
        ExitCode::Unreliable,
        ExitCode::StorageDiffers,
        ExitCode::Vacuous,
        ExitCode::Infrastructure,
        ExitCode::Interrupted,
    ];

    /// All of them, the most severe first: findings, then what says that findings cannot be relied
    /// on, then what another try may repair.
    pub const BY_SEVERITY: [ExitCode; 10] = [
        ExitCode::Differs,
        ExitCode::Violated,
        ExitCode::StorageDiffers,
        ExitCode::Hang,
        ExitCode::Unreliable,
        ExitCode::Vacuous,
        ExitCode::Infrastructure,
        ExitCode::Interrupted,
        ExitCode::Usage,
        ExitCode::Passed,
    ];

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its place in [`BY_SEVERITY`](Self::BY_SEVERITY): the lower, the more severe.
    #[must_use]
    pub const fn severity(self) -> usize {
        match self {
            ExitCode::Differs => 0,
            ExitCode::Violated => 1,
            ExitCode::StorageDiffers => 2,
            ExitCode::Hang => 3,
            ExitCode::Unreliable => 4,
            ExitCode::Vacuous => 5,
            ExitCode::Infrastructure => 6,
            ExitCode::Interrupted => 7,
            ExitCode::Usage => 8,
            ExitCode::Passed => 9,
        }
    }

    /// Its meaning in one line, for help texts.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            ExitCode::Passed => "passed",
            ExitCode::Usage => "the command line, the environment or a file makes no sense",
            ExitCode::Differs => "a result differs from the reference's",
            ExitCode::Violated => {
                "an invariant does not hold, something panicked, or a process died"
            }
            ExitCode::Hang => "something did not finish within its steps or its time",
            ExitCode::Unreliable => {
                "the harness itself is not deterministic, or its self-check failed"
            }
            ExitCode::StorageDiffers => "storage returns something else than was written",
            ExitCode::Vacuous => "vacuous: a required coverage point was not reached",
            ExitCode::Infrastructure => {
                "no verdict: the machine failed (disk, permissions), or a shard or an engine is missing"
            }
            ExitCode::Interrupted => "no verdict: Ctrl-C ended it",
        }
    }
}

/// The most severe of these exit codes; [`ExitCode::Passed`] of none.
pub fn most_severe(exit_codes: impl IntoIterator<Item = ExitCode>) -> ExitCode {
    exit_codes
        .into_iter()
        .min_by_key(|exit_code| exit_code.severity())
        .unwrap_or_default()
}

/// The table of all exit codes, one a line, as it stands in help texts.
#[must_use]
pub fn table() -> String {
    let line = |code: ExitCode| format!("  {:>3}  {}", code.number(), code.sentence());
    ExitCode::ALL.map(line).join("\n")
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

impl From<ExitCode> for u8 {
    fn from(exit_code: ExitCode) -> u8 {
        exit_code.number()
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(exit_code: ExitCode) -> Self {
        exit_code.number().into()
    }
}

impl TryFrom<u8> for ExitCode {
    type Error = UnknownExitCode;

    fn try_from(number: u8) -> Result<Self, UnknownExitCode> {
        ExitCode::ALL
            .into_iter()
            .find(|exit_code| exit_code.number() == number)
            .ok_or(UnknownExitCode(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_schedulers_know() {
        let numbers = ExitCode::ALL.map(ExitCode::number);
        assert_eq!(numbers, [0, 2, 10, 11, 12, 13, 14, 15, 20, 130]);
    }

    #[test]
    fn severity_is_the_place_in_the_order_and_each_stands_there_once() {
        for (place, exit_code) in ExitCode::BY_SEVERITY.into_iter().enumerate() {
            assert_eq!(exit_code.severity(), place);
        }
    }

    #[test]
    fn serialised_as_the_number_and_nothing_else_is_read() {
        for exit_code in ExitCode::ALL {
            let text = exit_code.number().to_string();
            assert_eq!(serde_json::to_string(&exit_code).ok(), Some(text.clone()));
            assert_eq!(serde_json::from_str(&text).ok(), Some(exit_code));
        }
        let unknown = serde_json::from_str::<ExitCode>("137").expect_err("a signal is none");
        assert!(
            unknown.to_string().starts_with("137 is no exit code"),
            "{unknown}"
        );
    }

    #[test]
    fn the_most_severe_code_says_what_to_look_at_first() {
        use ExitCode::{Differs, Infrastructure, Passed, Unreliable, Vacuous, Violated};
        for (codes, expected) in [
            (&[Passed, Vacuous, Infrastructure][..], Vacuous),
            (&[Infrastructure, Unreliable, Passed], Unreliable),
            (&[Violated, Differs, Unreliable], Differs),
            (&[Passed, Passed], Passed),
            (&[], Passed),
        ] {
            assert_eq!(most_severe(codes.iter().copied()), expected, "{codes:?}");
        }
    }

    #[test]
    fn the_table_has_a_line_for_each() {
        let lines = table();
        assert_eq!(lines.lines().count(), ExitCode::ALL.len());
        assert!(
            lines.starts_with("    0  passed\n    2  the command line"),
            "{lines}"
        );
    }
}

//! Errors and panics that no injected fault explains.

use lockstep_harness::invariant::ALWAYS_ENDS;
use lockstep_harness::violation::{Failure, Violation};

use super::MAKES_SENSE;
use crate::invariants::{NO_FAILURE_WITHOUT_FAULT, NO_SWALLOWED_PANIC, swallowed};
use crate::subject::{Subject, SubjectError};

/// Judges an error that no injected fault explains: the violation of an invariant, or a failure of the
/// machine if the subject is on a real medium and the medium failed.
#[must_use]
pub fn unexplained(
    step: usize,
    subject: &str,
    is_on_real_medium: bool,
    error: &SubjectError,
) -> Failure {
    let invariant = match error {
        SubjectError::Failed(reason) if is_on_real_medium => {
            return Failure::Infrastructure(reason.clone());
        }
        SubjectError::Failed(_) => &NO_FAILURE_WITHOUT_FAULT,
        SubjectError::Stuck(_) => &ALWAYS_ENDS,
        SubjectError::Refused(_) | SubjectError::Damaged(_) | SubjectError::GivenUp(_) => {
            &MAKES_SENSE
        }
    };
    Violation::of(invariant, step, subject, error.to_string()).into()
}

/// Judges the panic from which the last operation of a subject recovered, if there is one, where none was
/// injected.
///
/// # Errors
///
/// [`Failure::Violation`] of [`NO_SWALLOWED_PANIC`], with the panic's message.
pub fn recovers_from_nothing(step: usize, subject: &mut dyn Subject) -> Result<(), Failure> {
    match subject.take_recovered_panic() {
        None => Ok(()),
        Some(from) => {
            let detail = swallowed(&from);
            Err(Violation::of(&NO_SWALLOWED_PANIC, step, subject.name(), detail).into())
        }
    }
}

//! A medium that fails or is full breaks nothing.

use lockstep_harness::exit::ExitCode;

use super::{Event, Evidence, Interruption, Invariant, torn};

/// After a failure of the medium there is the ledger before or the ledger after, and the one after
/// where it was answered. (A failed sync does not tell which.)
pub(super) const INVARIANT: Invariant = Invariant {
    name: "failure-leaves-before-or-after",
    exit_code: ExitCode::StorageDiffers,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    match evidence.event {
        Event::Interrupted {
            by: Interruption::Failure,
            answer,
            ..
        } => torn(evidence, answer.is_ok()),
        _ => None,
    }
}

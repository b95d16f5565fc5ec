//! A crash is no half.

use lockstep_harness::exit::ExitCode;

use super::{Event, Evidence, Interruption, Invariant, torn};

/// After a crash, what is opened is the ledger before or the ledger after, and the one after where
/// it was answered.
pub(super) const INVARIANT: Invariant = Invariant {
    name: "crash-leaves-before-or-after",
    exit_code: ExitCode::StorageDiffers,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    match evidence.event {
        Event::Interrupted {
            by: Interruption::Crash,
            answer,
            ..
        } => torn(evidence, answer.is_ok()),
        _ => None,
    }
}

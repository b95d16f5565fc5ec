//! A storage medium that fails or is full leaves a whole number of operations.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, Interruption, torn};

invariant! {
    /// After a failure of the medium the ledger is the one before the operation or the one after it, and
    /// the one after it where the operation was answered. (A failed sync does not tell which.)
    pub static INVARIANT: "failure-leaves-before-or-after", exits StorageDiffers, catches "merge-not-atomic";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
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

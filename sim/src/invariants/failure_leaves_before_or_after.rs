//! A medium that fails or is full breaks nothing.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, Interruption, torn};

invariant! {
    /// After a failure of the medium there is the ledger before or the ledger after, and the one after
    /// where it was answered. (A failed sync does not tell which.)
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

//! A crash leaves a whole number of operations.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, Interruption, torn};

invariant! {
    /// A ledger opened after a crash is the one before the operation or the one after it, and the one
    /// after it where the operation was answered.
    pub static INVARIANT: "crash-leaves-before-or-after", exits StorageDiffers, catches "merge-beside-block";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
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

//! A crash is no half.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, Interruption, torn};

invariant! {
    /// After a crash, what is opened is the ledger before or the ledger after, and the one after where
    /// it was answered.
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

//! A ledger that is opened is the one that was closed.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, difference};

invariant! {
    /// Closing and opening a ledger changes nothing.
    pub static INVARIANT: "reopen-changes-nothing", exits StorageDiffers, catches "LastBlockForgotten";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    match evidence.event {
        Event::Reopened => difference(evidence.before, evidence.after),
        _ => None,
    }
}

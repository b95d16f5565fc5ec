//! A rewind is exact.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, difference};

invariant! {
    /// After a rewind everything is as it was when the ledger had that height before.
    pub static INVARIANT: "rewind-restores", exits Violated, catches "rewind-forgotten";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    match evidence.event {
        Event::Rewound { recorded } => difference(recorded, evidence.after),
        _ => None,
    }
}

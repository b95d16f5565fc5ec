//! Who loses interest leaves nothing behind.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, Interruption, difference, torn};

invariant! {
    /// After a cancellation the ledger is as it was; what was answered before is there.
    pub static INVARIANT: "cancelled-leaves-no-trace", exits Violated, catches "not-cancel-safe";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    match evidence.event {
        Event::Interrupted {
            by: Interruption::Cancellation,
            answer: Ok(_),
            ..
        } => torn(evidence, true),
        Event::Interrupted {
            by: Interruption::Cancellation,
            answer: Err(error),
            ..
        } => difference(evidence.before, evidence.after)
            .map(|difference| format!("answered was: {error}; but {difference}")),
        _ => None,
    }
}

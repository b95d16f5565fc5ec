//! A cancelled operation leaves no trace.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, Interruption, difference, torn};

invariant! {
    /// After a cancellation the ledger is as it was before; an operation that was answered is complete.
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
            .map(|difference| format!("the answer is an error ({error}), and {difference}")),
        _ => None,
    }
}

//! The serial path rescues the block after one panic on a parallel path.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, Interruption};

invariant! {
    /// A block whose execution panics once, on a parallel path, is executed on another path and added: the
    /// panic costs time and no answer.
    pub static INVARIANT: "one-panic-still-gives-the-block", exits Violated, catches "fallback-fails-too";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    match evidence.event {
        Event::Interrupted {
            by: Interruption::RecoverablePanic,
            answer: Err(error),
            expected: Some(Ok(_)),
        } => Some(format!(
            "one panic on a parallel path was injected, and the block is not added: {error}"
        )),
        _ => None,
    }
}

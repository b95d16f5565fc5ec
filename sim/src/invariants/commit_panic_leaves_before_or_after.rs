//! A panic of the storage in the middle of a commit.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, Interruption, torn};

invariant! {
    /// After a panic of the storage inside a commit the ledger is the one before the operation or the one
    /// after it.
    pub static INVARIANT: "commit-panic-leaves-before-or-after", exits Violated, catches "half-a-commit";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    match evidence.event {
        Event::Interrupted {
            by: Interruption::CommitPanic,
            answer,
            ..
        } => torn(evidence, answer.is_ok()).map(|detail| match answer {
            Ok(_) => detail,
            Err(error) => format!("answered was: {error}; but {detail}"),
        }),
        _ => None,
    }
}

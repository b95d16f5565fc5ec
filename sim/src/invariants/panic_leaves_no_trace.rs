//! A panic of the execution costs time and nothing else.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, Interruption, difference, torn};

invariant! {
    /// After a panic of the execution the block is complete, as without the panic, or an error was
    /// answered and the ledger is as it was before.
    pub static INVARIANT: "panic-leaves-no-trace", exits Violated, catches "DoneAfterAll";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    match evidence.event {
        Event::Interrupted {
            by: Interruption::Panic | Interruption::RecoverablePanic,
            answer: Ok(_),
            ..
        } => torn(evidence, true),
        Event::Interrupted {
            by: Interruption::Panic | Interruption::RecoverablePanic,
            answer: Err(error),
            ..
        } => difference(evidence.before, evidence.after)
            .map(|difference| format!("answered was: {error}; but {difference}")),
        _ => None,
    }
}

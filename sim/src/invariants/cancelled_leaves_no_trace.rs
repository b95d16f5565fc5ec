//! Who loses interest leaves nothing behind.

use lockstep_harness::exit::ExitCode;

use super::{Event, Evidence, Interruption, Invariant, difference, torn};

/// After a cancellation the ledger is as it was; what was answered before is there.
pub(super) const INVARIANT: Invariant = Invariant {
    name: "cancelled-leaves-no-trace",
    exit_code: ExitCode::Violated,
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

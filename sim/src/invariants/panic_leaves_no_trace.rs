//! A panic costs time and nothing else.

use lockstep_harness::exit::ExitCode;

use super::{Event, Evidence, Interruption, Invariant, difference, torn};

/// After a panic of the execution the block is there as if nobody had panicked, or an error was
/// answered and the ledger is as it was.
pub(super) const INVARIANT: Invariant = Invariant {
    name: "panic-leaves-no-trace",
    exit_code: ExitCode::Violated,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    match evidence.event {
        Event::Interrupted {
            by: Interruption::Panic,
            answer: Ok(_),
            ..
        } => torn(evidence, true),
        Event::Interrupted {
            by: Interruption::Panic,
            answer: Err(error),
            ..
        } => difference(evidence.before, evidence.after)
            .map(|difference| format!("answered was: {error}; but {difference}")),
        _ => None,
    }
}

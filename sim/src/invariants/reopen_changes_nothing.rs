//! What was there when the ledger was closed is there when it is opened.

use lockstep_harness::exit::ExitCode;

use super::{Event, Evidence, Invariant, difference};

/// Closing and opening a ledger changes nothing.
pub(super) const INVARIANT: Invariant = Invariant {
    name: "reopen-changes-nothing",
    exit_code: ExitCode::StorageDiffers,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    match evidence.event {
        Event::Reopened => difference(evidence.before, evidence.after),
        _ => None,
    }
}

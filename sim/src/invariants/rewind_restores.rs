//! Undoing is exact.

use lockstep_harness::exit::ExitCode;

use super::{Event, Evidence, Invariant, difference};

/// After a rewind everything is as it was when the ledger had that height before.
pub(super) const INVARIANT: Invariant = Invariant {
    name: "rewind-restores",
    exit_code: ExitCode::Violated,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    match evidence.event {
        Event::Rewound { recorded } => difference(recorded, evidence.after),
        _ => None,
    }
}

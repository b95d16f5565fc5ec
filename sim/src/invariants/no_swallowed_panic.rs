//! A panic of an executor is a bug even where another path rescues the block.

use lockstep_harness::invariant;
use lockstep_harness::panic::place_of;

use super::{Check, Event, Evidence};

invariant! {
    /// No execution of a block panics unless a panic was injected into it, also where the block is executed
    /// on another path afterwards and its result is right.
    pub static INVARIANT: "no-swallowed-panic", exits Violated, catches "swallowed-panic";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    match evidence.event {
        Event::Recovered {
            from,
            was_injected: false,
        } => Some(swallowed(from)),
        _ => None,
    }
}

/// Describes a panic from which a subject recovered.
pub(crate) fn swallowed(from: &str) -> String {
    let detail =
        format!("the execution panicked, and the block was executed on another path: {from}");
    match place_of(from) {
        Some(place) => format!("{detail}\n{place}"),
        None => detail,
    }
}

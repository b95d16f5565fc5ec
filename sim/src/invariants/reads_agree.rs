//! Public reads at any argument.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence};

invariant! {
    /// Every public read of a ledger has the answer of the oracle's history: at each height, cell, page
    /// and account.
    pub static INVARIANT: "reads-agree", exits Violated, catches "value-of-next-height";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let Event::Read {
        question,
        got,
        expected,
    } = evidence.event
    else {
        return None;
    };
    (question.is_of_a_ledger() && got != expected)
        .then(|| format!("{question}: answered {got}, expected {expected}"))
}

//! The cache of the bodies of templates.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence};
use crate::reads::{Answer, Question};

invariant! {
    /// A cache of bodies keeps what its limits of number, bytes and time allow, the newest ones, and
    /// finds each body under its own root.
    pub static INVARIANT: "bodies-are-kept-by-rule", exits Violated, catches "evicted-body-found";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let Event::Read {
        question: Question::Bodies(script),
        got,
        expected,
    } = evidence.event
    else {
        return None;
    };
    let (Answer::Bodies(got), Answer::Bodies(expected)) = (got, expected) else {
        return Some(format!("a cache of bodies answered {got}"));
    };
    let mut acts = 0..script.acts.len().max(got.len());
    let first = acts.find(|index| got.get(*index) != expected.get(*index))?;
    Some(format!(
        "call {first} of a cache of {} bodies, {} bytes, {} ms is {:?}: answered {:?}, expected {:?}",
        script.entries,
        script.bytes,
        script.time_to_live_ms,
        script.acts.get(first),
        got.get(first),
        expected.get(first)
    ))
}

//! The number of workers at work stays within its limit.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence};

invariant! {
    /// At most as many transactions are in execution at once as the limit of workers allows.
    pub static INVARIANT: "workers-stay-within-their-limit", exits Violated, catches "unbounded-tasks";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let Event::Block {
        at_work: Some(at_work),
        ..
    } = evidence.event
    else {
        return None;
    };
    (at_work.most > at_work.limit).then(|| {
        format!(
            "{} workers were at work at once, expected at most {}",
            at_work.most, at_work.limit
        )
    })
}

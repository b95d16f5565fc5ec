//! There are as many workers as there may be.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence};

invariant! {
    /// No more transactions are in execution at once than there may be workers.
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

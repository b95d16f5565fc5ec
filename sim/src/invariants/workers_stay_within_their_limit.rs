//! There are as many workers as there may be.

use lockstep_harness::exit::ExitCode;

use super::{Event, Evidence, Invariant};

/// No more transactions are in execution at once than there may be workers.
pub(super) const INVARIANT: Invariant = Invariant {
    name: "workers-stay-within-their-limit",
    exit_code: ExitCode::Violated,
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

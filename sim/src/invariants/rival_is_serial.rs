//! Two who write take turns.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, Order, difference, in_words};
use crate::subject::{ConcurrentAct, ConcurrentReport, SubjectError};
use crate::world::{BlockResult, World};

invariant! {
    /// A block and what somebody else did meanwhile come out as one after the other. Who reads meanwhile
    /// sees the ledger before.
    pub static INVARIANT: "rival-is-serial", exits Differs, catches "open-window";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let Event::ConcurrentRequest {
        answer,
        concurrent,
        orders,
    } = evidence.event
    else {
        return None;
    };
    if let Some(saw) = &concurrent.saw
        && let Some(difference) = difference(evidence.before, saw)
    {
        return Some(format!(
            "who reads while the block is executed sees something else than the ledger before: \
             {difference}"
        ));
    }
    let is_one = orders
        .iter()
        .any(|order| is(order, evidence.after, answer, concurrent));
    if is_one {
        return None;
    }
    let what = match &concurrent.act {
        ConcurrentAct::Rewind(height) => format!("a rewind to {height}"),
        ConcurrentAct::Add(_) => "another block".to_owned(),
        ConcurrentAct::Read => "a reader".to_owned(),
        ConcurrentAct::Close => "who closes".to_owned(),
    };
    let [first, last] = orders;
    Some(format!(
        "the block and {what} come out as no order of them: the tip is {}, the block: {}, the other: \
         {}; the block first gives {}, {}, {}; the block last {}, {}, {}",
        evidence.after.height,
        in_words(&answer),
        in_words(&concurrent.answer),
        first.world.height,
        in_words(&first.block),
        in_words(&first.concurrent),
        last.world.height,
        in_words(&last.block),
        in_words(&last.concurrent),
    ))
}

fn is(
    order: &Order,
    after: &World,
    answer: Result<&BlockResult, &SubjectError>,
    concurrent: &ConcurrentReport,
) -> bool {
    let block = match (answer, &order.block) {
        (Ok(got), Ok(expected)) => got == expected,
        (Err(SubjectError::Refused(got)), Err(expected)) => got == expected,
        _ => false,
    };
    let other = match (&concurrent.answer, &order.concurrent) {
        (Ok(got), Ok(expected)) => got == expected,
        (Err(SubjectError::Refused(got)), Err(expected)) => got == expected,
        _ => false,
    };
    block && other && *after == order.world
}

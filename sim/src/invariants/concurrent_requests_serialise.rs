//! Concurrent requests to one ledger serialise.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, Order, difference, in_words};
use crate::subject::{ConcurrentAct, ConcurrentReport, SubjectError};
use crate::world::{BlockResult, World};

invariant! {
    /// A block and a concurrent request have the results of one of their two serial orders. A concurrent
    /// reader sees the ledger before the block.
    pub static INVARIANT: "concurrent-requests-serialise", exits Differs, catches "open-window";
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
            "a reader during the execution sees another ledger than the one before the block: \
             {difference}"
        ));
    }
    let is_one = orders
        .iter()
        .any(|order| has_results_of(order, evidence.after, answer, concurrent));
    if is_one {
        return None;
    }
    let request = match &concurrent.act {
        ConcurrentAct::Rewind(height) => format!("a rewind to {height}"),
        ConcurrentAct::Add(_) => "another block".to_owned(),
        ConcurrentAct::Read => "a reader".to_owned(),
        ConcurrentAct::Close => "closing the ledger".to_owned(),
    };
    let [first, last] = orders;
    Some(format!(
        "the block and {request} have the results of no serial order: the tip is {}, the block: {}, \
         the request: {}; the block first gives {}, {}, {}; the block last {}, {}, {}",
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

fn has_results_of(
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

//! The outcome of one execution of a block, and the outcomes that are allowed.

use super::explorable::Added;
use super::faults;
use crate::scenario::Fault;
use crate::subject::SubjectError;
use crate::world::World;

/// Outcome of one execution of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BlockAnswer<S> {
    Added(Box<Added<S>>),
    Failed(SubjectError),
    Panicked(String),
}

/// Outcomes that are allowed for a block.
pub(super) struct SerialAnswers<S> {
    pub(super) answers: Vec<BlockAnswer<S>>,
    /// World that a concurrent reader must see: the one before the block.
    pub(super) before: World,
    /// The armed fault, which may end the block with an error.
    pub(super) fault: Option<Fault>,
    /// The ledger before the block, as such an error leaves it.
    pub(super) ledger: S,
}

impl<S: PartialEq> SerialAnswers<S> {
    /// Returns whether an outcome is one of these.
    pub(super) fn has(&self, got: &BlockAnswer<S>) -> bool {
        let BlockAnswer::Added(got) = got else {
            return self.answers.contains(got);
        };
        let within_limit = got
            .at_work
            .is_none_or(|at_work| at_work.most <= at_work.limit);
        let saw_one = got.concurrent.as_ref().is_none_or(|concurrent| {
            let saw = concurrent.saw.as_ref();
            concurrent.answer == Ok(None) && saw.is_none_or(|saw| *saw == self.before)
        });
        if let (Some(fault), Err(error), true) = (self.fault, &got.result, got.has_fault_happened)
            && faults::may_end_with(fault, error)
        {
            return got.ledger == self.ledger;
        }
        within_limit
            && saw_one
            && self.answers.iter().any(|answer| {
                matches!(answer, BlockAnswer::Added(one)
                    if one.result == got.result && one.ledger == got.ledger)
            })
    }
}

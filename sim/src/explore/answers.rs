//! The outcome of one execution of a block, and the outcomes that are allowed.

use super::explorable::{Added, MetBy};
use super::faults;
use crate::scenario::Fault;
use crate::subject::SubjectError;
use crate::world::{BlockResult, World};

/// Outcome of one execution of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BlockAnswer<S> {
    Added(Box<Added<S>>),
    Failed(SubjectError),
    Panicked(String),
}

impl<S> BlockAnswer<S> {
    /// Returns the thread that met the injected fault, if it was met.
    pub(super) fn met_by(&self) -> Option<MetBy> {
        match self {
            BlockAnswer::Added(added) => added.met_by,
            BlockAnswer::Failed(_) | BlockAnswer::Panicked(_) => None,
        }
    }
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
        if self.was_rightly_interrupted(got) {
            let again = got.again.as_ref();
            return again.is_some_and(|(result, ledger)| self.has_result(result, ledger));
        }
        within_limit && saw_one && self.has_result(&got.result, &got.ledger)
    }

    /// Returns whether a fault that happened ended the block with an error of its kind, and the ledger is as it
    /// was.
    pub(super) fn was_rightly_interrupted(&self, got: &Added<S>) -> bool {
        let (Some(fault), Err(error), Some(_)) = (self.fault, &got.result, got.met_by) else {
            return false;
        };
        faults::may_end_with(fault, error) && got.ledger == self.ledger
    }

    /// Returns the second try of a block in place of the first one, if only the second one is wrong.
    pub(super) fn wrong_part(&self, mut got: Added<S>) -> Added<S> {
        let Some((result, ledger)) = got.again.take() else {
            return got;
        };
        if !self.was_rightly_interrupted(&got) || self.has_result(&result, &ledger) {
            return got;
        }
        // An error of the second try is not the fault's.
        let met_by = got.met_by.filter(|_| result.is_ok());
        Added {
            met_by,
            ..Added::of(result, ledger)
        }
    }

    fn has_result(&self, result: &Result<BlockResult, SubjectError>, ledger: &S) -> bool {
        self.answers.iter().any(|answer| match answer {
            BlockAnswer::Added(one) => one.result == *result && one.ledger == *ledger,
            BlockAnswer::Failed(error) => Err(error) == result.as_ref() && *ledger == self.ledger,
            BlockAnswer::Panicked(_) => false,
        })
    }
}

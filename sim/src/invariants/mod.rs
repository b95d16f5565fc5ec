//! What must hold after every step of a run: one file each, judged on evidence alone.
//!
//! The specific ones come first, so that the first violation names the defect.

mod cancelled_leaves_no_trace;
mod crash_leaves_before_or_after;
mod failure_is_no_rejection;
mod failure_leaves_before_or_after;
mod nonces_advance_by_applied;
mod one_receipt_per_transaction;
mod panic_leaves_no_trace;
mod reads_back;
mod receipts_explain_balances;
mod rejected_leaves_no_trace;
mod reopen_changes_nothing;
mod rewind_restores;
mod rival_is_serial;
mod same_as_serial;
mod supply_is_conserved;
mod template_lives_its_time;
mod versions_descend;
mod workers_stay_within_their_limit;

use std::collections::BTreeSet;

use lockstep_core::model::{Block, Effect, Outcome, Receipt, Refusal, Rules, Transaction, Version};
use lockstep_harness::invariant::Invariant;

use crate::subject::{AtWork, RivalReport, StoredBlock, SubjectError, Template};
use crate::world::{BlockResult, World};

/// An invariant that is judged on the evidence of one step.
#[derive(Clone, Copy)]
pub struct Check {
    /// The invariant.
    pub invariant: &'static Invariant,
    /// Describes the violation, in numbers; `None` where the invariant holds.
    pub violation: fn(&Evidence<'_>) -> Option<String>,
}

/// All of them, in the order in which they are asked.
pub const ALL: [Check; 18] = [
    failure_is_no_rejection::CHECK,
    crash_leaves_before_or_after::CHECK,
    failure_leaves_before_or_after::CHECK,
    panic_leaves_no_trace::CHECK,
    cancelled_leaves_no_trace::CHECK,
    rival_is_serial::CHECK,
    template_lives_its_time::CHECK,
    workers_stay_within_their_limit::CHECK,
    one_receipt_per_transaction::CHECK,
    rejected_leaves_no_trace::CHECK,
    nonces_advance_by_applied::CHECK,
    receipts_explain_balances::CHECK,
    supply_is_conserved::CHECK,
    versions_descend::CHECK,
    rewind_restores::CHECK,
    reopen_changes_nothing::CHECK,
    reads_back::CHECK,
    same_as_serial::CHECK,
];

pub use cancelled_leaves_no_trace::INVARIANT as CANCELLED_LEAVES_NO_TRACE;
pub use crash_leaves_before_or_after::INVARIANT as CRASH_LEAVES_BEFORE_OR_AFTER;
pub use failure_is_no_rejection::INVARIANT as FAILURE_IS_NO_REJECTION;
pub use failure_leaves_before_or_after::INVARIANT as FAILURE_LEAVES_BEFORE_OR_AFTER;
pub use nonces_advance_by_applied::INVARIANT as NONCES_ADVANCE_BY_APPLIED;
pub use panic_leaves_no_trace::INVARIANT as PANIC_LEAVES_NO_TRACE;
pub use reads_back::INVARIANT as READS_BACK;
pub use receipts_explain_balances::INVARIANT as RECEIPTS_EXPLAIN_BALANCES;
pub use rejected_leaves_no_trace::INVARIANT as REJECTED_LEAVES_NO_TRACE;
pub use rewind_restores::INVARIANT as REWIND_RESTORES;
pub use rival_is_serial::INVARIANT as RIVAL_IS_SERIAL;
pub use same_as_serial::INVARIANT as SAME_AS_SERIAL;
pub use supply_is_conserved::INVARIANT as SUPPLY_IS_CONSERVED;

/// What is known of one step.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'e> {
    /// What all nodes of the ledger agree on.
    pub rules: &'e Rules,
    /// The subject before the step.
    pub before: &'e World,
    /// The subject after the step.
    pub after: &'e World,
    /// The oracle after the step.
    pub expected: &'e World,
    /// What the step was.
    pub event: Event<'e>,
}

/// What a step was, with what is known of it alone.
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// A block arrived.
    Block {
        /// The block.
        block: &'e Block,
        /// What the subject answered.
        got: Result<&'e BlockResult, &'e Refusal>,
        /// What the oracle answered.
        expected: Result<&'e BlockResult, &'e Refusal>,
        /// What the subject keeps at the block's height afterwards.
        stored: Option<&'e StoredBlock>,
        /// How many workers of the subject were at work at once, where it counts them.
        at_work: Option<AtWork>,
    },
    /// Blocks were undone.
    Rewound {
        /// The subject when it had that height before.
        recorded: &'e World,
    },
    /// The ledger was closed and opened.
    Reopened,
    /// Something went wrong while something was asked. The oracle did what was asked.
    Interrupted {
        /// What went wrong.
        by: Interruption,
        /// The answer: what a block did, or nothing where none was asked for.
        answer: Result<Option<&'e BlockResult>, &'e SubjectError>,
        /// What the oracle answered to a block.
        expected: Option<Result<&'e BlockResult, &'e Refusal>>,
    },
    /// Somebody else came while a block was added.
    Rivalled {
        /// The answer to the block.
        answer: Result<&'e BlockResult, &'e SubjectError>,
        /// What the other one did.
        rival: &'e RivalReport,
        /// What comes of one after the other, the block first, then last.
        orders: &'e [Order; 2],
    },
    /// The header of a template came back, to the oracle's ledger before.
    Template {
        /// What became of it.
        template: &'e Template,
        /// How much later by the clock.
        jump_ms: i64,
    },
}

/// Something that goes wrong while something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The power went, and the ledger was opened on what was left.
    Crash,
    /// The medium failed or was full.
    Failure,
    /// The execution panicked.
    Panic,
    /// Whoever asked lost interest.
    Cancellation,
}

/// A block and what somebody else wanted, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The ledger after both.
    pub world: World,
    /// What the block did.
    pub block: Result<BlockResult, Refusal>,
    /// What the other did, where it was a block.
    pub rival: Result<Option<BlockResult>, Refusal>,
}

impl<'e> Event<'e> {
    /// A block that the subject took, with its result.
    fn added(&self) -> Option<(&'e Block, &'e BlockResult)> {
        match self {
            Event::Block {
                block,
                got: Ok(result),
                ..
            } => Some((block, result)),
            _ => None,
        }
    }
}

/// The first invariant that does not hold, with the difference in numbers.
#[must_use]
pub fn first_violation(evidence: &Evidence<'_>) -> Option<(&'static Invariant, String)> {
    first_violation_of(&ALL, evidence)
}

/// As [`first_violation`], of these checks.
#[must_use]
pub fn first_violation_of(
    checks: &[Check],
    evidence: &Evidence<'_>,
) -> Option<(&'static Invariant, String)> {
    checks
        .iter()
        .find_map(|check| (check.violation)(evidence).map(|detail| (check.invariant, detail)))
}

/// The difference from the oracle, in numbers, by [`SAME_AS_SERIAL`] alone.
pub(crate) fn differs_from_serial(evidence: &Evidence<'_>) -> Option<String> {
    (same_as_serial::CHECK.violation)(evidence)
}

/// The transactions of a block that were applied, each with its receipt.
fn applied<'e>(
    block: &'e Block,
    receipts: &'e [Receipt],
) -> impl Iterator<Item = (&'e Transaction, &'e [Effect])> {
    block
        .transactions
        .iter()
        .zip(receipts)
        .filter_map(|(transaction, receipt)| match &receipt.outcome {
            Outcome::Applied { effects, .. } => Some((transaction, effects.as_slice())),
            Outcome::Rejected(_) => None,
        })
}

/// Where two worlds differ first, in words; `None` where they are equal.
fn difference(expected: &World, got: &World) -> Option<String> {
    if expected == got {
        return None;
    }
    if expected.height != got.height {
        return Some(format!(
            "the tip is at height {}, expected {}",
            got.height, expected.height
        ));
    }
    let cells: BTreeSet<_> = expected.cells.keys().chain(got.cells.keys()).collect();
    for cell in cells {
        let (expected, got) = (expected.cells.get(cell), got.cells.get(cell));
        if expected != got {
            return Some(format!(
                "{cell:?} has {}, expected {}",
                describe(got),
                describe(expected)
            ));
        }
    }
    for (what, expected, got) in [
        ("hash", expected.hash.to_string(), got.hash.to_string()),
        ("time", expected.time.to_string(), got.time.to_string()),
        (
            "digest",
            expected.digest.to_string(),
            got.digest.to_string(),
        ),
    ] {
        if expected != got {
            return Some(format!("the tip's {what} is {got}, expected {expected}"));
        }
    }
    None
}

/// Where an interrupted ledger has neither of its two states; `None` where it has one of them.
/// Something that was answered is there.
fn torn(evidence: &Evidence<'_>, answered: bool) -> Option<String> {
    let Evidence {
        before,
        after,
        expected,
        ..
    } = evidence;
    let from_after = difference(expected, after)?;
    if answered {
        return Some(format!("it was answered and is not there: {from_after}"));
    }
    let from_before = difference(before, after)?;
    Some(format!(
        "neither the ledger before, for {from_before}; nor the one after, for {from_after}"
    ))
}

/// How somebody answered, in a few words.
fn in_words<T, E: std::fmt::Display>(answer: &Result<T, E>) -> String {
    match answer {
        Ok(_) => "done".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// The last versions of a cell, enough to see a difference.
fn describe(versions: Option<&Vec<Version>>) -> String {
    const SHOWN: usize = 3;
    let Some(versions) = versions else {
        return "no versions".to_owned();
    };
    let last = &versions[versions.len().saturating_sub(SHOWN)..];
    format!("{} versions, the last {last:?}", versions.len())
}

#[cfg(test)]
mod tests;

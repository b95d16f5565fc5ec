//! Invariants: claims that hold after every step of a run, one file each, judged on evidence alone.
//!
//! The specific ones come first, so that the first violation names the bug.

mod bodies_are_kept_by_rule;
mod bytes_depend_on_blocks_alone;
mod cancelled_leaves_no_trace;
mod commit_panic_leaves_before_or_after;
mod concurrent_requests_serialise;
mod crash_leaves_before_or_after;
mod failure_is_no_rejection;
mod failure_leaves_before_or_after;
mod levels_follow_conflicts;
mod mempool_chooses_by_rule;
mod mempool_keeps_by_rule;
mod no_failure_without_fault;
mod no_swallowed_panic;
mod nonces_advance_by_applied;
mod one_panic_still_gives_the_block;
mod one_receipt_per_transaction;
mod panic_leaves_no_trace;
mod reads_agree;
mod reads_back;
mod receipts_explain_balances;
mod rejected_leaves_no_trace;
mod reopen_changes_nothing;
mod rewind_restores;
mod same_as_serial;
mod supply_is_conserved;
mod template_lives_its_time;
mod versions_descend;
mod workers_stay_within_their_limit;

use std::collections::BTreeSet;

use lockstep_core::model::{
    Block, Effect, Hash, Header, Outcome, Receipt, Refusal, Rules, Transaction, Version,
};
use lockstep_harness::invariant::Invariant;
use lockstep_harness::watchdog::note_harness;

use crate::oracle::NotAccepted;
use crate::reads::{Answer, Question};
use crate::subject::{AtWork, ConcurrentReport, StoredBlock, SubjectError, Template};
use crate::world::{BlockResult, World};

/// An invariant that is judged on the evidence of one step.
#[derive(Clone, Copy)]
pub struct Check {
    /// The invariant.
    pub invariant: &'static Invariant,
    /// Describes the violation, in numbers; `None` where the invariant holds.
    pub violation: fn(&Evidence<'_>) -> Option<String>,
}

/// All invariants, in the order in which they are judged.
pub const ALL: [Check; 27] = [
    no_swallowed_panic::CHECK,
    failure_is_no_rejection::CHECK,
    crash_leaves_before_or_after::CHECK,
    failure_leaves_before_or_after::CHECK,
    one_panic_still_gives_the_block::CHECK,
    panic_leaves_no_trace::CHECK,
    commit_panic_leaves_before_or_after::CHECK,
    cancelled_leaves_no_trace::CHECK,
    concurrent_requests_serialise::CHECK,
    template_lives_its_time::CHECK,
    workers_stay_within_their_limit::CHECK,
    reads_agree::CHECK,
    levels_follow_conflicts::CHECK,
    bodies_are_kept_by_rule::CHECK,
    bytes_depend_on_blocks_alone::CHECK,
    mempool_keeps_by_rule::CHECK,
    mempool_chooses_by_rule::CHECK,
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

/// Those that judge the answers to questions, and no other step.
pub const OF_READS: [Check; 3] = [
    reads_agree::CHECK,
    levels_follow_conflicts::CHECK,
    bodies_are_kept_by_rule::CHECK,
];

pub use bodies_are_kept_by_rule::INVARIANT as BODIES_ARE_KEPT_BY_RULE;
pub use bytes_depend_on_blocks_alone::INVARIANT as BYTES_DEPEND_ON_BLOCKS_ALONE;
pub use cancelled_leaves_no_trace::INVARIANT as CANCELLED_LEAVES_NO_TRACE;
pub use commit_panic_leaves_before_or_after::INVARIANT as COMMIT_PANIC_LEAVES_BEFORE_OR_AFTER;
pub use concurrent_requests_serialise::INVARIANT as CONCURRENT_REQUESTS_SERIALISE;
pub use crash_leaves_before_or_after::INVARIANT as CRASH_LEAVES_BEFORE_OR_AFTER;
pub use failure_is_no_rejection::INVARIANT as FAILURE_IS_NO_REJECTION;
pub use failure_leaves_before_or_after::INVARIANT as FAILURE_LEAVES_BEFORE_OR_AFTER;
pub use levels_follow_conflicts::INVARIANT as LEVELS_FOLLOW_CONFLICTS;
pub use mempool_chooses_by_rule::INVARIANT as MEMPOOL_CHOOSES_BY_RULE;
pub use mempool_keeps_by_rule::INVARIANT as MEMPOOL_KEEPS_BY_RULE;
pub use no_failure_without_fault::INVARIANT as NO_FAILURE_WITHOUT_FAULT;
pub use no_swallowed_panic::INVARIANT as NO_SWALLOWED_PANIC;
pub(crate) use no_swallowed_panic::swallowed;
pub use nonces_advance_by_applied::INVARIANT as NONCES_ADVANCE_BY_APPLIED;
pub use one_panic_still_gives_the_block::INVARIANT as ONE_PANIC_STILL_GIVES_THE_BLOCK;
pub use panic_leaves_no_trace::INVARIANT as PANIC_LEAVES_NO_TRACE;
pub use reads_agree::INVARIANT as READS_AGREE;
pub use reads_back::INVARIANT as READS_BACK;
pub use receipts_explain_balances::INVARIANT as RECEIPTS_EXPLAIN_BALANCES;
pub use rejected_leaves_no_trace::INVARIANT as REJECTED_LEAVES_NO_TRACE;
pub use rewind_restores::INVARIANT as REWIND_RESTORES;
pub use same_as_serial::INVARIANT as SAME_AS_SERIAL;
pub use supply_is_conserved::INVARIANT as SUPPLY_IS_CONSERVED;

/// Observations of one step of a run.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'e> {
    /// Rules of the ledger, equal on all its nodes.
    pub rules: &'e Rules,
    /// State of the subject before the step.
    pub before: &'e World,
    /// State of the subject after the step.
    pub after: &'e World,
    /// State of the oracle after the step.
    pub expected: &'e World,
    /// Kind of the step, with its answers.
    pub event: Event<'e>,
}

/// Kind of a step, with the observations that only this kind has.
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// A block arrived.
    Block {
        /// The block.
        block: &'e Block,
        /// Answer of the subject.
        got: Result<&'e BlockResult, &'e Refusal>,
        /// Answer of the oracle.
        expected: Result<&'e BlockResult, &'e Refusal>,
        /// Block and receipts that the subject keeps at the block's height afterwards.
        stored: Option<&'e StoredBlock>,
        /// Number of workers of the subject that were at work at once, where it counts them.
        at_work: Option<AtWork>,
    },
    /// Blocks were undone.
    Rewound {
        /// State of the subject when it had that height before.
        recorded: &'e World,
    },
    /// The ledger was closed and opened.
    Reopened,
    /// The whole state was read; nothing was asked of the ledger since the step before.
    ReadAgain,
    /// An operation was interrupted. The oracle completed it.
    Interrupted {
        /// Cause of the interruption.
        by: Interruption,
        /// Answer of the subject: the result of a block, nothing for any other operation.
        answer: Result<Option<&'e BlockResult>, &'e SubjectError>,
        /// Answer of the oracle, where the operation was a block.
        expected: Option<Result<&'e BlockResult, &'e Refusal>>,
    },
    /// The execution of a block panicked on one path, and another path was taken.
    Recovered {
        /// Message of the panic.
        from: &'e str,
        /// True if a panic was injected into this operation.
        was_injected: bool,
    },
    /// A concurrent request arrived while a block was added.
    ConcurrentRequest {
        /// Answer of the subject to the block.
        answer: Result<&'e BlockResult, &'e SubjectError>,
        /// The concurrent request and its answer.
        concurrent: &'e ConcurrentReport,
        /// Results of the two serial orders, that with the block first and that with the block last.
        orders: &'e [Order; 2],
    },
    /// The header of a template was submitted. The ledger before the step is that of the oracle.
    Template {
        /// The template, and whether its header alone was enough.
        template: &'e Template,
        /// Time between making and submitting it, by the clock, in milliseconds; negative where the
        /// clock went back.
        jump_ms: i64,
    },
    /// A question about a public read was answered.
    Read {
        /// The question.
        question: &'e Question,
        /// Answer of the subject.
        got: &'e Answer,
        /// Answer from the oracle's history.
        expected: &'e Answer,
    },
    /// A mempool was asked.
    Pool {
        /// The call, in words.
        call: &'e str,
        /// Answer of the subject.
        got: &'e PoolAnswer,
        /// Answer of the naive mempool.
        expected: &'e PoolAnswer,
    },
    /// The stored bytes were hashed.
    Kept {
        /// Hash of those of the subject.
        got: &'e blake3::Hash,
        /// Hash of those of a ledger that was built from the genesis by the blocks of the chain.
        rebuilt: &'e blake3::Hash,
        /// The first entry that differs, with table, key and both values, where the subject tells them.
        difference: Option<&'e str>,
    },
}

/// An answer of a mempool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolAnswer {
    /// A transaction was offered.
    Offered(Result<Hash, NotAccepted>),
    /// Number of transactions that wait, and the bytes of their encodings.
    Size(usize, u64),
    /// Transactions were chosen.
    Chosen(Vec<Transaction>),
    /// The header of a template.
    Template(Header),
}

/// Cause of an interrupted operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Power loss; the ledger was opened on the bytes that the disk had kept.
    Crash,
    /// The storage medium failed or was full.
    Failure,
    /// A panic of the execution.
    Panic,
    /// A panic of the execution, once and on a parallel path, from which it can recover.
    RecoverablePanic,
    /// A panic of the storage inside a commit.
    CommitPanic,
    /// The caller cancelled the operation.
    Cancellation,
}

/// Results of a block and a concurrent request in one serial order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// State of the ledger after both.
    pub world: World,
    /// Result of the block.
    pub block: Result<BlockResult, Refusal>,
    /// Result of the request; a block result where it added a block.
    pub concurrent: Result<Option<BlockResult>, Refusal>,
}

impl<'e> Event<'e> {
    /// Returns the block that the subject accepted, with its result.
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

/// Returns the first invariant that does not hold, with the difference in numbers.
#[must_use]
pub fn first_violation(evidence: &Evidence<'_>) -> Option<(&'static Invariant, String)> {
    first_violation_of(&ALL, evidence)
}

/// Like [`first_violation`], for these checks.
#[must_use]
pub fn first_violation_of(
    checks: &[Check],
    evidence: &Evidence<'_>,
) -> Option<(&'static Invariant, String)> {
    checks.iter().find_map(|check| {
        note_harness();
        (check.violation)(evidence).map(|detail| (check.invariant, detail))
    })
}

/// Describes the difference from the oracle, in numbers, as [`SAME_AS_SERIAL`] judges it.
pub(crate) fn differs_from_serial(evidence: &Evidence<'_>) -> Option<String> {
    (same_as_serial::CHECK.violation)(evidence)
}

/// Iterates over the applied transactions of a block, each with its effects.
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

/// Describes the first difference of two worlds; `None` where they are equal.
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
    for (field, expected, got) in [
        ("hash", expected.hash.to_string(), got.hash.to_string()),
        ("time", expected.time.to_string(), got.time.to_string()),
        (
            "digest",
            expected.digest.to_string(),
            got.digest.to_string(),
        ),
    ] {
        if expected != got {
            return Some(format!("the tip's {field} is {got}, expected {expected}"));
        }
    }
    None
}

/// Describes how a ledger after an interrupted operation differs from both the one before it and the
/// one after it; `None` where it equals one of them. Once answered, only the one after counts.
fn torn(evidence: &Evidence<'_>, answered: bool) -> Option<String> {
    let Evidence {
        before,
        after,
        expected,
        ..
    } = evidence;
    let from_after = difference(expected, after)?;
    if answered {
        return Some(format!(
            "the operation was answered and is not complete: {from_after}"
        ));
    }
    let from_before = difference(before, after)?;
    Some(format!(
        "the ledger is neither the one before, for {from_before}, nor the one after, for {from_after}"
    ))
}

/// Summarises an answer: `done`, or the text of the error.
fn in_words<T, E: std::fmt::Display>(answer: &Result<T, E>) -> String {
    match answer {
        Ok(_) => "done".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Describes the last versions of a cell, enough to see a difference.
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

//! A template is kept for its time, and its nonces are applicable.

use std::collections::BTreeMap;

use lockstep_core::model::{Cell, Nonce, Value};
use lockstep_harness::invariant;

use super::{Check, Event, Evidence};

/// Time for which the body of a template is kept, in milliseconds.
const TIME_TO_LIVE_MS: i64 = 300_000;

invariant! {
    /// The header alone of a template is accepted for 300 s by the clock, also where the clock goes back,
    /// and not for longer; the nonces of a template are the next ones of their accounts.
    pub static INVARIANT: "template-lives-its-time", exits Violated, catches "ClockStandsStill";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let Event::Template { template, jump_ms } = evidence.event else {
        return None;
    };
    // An empty body is not kept, and not needed.
    let is_expected = jump_ms < TIME_TO_LIVE_MS || template.block.transactions.is_empty();
    if template.is_known != is_expected {
        return Some(format!(
            "the clock went on by {jump_ms} ms, and the body of {} transactions is {}",
            template.block.transactions.len(),
            if template.is_known {
                "still known"
            } else {
                "unknown"
            }
        ));
    }
    // A transaction that is rejected for want of money leaves a gap for those after it: a template
    // looks at nonces alone.
    let mut next = BTreeMap::new();
    for (index, transaction) in template.block.transactions.iter().enumerate() {
        let source = transaction.source;
        let next = next.entry(source).or_insert_with(|| {
            match evidence.before.newest(Cell::Nonce(source)) {
                Some(Value::Nonce(nonce)) => *nonce,
                _ => Nonce(0),
            }
        });
        if transaction.nonce != *next {
            return Some(format!(
                "transaction {index} of the template has nonce {}, the next of {source} is {next}",
                transaction.nonce
            ));
        }
        *next = Nonce(next.0.saturating_add(1));
    }
    None
}

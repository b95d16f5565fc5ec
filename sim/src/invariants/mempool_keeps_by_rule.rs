//! Transactions that wait: accepted, replaced, given way, used up.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, PoolAnswer};

invariant! {
    /// A mempool accepts and drops transactions as the naive one does: one a source and nonce, the cheapest
    /// give way, a block takes those that it used.
    pub static INVARIANT: "mempool-keeps-by-rule", exits Violated, catches "pool-not-told";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let Event::Pool {
        call,
        got,
        expected,
    } = evidence.event
    else {
        return None;
    };
    match (got, expected) {
        (PoolAnswer::Offered(got), PoolAnswer::Offered(expected)) if got != expected => {
            Some(format!("{call}: answered {got:?}, expected {expected:?}"))
        }
        (PoolAnswer::Size(..), PoolAnswer::Size(..)) if got != expected => {
            Some(format!("{call}: it has {got:?}, expected {expected:?}"))
        }
        _ => None,
    }
}

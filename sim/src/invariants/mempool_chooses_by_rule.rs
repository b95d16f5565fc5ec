//! The choice among transactions that wait.

use lockstep_core::model::Transaction;
use lockstep_harness::invariant;

use super::{Check, Event, Evidence, PoolAnswer};

invariant! {
    /// A mempool chooses by fee, then by identity, each source in the order of its nonces without a gap, as
    /// many as fit; a template is that choice.
    pub static INVARIANT: "mempool-chooses-by-rule", exits Violated, catches "fee-tie-by-arrival";
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
        (PoolAnswer::Chosen(got), PoolAnswer::Chosen(expected)) => {
            let mut places = 0..got.len().max(expected.len());
            let first = places.find(|place| got.get(*place) != expected.get(*place))?;
            Some(format!(
                "{call}: {} chosen, expected {}; number {first} is {}, expected {}",
                got.len(),
                expected.len(),
                brief(got.get(first)),
                brief(expected.get(first))
            ))
        }
        (PoolAnswer::Template(got), PoolAnswer::Template(expected)) => {
            (got != expected).then(|| format!("{call}: {got:?}, expected {expected:?}"))
        }
        _ => None,
    }
}

fn brief(transaction: Option<&Transaction>) -> String {
    transaction.map_or("none".to_owned(), |one| {
        format!("nonce {} of {} with fee {}", one.nonce, one.source, one.fee)
    })
}

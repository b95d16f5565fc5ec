//! The real executor over a graph that has missed a conflict.

use lockstep_core::model::Outcome;

use crate::batch::{Batch, stored, transfer};
use crate::executor::{balance, execute, prefetch, state};
use crate::{expect_found, explore};

const SERIAL: &str = "a transaction finds what the one before it left";

/// The second transaction spends what the first one sends to its sender.
fn send_and_spend(batch: Batch) {
    let state = state(&stored(&[0]));
    prefetch(&state, &[0, 1, 2]);
    let outcomes = execute(batch, &state, 2);
    let is_applied = |outcome: &Outcome| matches!(outcome, Outcome::Applied { .. });
    assert!(outcomes.iter().all(is_applied), "{SERIAL}: {outcomes:?}");
    assert_eq!(balance(&state, 2), 7);
}

#[test]
fn a_conflict_missed_is_found() {
    let racy = Batch::with_graph_of(
        vec![transfer(0, 0, &[(1, 7)]), transfer(1, 0, &[(2, 7)])],
        // Its receivers are left out.
        &[transfer(0, 0, &[]), transfer(1, 0, &[])],
    );
    expect_found("a_conflict_missed", SERIAL, move || send_and_spend(racy));
}

#[test]
fn a_conflict_seen_is_kept_apart() {
    let batch = Batch::of(vec![transfer(0, 0, &[(1, 7)]), transfer(1, 0, &[(2, 7)])]);
    explore("a_conflict_seen_is_kept_apart", move || {
        send_and_spend(batch)
    });
}

//! The state that workers share, and transactions on it.

use std::sync::Arc;

use lockstep_core::model::{Amount, Asset, Cell, Effect, Nonce, Outcome, Payload, Rejection};
use lockstep_core::transition::StateView;

use super::execute::SharedState;
use super::{execute, state};
use crate::batch::{Batch, HAD, SHARDS, account, stored, transaction, transfer};
use crate::{explore, explore_within, thread};

const A: u8 = 0;
const B: u8 = 1;
const C: u8 = 2;
/// In the shard of [`A`].
const LIKE_A: u8 = A + SHARDS;
/// In the shard of [`B`].
const LIKE_B: u8 = B + SHARDS;

pub(crate) fn balance(state: &SharedState, number: u8) -> u64 {
    let balance = state.view().balance(account(number), Asset::NATIVE);
    balance.expect("memory does not fail").0
}

fn nonce(state: &SharedState, number: u8) -> Option<Nonce> {
    let nonce = state.view().nonce(account(number));
    nonce.expect("memory does not fail")
}

fn credit(state: &SharedState, number: u8, amount: u64) {
    let credited = state.credit(account(number), Asset::NATIVE, Amount(amount));
    credited.expect("memory does not fail");
}

/// Takes something from one cell: a write with a single load.
fn debit(state: &SharedState, number: u8, amount: u64) {
    let debit = Effect::Debit {
        account: account(number),
        asset: Asset::NATIVE,
        amount: Amount(amount),
    };
    state.apply(&[debit]).expect("the balance suffices");
}

pub(crate) fn prefetch(state: &SharedState, numbers: &[u8]) {
    let cells = numbers.iter().map(|number| account(*number));
    let cells = cells.flat_map(|account| {
        [
            Cell::Nonce(account),
            Cell::Multisig(account),
            Cell::Balance(account, Asset::NATIVE),
        ]
    });
    let loaded = state.prefetch(cells.collect());
    loaded.expect("memory does not fail");
}

/// One thread, and beside it this one.
fn at_once(
    state: &Arc<SharedState>,
    first: impl FnOnce(&SharedState) + Send + 'static,
    beside: impl FnOnce(&SharedState),
) {
    let other = Arc::clone(state);
    let thread = thread::spawn(move || first(&other));
    beside(state);
    thread.join().expect("no call panics");
}

fn all_applied(outcomes: &[Outcome]) -> bool {
    let is_applied = |outcome: &Outcome| matches!(outcome, Outcome::Applied { .. });
    outcomes.iter().all(is_applied)
}

#[test]
fn two_lazy_loads_of_a_cell_agree() {
    let storage = stored(&[A]);
    explore("two_lazy_loads_of_a_cell_agree", move || {
        let state = state(&storage);
        let read = |state: &SharedState| assert_eq!(balance(state, A), HAD);
        at_once(&state, read, read);
        assert_eq!(nonce(&state, A), Some(Nonce(0)));
    });
}

#[test]
fn a_lazy_load_beside_a_write_loses_no_write() {
    let storage = stored(&[A]);
    explore("a_lazy_load_beside_a_write_loses_no_write", move || {
        let state = state(&storage);
        at_once(
            &state,
            |state| debit(state, A, 1),
            |state| {
                let seen = balance(state, A);
                assert!(seen == HAD || seen == HAD - 1, "{seen} is before or after");
            },
        );
        assert_eq!(balance(&state, A), HAD - 1);
    });
}

#[test]
fn a_batched_load_beside_a_write_loses_no_write() {
    let storage = stored(&[A, LIKE_A]);
    explore("a_batched_load_beside_a_write_loses_no_write", move || {
        let state = state(&storage);
        at_once(
            &state,
            |state| {
                let cells = [A, LIKE_A].map(|number| Cell::Balance(account(number), Asset::NATIVE));
                state
                    .prefetch(cells.to_vec())
                    .expect("memory does not fail");
            },
            |state| debit(state, A, 1),
        );
        let balances = [A, LIKE_A].map(|number| balance(&state, number));
        assert_eq!(balances, [HAD - 1, HAD]);
    });
}

#[test]
fn two_additive_credits_both_count() {
    let storage = stored(&[]);
    explore_within(6, "two_additive_credits_both_count", move || {
        let state = state(&storage);
        at_once(
            &state,
            |state| credit(state, A, 1),
            |state| credit(state, A, 2),
        );
        assert_eq!(balance(&state, A), 3);
        // An account that is credited is registered, once.
        assert_eq!(nonce(&state, A), Some(Nonce(0)));
    });
}

/// Two transactions with nothing in common but their shards, which they take in opposite order.
#[test]
fn disjoint_accounts_of_the_same_shards_do_not_meet() {
    let storage = stored(&[A, B, LIKE_A, LIKE_B]);
    let batch = Batch::of(vec![
        transfer(A, 0, &[(B, 1)]),
        transfer(LIKE_B, 0, &[(LIKE_A, 2)]),
    ]);
    assert_eq!(batch.graph.depth(), 1);
    explore(
        "disjoint_accounts_of_the_same_shards_do_not_meet",
        move || {
            let state = state(&storage);
            prefetch(&state, &[A, B, LIKE_A, LIKE_B]);
            assert!(all_applied(&execute(batch, &state, 2)));
            let balances = [A, B, LIKE_A, LIKE_B].map(|number| balance(&state, number));
            assert_eq!(balances, [HAD - 1, HAD + 1, HAD + 2, HAD - 2]);
        },
    );
}

/// The second transaction spends what the first one sends.
#[test]
fn a_debit_after_a_credit_of_one_account_finds_it() {
    let storage = stored(&[A]);
    let batch = Batch::of(vec![transfer(A, 0, &[(B, 7)]), transfer(B, 0, &[(C, 7)])]);
    assert_eq!(batch.graph.depth(), 2);
    explore(
        "a_debit_after_a_credit_of_one_account_finds_it",
        move || {
            let state = state(&storage);
            prefetch(&state, &[A, B, C]);
            assert!(all_applied(&execute(batch, &state, 2)));
            let balances = [A, B, C].map(|number| balance(&state, number));
            assert_eq!(balances, [HAD - 7, 0, 7]);
        },
    );
}

/// One transaction pays two accounts, and each of them spends what it got: one of the two on another
/// thread, in most interleavings.
#[test]
fn what_one_worker_credits_another_may_spend() {
    let storage = stored(&[A]);
    let batch = Batch::of(vec![
        transfer(A, 0, &[(B, 7), (C, 5)]),
        transfer(B, 0, &[(LIKE_A, 7)]),
        transfer(C, 0, &[(LIKE_A, 5)]),
    ]);
    assert_eq!(batch.graph.waits_for(), [0, 1, 1]);
    explore("what_one_worker_credits_another_may_spend", move || {
        let state = state(&storage);
        prefetch(&state, &[A, B, C, LIKE_A]);
        assert!(all_applied(&execute(batch, &state, 2)));
        let balances = [A, B, C, LIKE_A].map(|number| balance(&state, number));
        assert_eq!(balances, [HAD - 12, 0, 0, 12]);
    });
}

/// Two transactions of one sender, who can pay for one of them.
#[test]
fn a_sender_spends_once_what_it_has_once() {
    let storage = stored(&[A]);
    let batch = Batch::of(vec![
        transfer(A, 0, &[(B, HAD)]),
        transfer(A, 1, &[(C, HAD)]),
    ]);
    explore("a_sender_spends_once_what_it_has_once", move || {
        let state = state(&storage);
        prefetch(&state, &[A, B, C]);
        let outcomes = execute(batch, &state, 2);
        assert!(all_applied(&outcomes[..1]));
        // Not for its nonce: the second was executed after the first.
        let Outcome::Rejected(Rejection::Balance { available, .. }) = &outcomes[1] else {
            panic!("the second is rejected for its amount: {:?}", outcomes[1]);
        };
        assert_eq!(*available, Amount::ZERO);
        let balances = [A, B, C].map(|number| balance(&state, number));
        assert_eq!(balances, [0, HAD, 0]);
    });
}

/// Credits commute: two senders with one recipient are executed at once.
#[test]
fn two_transactions_credit_one_account() {
    let storage = stored(&[A, B]);
    let batch = Batch::of(vec![transfer(A, 0, &[(C, 1)]), transfer(B, 0, &[(C, 2)])]);
    assert_eq!(batch.graph.depth(), 1);
    explore("two_transactions_credit_one_account", move || {
        let state = state(&storage);
        prefetch(&state, &[A, B, C]);
        assert!(all_applied(&execute(batch, &state, 2)));
        let balances = [A, B, C].map(|number| balance(&state, number));
        assert_eq!(balances, [HAD - 1, HAD - 2, 3]);
    });
}

/// The counters of a block are sums over what became of its transactions.
#[test]
fn fees_and_burns_of_two_workers_add_up() {
    let storage = stored(&[A, B]);
    let burn = |source, fee, amount| {
        let amount = Amount(amount);
        let asset = Asset::NATIVE;
        let mut burn = transaction(source, 0, Payload::Burn { asset, amount });
        burn.fee = Amount(fee);
        burn
    };
    let batch = Batch::of(vec![burn(A, 1, 10), burn(B, 2, 20)]);
    assert_eq!(batch.graph.depth(), 1);
    explore("fees_and_burns_of_two_workers_add_up", move || {
        let state = state(&storage);
        prefetch(&state, &[A, B]);
        let mut fees = 0;
        for outcome in execute(batch, &state, 2) {
            let Outcome::Applied { fee, .. } = outcome else {
                panic!("a burn within the balance is applied: {outcome:?}");
            };
            fees += fee.0;
        }
        assert_eq!(fees, 3);
        assert_eq!(
            (balance(&state, A), balance(&state, B)),
            (HAD - 11, HAD - 22)
        );
    });
}

//! Tests of the mempool: the transactions that wait for a block, the choice among them, and its order.

use std::convert::Infallible;

use crate::common;
use crate::common::{GOLD, NETWORK, all_applied, forge, from, key, keys, ledger};
use lockstep_core::chain::{Mempool, MempoolError, MempoolLimits, NonceChecker};
use lockstep_core::codec::{encoded_len, transaction_id};
use lockstep_core::model::{Amount, Network, Nonce, PublicKey, Rejection, Transaction};

fn mempool(transactions: usize, bytes: u64) -> Mempool {
    Mempool::new(
        NETWORK,
        MempoolLimits {
            transactions,
            bytes,
        },
    )
}

fn roomy() -> Mempool {
    Mempool::new(NETWORK, MempoolLimits::default())
}

/// A transaction of this source; all of them have one size.
fn pay(source: &str, nonce: u64, fee: u64) -> Transaction {
    from(&key(source), nonce)
        .fee(fee)
        .pay(&key("bob"), 1)
        .sign()
}

fn size() -> u64 {
    encoded_len(&pay("alice", 0, 0))
}

fn fill(mempool: &mut Mempool, transactions: &[Transaction]) {
    for transaction in transactions {
        let id = mempool.insert(transaction.clone()).expect("there is room");
        assert_eq!(id, transaction_id(transaction));
    }
}

/// Returns the transactions that are chosen for a block while every account has nonce 0.
fn chosen(mempool: &Mempool, count: usize, bytes: u64) -> Vec<Transaction> {
    let nonce_of = |_: PublicKey| Ok::<_, Infallible>(Nonce(0));
    let Ok(chosen) = mempool.choose(nonce_of, count, bytes);
    chosen
}

fn all(mempool: &Mempool) -> Vec<Transaction> {
    chosen(mempool, usize::MAX, u64::MAX)
}

fn waits(mempool: &Mempool, transaction: &Transaction) -> bool {
    let nonce_of = |_: PublicKey| Ok::<_, Infallible>(transaction.nonce);
    let Ok(chosen) = mempool.choose(nonce_of, usize::MAX, u64::MAX);
    chosen.contains(transaction)
}

#[test]
fn the_default_limits_are_100000_transactions_and_64_mib() {
    let limits = MempoolLimits::default();
    assert_eq!((limits.transactions, limits.bytes), (100_000, 67_108_864));
}

#[test]
fn waiting_transactions_are_counted_with_their_bytes() {
    let mut mempool = roomy();
    fill(&mut mempool, &[pay("alice", 0, 1), pay("carol", 0, 1)]);
    assert_eq!(mempool.size(), (2, 2 * size()));
}

#[test]
fn a_transaction_that_no_block_would_apply_does_not_wait() {
    let mut mempool = roomy();
    let foreign = from(&key("alice"), 0).network(Network::Mainnet);
    let alice = key("alice").public();
    for (transaction, reason) in [
        (
            foreign.pay(&key("bob"), 1).sign(),
            Rejection::Network {
                expected: NETWORK,
                got: Network::Mainnet,
            },
        ),
        (
            from(&key("alice"), 0).sign(),
            Rejection::TransferCount { got: 0 },
        ),
        (
            forge(pay("alice", 0, 9)),
            Rejection::Signature { signer: alice },
        ),
    ] {
        let refused = mempool.insert(transaction);
        assert_eq!(refused, Err(MempoolError::Rejected(reason)));
    }
    assert_eq!(mempool.size(), (0, 0));
}

#[test]
fn a_transaction_that_waits_already_is_known() {
    let mut mempool = roomy();
    fill(&mut mempool, &[pay("alice", 0, 1)]);
    let again = mempool.insert(pay("alice", 0, 1));
    assert_eq!(again, Err(MempoolError::Known));
    assert_eq!(mempool.size(), (1, size()));
}

#[test]
fn a_transaction_that_pays_more_replaces_the_one_with_its_nonce() {
    let mut mempool = roomy();
    fill(&mut mempool, &[pay("alice", 0, 1), pay("alice", 0, 2)]);
    assert_eq!(mempool.size(), (1, size()));
    assert_eq!(all(&mempool), [pay("alice", 0, 2)]);
}

#[test]
fn a_replacement_in_a_full_mempool_displaces_no_other() {
    let mut mempool = mempool(2, u64::MAX);
    fill(&mut mempool, &[pay("carol", 0, 1), pay("alice", 0, 2)]);
    fill(&mut mempool, &[pay("alice", 0, 3)]);
    assert_eq!(all(&mempool), [pay("alice", 0, 3), pay("carol", 0, 1)]);
}

#[test]
fn a_transaction_that_pays_as_much_or_less_is_underpriced_and_told_what_is_offered() {
    let mut mempool = roomy();
    fill(&mut mempool, &[pay("alice", 0, 5)]);
    let offered = Amount(5);
    let other = from(&key("alice"), 0).fee(5).pay(&key("carol"), 1).sign();
    for cheap in [other, pay("alice", 0, 4)] {
        let refused = mempool.insert(cheap);
        assert_eq!(refused, Err(MempoolError::Underpriced { offered }));
    }
    assert_eq!(all(&mempool), [pay("alice", 0, 5)]);
}

#[test]
fn a_forged_replacement_replaces_nothing() {
    let mut mempool = roomy();
    fill(&mut mempool, &[pay("alice", 0, 1)]);
    let refused = mempool.insert(forge(pay("alice", 0, 9)));
    assert!(matches!(refused, Err(MempoolError::Rejected(_))));
    assert_eq!(all(&mempool), [pay("alice", 0, 1)]);
    assert_eq!(mempool.size(), (1, size()));
}

#[test]
fn a_forged_transaction_displaces_nothing() {
    let mut mempool = mempool(1, u64::MAX);
    fill(&mut mempool, &[pay("alice", 0, 1)]);
    let refused = mempool.insert(forge(pay("carol", 0, 9)));
    assert!(matches!(refused, Err(MempoolError::Rejected(_))));
    assert_eq!(all(&mempool), [pay("alice", 0, 1)]);
}

#[test]
fn where_the_count_is_full_the_cheapest_goes() {
    let mut mempool = mempool(3, u64::MAX);
    fill(
        &mut mempool,
        &[
            pay("alice", 0, 5),
            pay("carol", 0, 2),
            pay("dora", 0, 3),
            pay("emil", 0, 4),
        ],
    );
    assert_eq!(
        all(&mempool),
        [pay("alice", 0, 5), pay("emil", 0, 4), pay("dora", 0, 3)]
    );
    assert_eq!(mempool.size(), (3, 3 * size()));
}

#[test]
fn where_the_bytes_are_full_as_many_of_the_cheapest_go_as_are_needed() {
    let mut mempool = mempool(99, 3 * size());
    fill(
        &mut mempool,
        &[pay("alice", 0, 1), pay("carol", 0, 2), pay("dora", 0, 9)],
    );
    // Takes the room of two.
    let big = from(&key("emil"), 0)
        .fee(5)
        .pay(&key("bob"), 1)
        .pay_of(GOLD, &key("bob"), 1)
        .sign();
    fill(&mut mempool, std::slice::from_ref(&big));
    assert_eq!(all(&mempool), [pay("dora", 0, 9), big.clone()]);
    assert_eq!(mempool.size(), (2, size() + encoded_len(&big)));
}

/// A replaced transaction gives back its own bytes and no others.
#[test]
fn where_one_that_is_larger_replaces_another_the_cheapest_go_as_well() {
    let mut mempool = mempool(99, 3 * size());
    fill(
        &mut mempool,
        &[pay("alice", 0, 1), pay("carol", 0, 2), pay("dora", 0, 9)],
    );
    let big = from(&key("dora"), 0)
        .fee(10)
        .pay(&key("bob"), 1)
        .pay_of(GOLD, &key("bob"), 1)
        .sign();
    fill(&mut mempool, std::slice::from_ref(&big));
    assert_eq!(all(&mempool), [big.clone(), pay("carol", 0, 2)]);
    assert_eq!(mempool.size(), (2, size() + encoded_len(&big)));
}

#[test]
fn a_transaction_that_pays_no_more_than_the_cheapest_finds_the_mempool_full() {
    let mut mempool = mempool(2, u64::MAX);
    fill(&mut mempool, &[pay("alice", 0, 5), pay("carol", 0, 5)]);
    for fee in [4, 5] {
        let refused = mempool.insert(pay("dora", 0, fee));
        assert_eq!(refused, Err(MempoolError::Full));
    }
    assert_eq!(mempool.size(), (2, 2 * size()));
}

#[test]
fn a_transaction_that_does_not_fit_without_all_cheaper_ones_displaces_none() {
    let mut mempool = mempool(9, 2 * size());
    fill(&mut mempool, &[pay("alice", 0, 1), pay("carol", 0, 9)]);
    let big = from(&key("emil"), 0)
        .fee(5)
        .pay(&key("bob"), 1)
        .pay(&key("carol"), 1)
        .sign();
    assert_eq!(mempool.insert(big), Err(MempoolError::Full));
    assert_eq!(mempool.size(), (2, 2 * size()));
}

#[test]
fn nothing_fits_in_a_mempool_without_room() {
    for mut mempool in [mempool(0, u64::MAX), mempool(9, size() - 1)] {
        let refused = mempool.insert(pay("alice", 0, 9));
        assert_eq!(refused, Err(MempoolError::Full));
    }
    fill(&mut mempool(1, size()), &[pay("alice", 0, 9)]);
}

#[test]
fn a_replacement_needs_the_room_of_the_difference_alone() {
    let mut mempool = mempool(1, size());
    fill(&mut mempool, &[pay("alice", 0, 1), pay("alice", 0, 2)]);
    assert_eq!(all(&mempool), [pay("alice", 0, 2)]);
}

#[test]
fn a_replacement_that_is_larger_than_the_room_finds_the_mempool_full() {
    let mut mempool = mempool(9, 2 * size());
    let waiting = [pay("carol", 0, 5), pay("alice", 0, 1)];
    fill(&mut mempool, &waiting);
    let larger = from(&key("alice"), 0)
        .fee(2)
        .pay(&key("bob"), 1)
        .pay(&key("carol"), 1)
        .sign();
    assert_eq!(mempool.insert(larger), Err(MempoolError::Full));
    assert_eq!(all(&mempool), waiting);
}

#[test]
fn a_flood_never_exceeds_the_limits_and_leaves_those_that_pay_most() {
    let people = keys(60);
    let mut mempool = mempool(10, 9 * size());
    for (index, person) in people.iter().enumerate() {
        // Fees in no order: 0 to 59, each once.
        let fee = (index as u64 * 37) % 60;
        let _ = mempool.insert(from(person, 0).fee(fee).pay(&key("bob"), 1).sign());
        let (count, bytes) = mempool.size();
        assert!(count <= 10 && bytes <= 9 * size());
    }
    let fees: Vec<u64> = all(&mempool).iter().map(|one| one.fee.0).collect();
    assert_eq!(fees, [59, 58, 57, 56, 55, 54, 53, 52, 51]);
}

#[test]
fn the_highest_fee_is_chosen_first() {
    let mut mempool = roomy();
    fill(
        &mut mempool,
        &[pay("alice", 0, 1), pay("carol", 0, 3), pay("dora", 0, 2)],
    );
    assert_eq!(
        all(&mempool),
        [pay("carol", 0, 3), pay("dora", 0, 2), pay("alice", 0, 1)]
    );
}

#[test]
fn among_equal_fees_the_lowest_identity_is_chosen_first() {
    let mut mempool = roomy();
    let mut expected: Vec<_> = ["alice", "carol", "dora", "emil"]
        .map(|name| pay(name, 0, 7))
        .into();
    fill(&mut mempool, &expected);
    expected.sort_by_key(transaction_id);
    assert_eq!(all(&mempool), expected);
}

#[test]
fn nonces_of_one_sender_are_consecutive_whatever_they_pay() {
    let mut mempool = roomy();
    fill(
        &mut mempool,
        &[
            pay("alice", 2, 9),
            pay("alice", 1, 1),
            pay("alice", 0, 5),
            pay("carol", 0, 3),
        ],
    );
    // Carol pays more than alice's second, and alice's third waits for it.
    assert_eq!(
        all(&mempool),
        [
            pay("alice", 0, 5),
            pay("carol", 0, 3),
            pay("alice", 1, 1),
            pay("alice", 2, 9)
        ]
    );
}

#[test]
fn a_transaction_behind_a_gap_waits() {
    let mut mempool = roomy();
    fill(
        &mut mempool,
        &[pay("alice", 0, 1), pay("alice", 2, 9), pay("carol", 1, 9)],
    );
    assert_eq!(all(&mempool), [pay("alice", 0, 1)]);
}

#[test]
fn a_transaction_with_a_used_nonce_is_not_chosen() {
    let mut mempool = roomy();
    fill(&mut mempool, &[pay("alice", 0, 9), pay("alice", 1, 1)]);
    let nonce_of = |_: PublicKey| Ok::<_, Infallible>(Nonce(1));
    let Ok(chosen) = mempool.choose(nonce_of, 9, u64::MAX);
    assert_eq!(chosen, [pay("alice", 1, 1)]);
}

#[test]
fn no_more_are_chosen_than_the_count() {
    let mut mempool = roomy();
    fill(&mut mempool, &[pay("alice", 0, 1), pay("carol", 0, 3)]);
    assert_eq!(chosen(&mempool, 1, u64::MAX), [pay("carol", 0, 3)]);
    assert_eq!(chosen(&mempool, 0, u64::MAX), []);
}

#[test]
fn no_more_are_chosen_than_the_bytes() {
    let mut mempool = roomy();
    fill(&mut mempool, &[pay("alice", 0, 1), pay("carol", 0, 3)]);
    assert_eq!(chosen(&mempool, 9, 2 * size()).len(), 2);
    assert_eq!(chosen(&mempool, 9, 2 * size() - 1), [pay("carol", 0, 3)]);
    assert_eq!(chosen(&mempool, 9, size() - 1), []);
}

#[test]
fn a_source_whose_next_does_not_fit_waits_and_smaller_ones_of_others_go() {
    let mut mempool = roomy();
    let big = from(&key("alice"), 0)
        .fee(9)
        .pay(&key("bob"), 1)
        .pay(&key("bob"), 1)
        .sign();
    fill(&mut mempool, &[big, pay("alice", 1, 8), pay("carol", 0, 1)]);
    assert_eq!(chosen(&mempool, 9, size()), [pay("carol", 0, 1)]);
}

#[test]
fn a_failure_to_read_a_nonce_fails_the_choice() {
    let mut mempool = roomy();
    fill(&mut mempool, &[pay("alice", 0, 1)]);
    let failed = mempool.choose(|_| Err::<Nonce, _>("the disk is gone"), 9, u64::MAX);
    assert_eq!(failed, Err("the disk is gone"));
}

#[test]
fn transactions_with_a_nonce_that_a_block_used_are_dropped() {
    let mut mempool = roomy();
    fill(
        &mut mempool,
        &[
            pay("alice", 0, 1),
            pay("alice", 1, 1),
            pay("alice", 2, 1),
            pay("carol", 0, 1),
        ],
    );
    let mut ledger = ledger().has(&key("alice"), 9).open();
    // Another transaction with nonce 0, and the very one with nonce 1.
    let added = ledger.add([
        from(&key("alice"), 0).pay(&key("dora"), 1).sign(),
        pay("alice", 1, 1),
    ]);
    all_applied(&added);
    mempool.forget_used(&added.state_diff);
    assert_eq!(mempool.size(), (2, 2 * size()));
    assert!(waits(&mempool, &pay("alice", 2, 1)));
    assert!(waits(&mempool, &pay("carol", 0, 1)));
}

#[test]
fn a_transaction_that_a_block_rejected_waits_on() {
    let mut mempool = roomy();
    fill(&mut mempool, &[pay("alice", 0, 1)]);
    let added = ledger().open().add([pay("alice", 0, 1)]);
    mempool.forget_used(&added.state_diff);
    assert_eq!(mempool.size(), (1, size()));
}

/// Room that was made is room: counts and bytes go down with each transaction that is dropped.
#[test]
fn after_forgetting_there_is_room_again() {
    let mut mempool = mempool(1, size());
    fill(&mut mempool, &[pay("alice", 0, 9)]);
    mempool.forget_used(&[(common::nonce_cell(&key("alice")), common::nonce_value(1))]);
    assert_eq!(mempool.size(), (0, 0));
    fill(&mut mempool, &[pay("carol", 0, 0)]);
}

#[test]
fn the_nonce_checker_wants_the_expected_nonce_and_then_the_next() {
    let alice = key("alice").public();
    let mut checker = NonceChecker::default();
    checker.expect(alice, Nonce(5));
    assert_eq!(checker.next(alice), Some(Nonce(5)));
    for got in [4, 6] {
        let refused = checker.check(alice, Nonce(got));
        let (expected, got) = (Nonce(5), Nonce(got));
        assert_eq!(refused, Err(Rejection::Nonce { expected, got }));
    }
    assert_eq!(checker.check(alice, Nonce(5)), Ok(()));
    assert_eq!(checker.next(alice), Some(Nonce(6)));
}

#[test]
fn the_nonce_checker_begins_at_0_for_an_unknown_source() {
    let alice = key("alice").public();
    let mut checker = NonceChecker::default();
    assert_eq!(checker.next(alice), None);
    assert_eq!(checker.check(alice, Nonce(0)), Ok(()));
    assert_eq!(checker.check(alice, Nonce(1)), Ok(()));
}

#[test]
fn a_nonce_that_is_refused_leaves_the_nonce_checker_as_it_was() {
    let alice = key("alice").public();
    let mut checker = NonceChecker::default();
    assert!(checker.check(alice, Nonce(7)).is_err());
    assert_eq!(checker, NonceChecker::default());
}

#[test]
fn the_nonce_checker_has_nothing_after_the_last_nonce() {
    let alice = key("alice").public();
    let mut checker = NonceChecker::default();
    checker.expect(alice, Nonce(u64::MAX - 1));
    assert_eq!(checker.check(alice, Nonce(u64::MAX - 1)), Ok(()));
    // An account with the last nonce is exhausted: the rules never advance it.
    assert_eq!(
        checker.check(alice, Nonce(u64::MAX)),
        Err(Rejection::NonceExhausted)
    );
    assert_eq!(checker.next(alice), None);
}

#[test]
fn a_transaction_that_can_never_advance_its_nonce_is_not_chosen() {
    let mut mempool = roomy();
    fill(&mut mempool, &[pay("alice", u64::MAX, 1)]);
    let nonce_of = |_: PublicKey| Ok::<_, Infallible>(Nonce(u64::MAX));
    let Ok(chosen) = mempool.choose(nonce_of, 9, u64::MAX);
    assert_eq!(chosen, []);
}

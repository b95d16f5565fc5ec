//! Tests of state diffs, versions, the digest that covers them, and conservation over any history.

use crate::common;
use crate::common::{
    GOLD, Unsigned, all_applied, assert_conserved, balance_cell, balance_value, from, key, keys,
    ledger, nonce_cell, nonce_value, version,
};
use lockstep_core::model::{Amount, Asset, Cell, Hash, Height, Receipt, Value};
use lockstep_core::signature::Keypair;
use proptest::prelude::*;

/// The digest as docs/ledger-rules.md defines it, from the encodings.
fn digest(parent: Hash, changes: &[(Cell, Value)], receipts: &[Receipt]) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key("lockstep 1 block digest");
    hasher.update(&parent.0);
    hasher.update(&borsh::to_vec(changes).expect("changes encode"));
    hasher.update(&borsh::to_vec(receipts).expect("receipts encode"));
    Hash(hasher.finalize().into())
}

#[test]
fn the_newest_versions_of_cells_are_the_first_of_their_histories() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    ledger.add([from(&alice, 0).pay(&bob, 1).sign()]);
    ledger.add([from(&alice, 1).pay(&alice, 2).sign()]);
    let absent = balance_cell(&key("carol"));
    // In no order, and one twice.
    let cells = [
        nonce_cell(&alice),
        absent,
        balance_cell(&bob),
        nonce_cell(&alice),
    ];
    let newest = ledger.chain.newest(&cells).expect("cells are readable");
    assert_eq!(
        newest,
        [
            Some(version(2, Some(1), nonce_value(2))),
            None,
            Some(version(1, None, balance_value(1))),
            Some(version(2, Some(1), nonce_value(2))),
        ]
    );
    for (cell, newest) in cells.into_iter().zip(newest) {
        assert_eq!(ledger.history(cell).into_iter().next(), newest);
    }
}

#[test]
fn a_value_that_differs_has_a_version_at_the_blocks_height() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    ledger.add([from(&alice, 0).pay(&bob, 1).sign()]);
    ledger.add([]);
    ledger.add([from(&alice, 1).pay(&bob, 2).sign()]);
    assert_eq!(
        ledger.history(balance_cell(&alice)),
        [
            version(3, Some(1), balance_value(97)),
            version(1, Some(0), balance_value(99)),
            version(0, None, balance_value(100)),
        ]
    );
    assert_eq!(
        ledger.history(nonce_cell(&alice)),
        [
            version(3, Some(1), nonce_value(2)),
            version(1, Some(0), nonce_value(1)),
            version(0, None, nonce_value(0)),
        ]
    );
    assert_eq!(
        ledger.history(nonce_cell(&bob)),
        [version(1, None, nonce_value(0))]
    );
}

#[test]
fn several_transactions_of_a_block_make_one_version() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    let pay = |nonce| from(&alice, nonce).pay(&bob, 1).sign();
    ledger.add([pay(0), pay(1), pay(2)]);
    assert_eq!(
        ledger.history(balance_cell(&alice)),
        [
            version(1, Some(0), balance_value(97)),
            version(0, None, balance_value(100)),
        ]
    );
}

#[test]
fn a_balance_that_comes_and_goes_within_a_block_is_no_change() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    let added = ledger.add([
        from(&alice, 0).pay(&bob, 30).sign(),
        from(&bob, 0).pay(&alice, 30).sign(),
    ]);
    all_applied(&added);
    let mut expected = vec![
        (nonce_cell(&alice), nonce_value(1)),
        // Registered although its balance is what it was.
        (nonce_cell(&bob), nonce_value(1)),
    ];
    expected.sort_by_key(|(cell, _)| *cell);
    assert_eq!(added.state_diff, expected);
    assert_eq!(ledger.history(balance_cell(&bob)), []);
    assert_eq!(ledger.history(balance_cell(&alice)).len(), 1);
}

#[test]
fn a_balance_that_returned_to_zero_keeps_its_versions() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    ledger.add([from(&alice, 0).pay(&bob, 30).sign()]);
    let added = ledger.add([from(&bob, 0).pay(&alice, 30).sign()]);
    assert!(
        added
            .state_diff
            .contains(&(balance_cell(&bob), balance_value(0)))
    );
    ledger.add([from(&alice, 1).pay(&bob, 4).sign()]);
    assert_eq!(
        ledger.history(balance_cell(&bob)),
        [
            version(3, Some(2), balance_value(4)),
            version(2, Some(1), balance_value(0)),
            version(1, None, balance_value(30)),
        ]
    );
}

#[test]
fn a_zero_that_stays_zero_makes_no_further_version() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let mut ledger = ledger().has(&alice, 100).has(&carol, 5).open();
    ledger.add([from(&alice, 0).pay(&bob, 30).sign()]);
    ledger.add([from(&bob, 0).pay(&alice, 30).sign()]);
    ledger.add([
        from(&carol, 0).pay(&bob, 5).sign(),
        from(&bob, 1).pay(&carol, 5).sign(),
    ]);
    let newest = &ledger.history(balance_cell(&bob))[0];
    assert_eq!(*newest, version(2, Some(1), balance_value(0)));
}

#[test]
fn supplies_have_versions_like_everything_else() {
    let (alice, miner) = (key("alice"), key("m"));
    let mut ledger = ledger().has(&alice, 100).reward(7).open();
    ledger.add_of(&miner, [from(&alice, 0).burn(Asset::NATIVE, 3).sign()]);
    let native = |genesis, issued, burned| Value::Supply(common::supply(genesis, issued, burned));
    assert_eq!(
        ledger.history(Cell::Supply(Asset::NATIVE)),
        [
            version(1, Some(0), native(100, 7, 3)),
            version(0, None, native(100, 0, 0)),
        ]
    );
}

#[test]
fn the_value_at_a_height_is_the_one_after_its_block() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).open();
    ledger.add([]);
    ledger.add([from(&alice, 0).pay(&bob, 1).sign()]);
    ledger.add([]);
    let at = |cell, height| {
        let value = ledger.chain.value_at(cell, Height(height));
        value.expect("values are readable")
    };
    assert_eq!(at(balance_cell(&alice), 1), Some(balance_value(100)));
    assert_eq!(at(balance_cell(&alice), 2), Some(balance_value(99)));
    assert_eq!(at(balance_cell(&alice), 3), Some(balance_value(99)));
    assert_eq!(at(balance_cell(&alice), u64::MAX), Some(balance_value(99)));
    assert_eq!(at(balance_cell(&bob), 1), None);
    assert_eq!(at(balance_cell(&bob), 2), Some(balance_value(1)));
}

#[test]
fn cells_are_listed_page_by_page_without_gap_or_repetition() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).has_of(GOLD, &bob, 1).open();
    ledger.add([from(&alice, 0).multisig(1, &[&bob]).sign()]);
    let all = ledger.cells();
    assert_eq!(all.len(), 7, "two nonces, balances, supplies, one multisig");
    let mut paged = Vec::new();
    while let [cell] = ledger
        .chain
        .cells(paged.last().copied(), 1)
        .expect("cells are readable")[..]
    {
        paged.push(cell);
    }
    assert_eq!(paged, all);
}

#[test]
fn the_digest_covers_the_digest_before_the_changes_and_the_receipts() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).reward(7).open();
    let genesis = ledger.tip().digest;
    let first = ledger.add([
        from(&alice, 0).fee(1).pay(&bob, 3).sign(),
        from(&alice, 5).pay(&bob, 3).sign(),
    ]);
    assert_eq!(
        first.tip.digest,
        digest(genesis, &first.state_diff, &first.receipts)
    );
    let second = ledger.add([]);
    assert_eq!(
        second.tip.digest,
        digest(first.tip.digest, &second.state_diff, &[])
    );
}

#[test]
fn blocks_that_differ_in_a_rejected_receipt_alone_have_different_digests() {
    let alice = key("alice");
    let setup = ledger().has(&alice, 100);
    let rejected = |nonce| {
        setup
            .open()
            .add([from(&alice, nonce).pay(&alice, 1).sign()])
    };
    let (one, other) = (rejected(5), rejected(6));
    assert_eq!(one.state_diff, other.state_diff);
    assert_ne!(one.tip.digest, other.tip.digest);
}

#[test]
fn a_digest_depends_on_the_whole_history() {
    let (alice, bob) = (key("alice"), key("bob"));
    let setup = ledger().has(&alice, 100);
    let after = |first: u64, second: u64| {
        let mut ledger = setup.open();
        ledger.add([from(&alice, 0).pay(&bob, first).sign()]);
        ledger.add([from(&alice, 1).pay(&bob, second).sign()]);
        // An empty block on the same state.
        let last = ledger.add([]);
        (ledger.balance(&bob), last.state_diff, last.tip.digest)
    };
    let (one, other) = (after(1, 2), after(2, 1));
    assert_eq!((one.0, &one.1), (other.0, &other.1));
    assert_ne!(one.2, other.2);
}

/// Walks the version links by hand over every cell of a history with every kind of change.
#[test]
fn versions_link_strictly_downward_to_where_the_value_was_another() {
    let people = keys(4);
    let mut ledger = people
        .iter()
        .fold(ledger().reward(3), |setup, one| setup.has(one, 50))
        .open();
    for round in 0..6_u64 {
        let [a, b, c, _] = &people[..] else {
            panic!("there are four");
        };
        all_applied(&ledger.add_of(
            &people[3],
            [
                from(a, round).pay(b, 5).sign(),
                from(b, round).pay(c, 5).sign(),
                from(c, round).fee(1).burn(Asset::NATIVE, 2).sign(),
            ],
        ));
    }
    for cell in ledger.cells() {
        let history = ledger.history(cell);
        for pair in history.windows(2) {
            assert_eq!(pair[0].previous, Some(pair[1].height), "{cell:?}");
            assert!(pair[1].height < pair[0].height, "{cell:?}");
            assert_ne!(pair[0].value, pair[1].value, "{cell:?}");
        }
        let first = history.last().expect("a cell that is listed has a version");
        assert_eq!(first.previous, None);
    }
}

/// The request of one transaction of a random block: indices of accounts, and amounts.
#[derive(Clone, Debug)]
enum Ask {
    Pay(usize, usize, u64, u64),
    PayGold(usize, usize, u64),
    Burn(usize, u64),
    BadNonce(usize),
}

fn ask() -> impl Strategy<Value = Ask> {
    let who = 0..5_usize;
    let amount = prop_oneof![1..20_u64, Just(u64::MAX), Just(u64::MAX / 2)];
    let fee = prop_oneof![0..5_u64, Just(u64::MAX)];
    prop_oneof![
        6 => (who.clone(), who.clone(), amount.clone(), fee)
            .prop_map(|(a, b, amount, fee)| Ask::Pay(a, b, amount, fee)),
        2 => (who.clone(), who.clone(), amount.clone())
            .prop_map(|(a, b, amount)| Ask::PayGold(a, b, amount)),
        1 => (who.clone(), amount).prop_map(|(a, amount)| Ask::Burn(a, amount)),
        1 => who.prop_map(Ask::BadNonce),
    ]
}

/// The transaction with the nonce that its source has if all before it are applied.
fn transaction(people: &[Keypair], nonces: &mut [u64], ask: &Ask) -> Unsigned {
    let (source, change): (usize, Box<dyn Fn(Unsigned) -> Unsigned>) = match ask.clone() {
        Ask::Pay(a, b, amount, fee) => {
            let to = people[b].public();
            (a, Box::new(move |one| one.fee(fee).pay(&to, amount)))
        }
        Ask::PayGold(a, b, amount) => {
            let to = people[b].public();
            (a, Box::new(move |one| one.pay_of(GOLD, &to, amount)))
        }
        Ask::Burn(a, amount) => (a, Box::new(move |one| one.burn(GOLD, amount))),
        Ask::BadNonce(a) => return from(&people[a], u64::MAX).pay(&people[a], 1),
    };
    let one = change(from(&people[source], nonces[source]));
    nonces[source] += 1;
    one
}

proptest! {
    #![proptest_config(common::cases(48))]

    /// Supplies are conserved after every block, and equal the sums of the effects, for any requests.
    #[test]
    fn balances_plus_burns_are_genesis_plus_issued_and_nonces_count_applied_transactions(
        blocks in prop::collection::vec(
            (0..5_usize, prop::collection::vec(ask(), 0..12)), 1..5),
        reward in prop_oneof![Just(0_u64), Just(9), Just(u64::MAX)],
    ) {
        let people = keys(5);
        // The fifth account is not registered at first.
        let mut ledger = people[..4].iter().fold(
            ledger().reward(reward).has_of(GOLD, &people[4], u64::MAX / 2),
            |setup, one| setup.has(one, 60).has_of(GOLD, one, 10),
        ).open();
        let mut issued = 0;
        for (miner, asks) in blocks {
            let mut nonces: Vec<u64> = people
                .iter()
                .map(|one| ledger.nonce(one).unwrap_or_default())
                .collect();
            let before = nonces.clone();
            let body: Vec<_> = asks
                .iter()
                .map(|ask| transaction(&people, &mut nonces, ask).sign())
                .collect();
            let added = ledger.add_of(&people[miner], body.clone());

            assert_conserved(&ledger);
            issued += added.reward.0;
            prop_assert_eq!(ledger.supply(Asset::NATIVE), common::supply(240, issued, 0));
            prop_assert!(added.reward == Amount(reward) || issued == u64::MAX - 240);
            for (person, before) in people.iter().zip(before) {
                let applied = body
                    .iter()
                    .zip(&added.receipts)
                    .filter(|(one, receipt)| {
                        one.source == person.public() && receipt.is_applied()
                    })
                    .count();
                prop_assert_eq!(
                    ledger.nonce(person).unwrap_or_default(),
                    before + applied as u64
                );
            }
        }
    }
}

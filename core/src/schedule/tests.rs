//! The linear pass and the ready machine against a naive reference that looks at all pairs.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher};

use proptest::prelude::*;

use super::{Graph, Key, Mode, ReadySet, accesses, group_by_conflicts};
use crate::model::{
    Amount, Asset, Multisig, Network, Nonce, Payload, PublicKey, Signature, Transaction, Transfer,
};

fn hasher() -> ahash::RandomState {
    ahash::RandomState::with_seeds(1, 2, 3, 4)
}

fn key(number: u8) -> PublicKey {
    PublicKey([number; 32])
}

fn asset(number: u8) -> Asset {
    Asset([number; 32])
}

fn transaction(source: u8, fee: u64, payload: Payload) -> Transaction {
    Transaction {
        network: Network::Devnet,
        source: key(source),
        nonce: Nonce(0),
        fee: Amount(fee),
        payload,
        signature: Signature([0; 64]),
        cosignatures: Vec::new(),
    }
}

/// (destination, asset) each.
fn transfers(source: u8, fee: u64, to: &[(u8, u8)]) -> Transaction {
    let transfers = to
        .iter()
        .map(|&(destination, number)| Transfer {
            destination: key(destination),
            asset: asset(number),
            amount: Amount(1),
        })
        .collect();
    transaction(source, fee, Payload::Transfers(transfers))
}

/// Returns the stronger mode of each key that a transaction touches.
fn touched(transaction: &Transaction) -> BTreeMap<Key, Mode> {
    let mut touched = BTreeMap::new();
    accesses(transaction, |access| {
        let mode = touched.entry(access.key).or_insert(access.mode);
        *mode = access.mode.max(*mode);
    });
    touched
}

/// Returns for each transaction the ones before it that it conflicts with, by comparing every pair.
fn conflicts(transactions: &[Transaction]) -> Vec<BTreeSet<usize>> {
    let touched: Vec<_> = transactions.iter().map(touched).collect();
    (0..transactions.len())
        .map(|after| {
            (0..after)
                .filter(|before| {
                    touched[*before].iter().any(|(key, mode)| {
                        touched[after]
                            .get(key)
                            .is_some_and(|other| [*mode, *other].contains(&Mode::Exclusive))
                    })
                })
                .collect()
        })
        .collect()
}

fn levels(conflicts: &[BTreeSet<usize>]) -> Vec<u32> {
    let mut levels: Vec<u32> = Vec::new();
    for before in conflicts {
        let level = before.iter().map(|before| levels[*before] + 1).max();
        levels.push(level.unwrap_or(0));
    }
    levels
}

/// Returns the ancestors of each transaction along the edges of a graph.
fn ancestors(graph: &Graph) -> Vec<BTreeSet<usize>> {
    let mut ancestors = vec![BTreeSet::new(); graph.len()];
    for before in 0..graph.len() {
        for after in graph.successors(u32::try_from(before).expect("a block is short")) {
            let mut all: BTreeSet<usize> = ancestors[before].clone();
            all.insert(before);
            ancestors[*after as usize].extend(all);
        }
    }
    ancestors
}

fn check(transactions: &[Transaction]) {
    let conflicts = conflicts(transactions);
    let graph = Graph::of(transactions, hasher());
    assert_eq!(graph.levels(), levels(&conflicts), "levels are minimal");

    let ancestors = ancestors(&graph);
    for (after, before) in conflicts.iter().enumerate() {
        assert!(
            before.is_subset(&ancestors[after]),
            "{after} conflicts with {before:?} and comes after {:?} only",
            ancestors[after]
        );
    }
    for before in 0..transactions.len() {
        for after in graph.successors(u32::try_from(before).expect("a block is short")) {
            assert!(
                conflicts[*after as usize].contains(&before),
                "{after} waits for {before} without a conflict"
            );
        }
    }
}

fn any_transaction() -> impl Strategy<Value = Transaction> {
    let small = 0..5u8;
    prop_oneof![
        6 => (small.clone(), 0..2u64, prop::collection::vec((0..5u8, 0..3u8), 0..4))
            .prop_map(|(source, fee, to)| transfers(source, fee, &to)),
        1 => (small.clone(), 0..2u64, 0..3u8).prop_map(|(source, fee, number)| {
            let burn = Payload::Burn { asset: asset(number), amount: Amount(1) };
            transaction(source, fee, burn)
        }),
        1 => (small, 0..2u64).prop_map(|(source, fee)| {
            let none = Multisig { threshold: 0, participants: Vec::new() };
            transaction(source, fee, Payload::Multisig(none))
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_algorithm: prop::test_runner::RngAlgorithm::ChaCha,
        rng_seed: prop::test_runner::RngSeed::Fixed(1),
        failure_persistence: None,
        cases: 2_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_linear_pass_agrees_with_the_quadratic_reference(
        block in prop::collection::vec(any_transaction(), 0..24),
    ) {
        check(&block);
    }

    #[test]
    fn every_transaction_is_given_once_and_after_what_it_conflicts_with(
        block in prop::collection::vec(any_transaction(), 0..24),
        order in prop::collection::vec(0..8usize, 64),
        finished_before in prop_oneof![Just(0), 0..24usize],
    ) {
        let conflicts = conflicts(&block);
        let graph = Graph::of(&block, hasher());
        let finished_before = finished_before.min(block.len());
        let mut machine = ReadySet::after(&graph, finished_before);
        let mut running: Vec<u32> = Vec::new();
        let mut finished: BTreeSet<usize> = (0..finished_before).collect();
        let mut given: BTreeSet<u32> = (0..).take(finished_before).collect();
        prop_assert_eq!(machine.left(), block.len() - finished_before);
        let mut choices = order.iter().cycle();
        while !machine.is_done() {
            let choice = *choices.next().expect("a cycle does not end");
            if choice < 4 && machine.ready() > 0 {
                let transaction = machine.give().expect("a transaction is ready");
                prop_assert!(given.insert(transaction), "{transaction} was given twice");
                prop_assert!(conflicts[transaction as usize].is_subset(&finished));
                running.push(transaction);
            } else if !running.is_empty() {
                let transaction = running.swap_remove(choice % running.len());
                machine.finish(transaction);
                finished.insert(transaction as usize);
            }
            prop_assert_eq!(machine.running(), running.len());
        }
        prop_assert_eq!(given.len(), block.len());
        prop_assert_eq!(machine.give(), None);
    }
}

#[test]
fn credits_to_one_account_commute() {
    let block: Vec<_> = (0..100)
        .map(|source| transfers(source, 1, &[(200, 0)]))
        .collect();
    assert_eq!(Graph::of(&block, hasher()).depth(), 1);
    check(&block);
}

#[test]
fn a_spender_waits_for_all_credits_before() {
    let mut block: Vec<_> = (0..50)
        .map(|source| transfers(source, 0, &[(200, 0)]))
        .collect();
    block.push(transfers(200, 0, &[(201, 0)]));
    block.extend((50..100).map(|source| transfers(source, 0, &[(200, 0)])));
    let graph = Graph::of(&block, hasher());
    assert_eq!(graph.waits_for()[50], 50);
    assert_eq!(graph.successors(50).len(), 50);
    assert_eq!(graph.depth(), 3);
    check(&block);
}

#[test]
fn one_sender_is_a_chain_whatever_it_pays_in() {
    let block: Vec<_> = (0..9)
        .map(|number| transfers(0, 0, &[(1, number % 3)]))
        .collect();
    assert_eq!(Graph::of(&block, hasher()).depth(), 9);
    check(&block);
}

#[test]
fn taking_one_asset_does_not_conflict_with_being_paid_in_another() {
    // 1 pays in asset 1 and is paid in asset 2.
    let block = [transfers(1, 0, &[(3, 1)]), transfers(2, 0, &[(1, 2)])];
    assert_eq!(Graph::of(&block, hasher()).depth(), 1);
    // A fee makes it take from the native asset, in which it is paid.
    let block = [transfers(1, 1, &[(3, 1)]), transfers(2, 0, &[(1, 0)])];
    assert_eq!(Graph::of(&block, hasher()).depth(), 2);
}

#[test]
fn a_transaction_does_not_wait_for_itself() {
    check(&[transfers(1, 1, &[(1, 0), (2, 0), (1, 1), (2, 0)])]);
    let graph = Graph::of(&[transfers(1, 1, &[(1, 0), (2, 0), (2, 0)])], hasher());
    assert_eq!(graph.waits_for(), [0]);
}

/// Every edge is a counter that a worker must count down.
#[test]
fn a_transaction_that_a_nonce_waits_for_is_not_waited_for_again() {
    let both = [(3, 0), (3, 1)];
    let block = [
        // Conflicts with no other, so that the block is no chain, whose edges are not searched.
        transfers(5, 0, &[(6, 0)]),
        transfers(1, 0, &both),
        transfers(2, 0, &[(1, 0), (1, 1)]),
        transfers(1, 0, &both),
    ];
    assert_eq!(Graph::of(&block, hasher()).waits_for(), [0, 0, 1, 2]);
}

/// Counts hashes, of which there are none if neighbours tell.
#[test]
fn a_chain_is_seen_without_a_table() {
    let whole = |block: &[Transaction]| {
        check(block);
        let hashes = Cell::new(0);
        let graph = Graph::of(block, Counting(&hashes));
        (graph.depth() == block.len(), hashes.get() == 0)
    };
    let pays_the_next = |source| transfers(source, 0, &[(source + 1, 0)]);
    let mut block: Vec<_> = (0..20).map(pays_the_next).collect();
    assert_eq!(whole(&block), (true, true));
    assert_eq!(whole(&vec![transfers(1, 1, &[(2, 3)]); 20]), (true, true));
    // Its end, its middle or its beginning conflicts with no other.
    for other in [19, 10, 0] {
        let one = std::mem::replace(&mut block[other], transfers(100, 0, &[(200, 0)]));
        assert_eq!(whole(&block), (false, false), "{other}");
        block[other] = one;
    }
    // All pay the same account, which takes nothing.
    let hot: Vec<_> = (0..20)
        .map(|source| transfers(source, 0, &[(100, 0)]))
        .collect();
    assert_eq!(whole(&hot), (false, false));
    // Of a transaction with many accesses only some are compared, and the graph is the same.
    let (much, last) = ([(100, 0); 1], [(1, 0)]);
    let takes = |source, to: &[(u8, u8)]| {
        let others: Vec<_> = (1..20).map(|asset| (200, asset)).collect();
        transfers(source, 0, &[&others, to].concat())
    };
    assert_eq!(whole(&[takes(1, &much), takes(1, &much)]), (true, true));
    assert_eq!(whole(&[takes(2, &last), takes(1, &much)]), (true, false));
}

#[test]
fn groups_are_levels_in_block_order() {
    let block = [
        transfers(1, 0, &[(2, 0)]),
        transfers(2, 0, &[(3, 0)]),
        transfers(4, 0, &[(5, 0)]),
        transfers(3, 0, &[(1, 0)]),
    ];
    assert_eq!(
        group_by_conflicts(&block, hasher()),
        vec![vec![0, 2], vec![1], vec![3]]
    );
    assert!(group_by_conflicts(&[], hasher()).is_empty());
}

#[test]
fn the_longest_critical_path_comes_first() {
    // 0 and 1 conflict with no other, 2 and 3 are a pair, 4, 5 and 6 a chain.
    let block = [
        transfers(0, 0, &[(10, 0)]),
        transfers(1, 0, &[(11, 0)]),
        transfers(2, 0, &[(12, 0)]),
        transfers(2, 0, &[(12, 0)]),
        transfers(4, 0, &[(14, 0)]),
        transfers(4, 0, &[(14, 0)]),
        transfers(4, 0, &[(14, 0)]),
    ];
    let graph = Graph::of(&block, hasher());
    assert_eq!(graph.critical_path_lengths(), [0, 0, 1, 0, 2, 1, 0]);
    let mut machine = ReadySet::new(&graph);
    assert_eq!((machine.critical_path_length(), machine.left()), (2, 7));
    let first: Vec<_> = std::iter::from_fn(|| machine.give()).collect();
    assert_eq!(first, [4, 2, 0, 1]);
    assert_eq!((machine.critical_path_length(), machine.left()), (0, 3));
    machine.finish(4);
    machine.finish(2);
    assert_eq!(machine.critical_path_length(), 1);
    let then: Vec<_> = std::iter::from_fn(|| machine.give()).collect();
    assert_eq!(then, [5, 3]);
}

#[test]
#[should_panic(expected = "a transaction finishes once")]
fn finishing_twice_is_noticed() {
    let block = [transfers(1, 0, &[(2, 0)]), transfers(2, 0, &[(3, 0)])];
    let graph = Graph::of(&block, hasher());
    let mut machine = ReadySet::new(&graph);
    machine.finish(0);
    machine.finish(0);
}

#[test]
fn a_graph_is_empty_where_there_is_no_transaction() {
    assert!(Graph::of(&[], hasher()).is_empty());
    assert!(!Graph::of(&[transfers(1, 0, &[(2, 0)])], hasher()).is_empty());
}

/// Hashes every key to the same.
#[derive(Clone)]
struct Colliding;

impl Hasher for Colliding {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, _: &[u8]) {}
}

impl BuildHasher for Colliding {
    type Hasher = Colliding;

    fn build_hasher(&self) -> Colliding {
        Colliding
    }
}

#[test]
fn accounts_whose_hashes_collide_are_told_apart() {
    let block: Vec<_> = (0..40)
        .map(|source| transfers(source, 1, &[(source + 100, source)]))
        .collect();
    let graph = Graph::of(&block, Colliding);
    assert_eq!(graph.depth(), 1);
    assert_eq!(graph, Graph::of(&block, hasher()));
}

/// Counts the keys that are hashed.
#[derive(Clone)]
struct Counting<'c>(&'c Cell<usize>);

impl BuildHasher for Counting<'_> {
    type Hasher = ahash::AHasher;

    fn build_hasher(&self) -> ahash::AHasher {
        self.0.set(self.0.get() + 1);
        hasher().build_hasher()
    }
}

/// Returns the number of hashes for a transaction that pays in `assets` assets.
fn hashed(assets: u8) -> usize {
    let to: Vec<(u8, u8)> = (1..=assets).map(|asset| (2, asset)).collect();
    let hashes = Cell::new(0);
    let graph = Graph::of(&[transfers(1, 0, &to)], Counting(&hashes));
    assert_eq!(graph.depth(), 1);
    hashes.get()
}

/// Looking for one asset among thousands of an account must not take thousands of steps, and an
/// account with a few must not take a second table.
#[test]
fn a_few_assets_stand_with_their_account_and_the_rest_are_looked_up() {
    assert_eq!(hashed(3), 2, "two accounts are looked up, and no asset");
    assert!(hashed(200) > 2 * 190, "nearly every asset is looked up");
}

//! Target for grouping: unsigned blocks of the generator, their conflicts, and the ready set.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::hash::BuildHasher;

use lockstep_core::model::{Asset, Payload, PublicKey, Transaction};
use lockstep_core::schedule::{self, Graph, ReadySet};

use lockstep_harness::choice::{Choices, FromBytes};
use lockstep_sim::generate::{self, Size};
use lockstep_sim::scenario::build::{self, Keys};
use lockstep_sim::scenario::{Action, Scenario, Step};

/// One block, in which accounts meet often.
const SIZE: Size = Size {
    blocks: 1,
    transactions: 24,
    accounts: 6,
};

/// Transactions of one input: one bit each in a word.
const MOST: usize = u64::BITS as usize;

/// The grouping of a block's transactions is valid, keeps the block's order between all that
/// conflict, and has no more groups than the longest chain of conflicts; the graph behind it says
/// the same; the machine that drives a block gives out exactly what may run, after every step; and
/// none of it takes more steps than a few for each access.
///
/// Conflicts are decided here a second time, from the rules and by looking at every pair.
///
/// # Panics
///
/// On a finding.
pub fn group_by_conflicts(data: &[u8]) {
    let (order, block) = drawn(&mut FromBytes(data));
    let reference = Reference::of(&block);

    let hashes = Cell::new(0);
    let hasher = Counting {
        hasher: ahash::RandomState::with_seed(1),
        hashes: &hashes,
    };
    groups_are_right(
        &reference,
        &schedule::group_by_conflicts(&block, hasher.clone()),
    );
    steps_are_few(&reference, "hashed", hashes.take());

    let looks = Cell::new(0);
    let graph = Graph::of(
        Looked {
            transactions: block.iter(),
            looks: &looks,
        },
        hasher,
    );
    steps_are_few(&reference, "hashed", hashes.get());
    // A chain is seen by looking at neighbours; that, and the pass, both ask for one more at the end.
    assert!(
        looks.get() <= 2 * (block.len() + 1),
        "two passes take each of {} transactions once, not {} in all",
        block.len(),
        looks.get()
    );
    let edges = Edges::of(&graph);
    edges_are_right(&reference, &edges);
    machine_is_consistent(&reference, &order, &mut ReadySet::new(&graph));
}

/// In which order a block is executed, as far as that is left open, and the block.
pub(super) fn drawn(choices: &mut impl Choices) -> ([u64; 8], Vec<Transaction>) {
    (std::array::from_fn(|_| choices.below(256)), block(choices))
}

fn block(choices: &mut impl Choices) -> Vec<Transaction> {
    // The graph keeps the first few assets of an account nearer than the others.
    let more_assets = choices.chance(1, 3);
    let (_, mut scenario) = generate::scenario(choices, SIZE);
    if more_assets {
        spread_assets(&mut scenario);
    }
    let mut keys = Keys::default();
    let network = scenario.genesis.network.into();
    let recipes = scenario.steps.iter().filter_map(|step| match step {
        Step::Block(block) => Some(&block.transactions),
        _ => None,
    });
    recipes
        .flatten()
        .take(MOST)
        .map(|recipe| build::unsigned(recipe, network, &mut keys))
        .collect()
}

fn spread_assets(scenario: &mut Scenario) {
    const ASSETS: u32 = 13;
    for step in &mut scenario.steps {
        let Step::Block(block) = step else { continue };
        for transaction in &mut block.transactions {
            if let Action::Send(sendings) = &mut transaction.action {
                for (number, sending) in (0..).zip(sendings) {
                    sending.1 = (sending.1 + number) % ASSETS;
                }
            }
        }
    }
}

/// Conflicts of a block's transactions, by looking at every pair.
struct Reference {
    /// For each transaction those before it that it conflicts with, one bit each.
    conflicts: Vec<u64>,
    levels: Vec<usize>,
    /// Number of keys that the transactions name, each as often as it is named.
    accesses: usize,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Nonce(PublicKey),
    Balance(PublicKey, Asset),
}

/// The keys that one transaction needs for itself, and those that it only adds to.
#[derive(Default)]
struct Declared {
    exclusive: BTreeSet<Key>,
    additive: BTreeSet<Key>,
    accesses: usize,
}

impl Declared {
    fn of(transaction: &Transaction) -> Self {
        let mut declared = Declared::default();
        let source = transaction.source;
        declared.takes(Key::Nonce(source));
        if transaction.fee.0 > 0 {
            declared.takes(Key::Balance(source, Asset::NATIVE));
        }
        match &transaction.payload {
            Payload::Transfers(transfers) => {
                for transfer in transfers {
                    declared.takes(Key::Balance(source, transfer.asset));
                    if transfer.destination != source {
                        declared.accesses += 1;
                        let key = Key::Balance(transfer.destination, transfer.asset);
                        declared.additive.insert(key);
                    }
                }
            }
            Payload::Burn { asset, .. } => declared.takes(Key::Balance(source, *asset)),
            Payload::Multisig(_) => {}
        }
        declared
    }

    fn takes(&mut self, key: Key) {
        self.accesses += 1;
        self.exclusive.insert(key);
    }

    fn conflicts_with(&self, other: &Declared) -> bool {
        !self.exclusive.is_disjoint(&other.exclusive)
            || !self.exclusive.is_disjoint(&other.additive)
            || !self.additive.is_disjoint(&other.exclusive)
    }
}

impl Reference {
    fn of(block: &[Transaction]) -> Self {
        let declared: Vec<Declared> = block.iter().map(Declared::of).collect();
        let mut conflicts = Vec::new();
        let mut levels: Vec<usize> = Vec::new();
        for (after, one) in declared.iter().enumerate() {
            let mut before = 0;
            let mut level = 0;
            for (index, other) in declared[..after].iter().enumerate() {
                if one.conflicts_with(other) {
                    before |= bit(index);
                    level = level.max(levels[index] + 1);
                }
            }
            conflicts.push(before);
            levels.push(level);
        }
        Reference {
            conflicts,
            levels,
            accesses: declared.iter().map(|declared| declared.accesses).sum(),
        }
    }

    /// For each transaction the length of the longest chain of later ones that wait for it.
    fn critical_path_lengths(&self) -> Vec<u32> {
        let mut lengths = vec![0; self.len()];
        for after in (0..self.len()).rev() {
            for before in (0..after).filter(|before| self.conflicts[after] & bit(*before) != 0) {
                lengths[before] = lengths[before].max(lengths[after] + 1);
            }
        }
        lengths
    }

    fn len(&self) -> usize {
        self.levels.len()
    }
}

fn bit(index: usize) -> u64 {
    1 << index
}

fn groups_are_right(reference: &Reference, groups: &[Vec<u32>]) {
    let mut group_of = vec![None; reference.len()];
    for (number, group) in groups.iter().enumerate() {
        assert!(
            group.is_sorted(),
            "group {number} is in the order of the block: {group:?}"
        );
        let mut members = 0;
        for transaction in group {
            let index = *transaction as usize;
            let previous = group_of[index].replace(number);
            assert_eq!(previous, None, "{index} is in one group: {groups:?}");
            assert_eq!(
                reference.conflicts[index] & members,
                0,
                "{index} conflicts with no other in group {number}: {group:?}"
            );
            members |= bit(index);
        }
    }
    for (after, conflicts) in reference.conflicts.iter().enumerate() {
        let own = group_of[after];
        assert!(own.is_some(), "{after} is in a group: {groups:?}");
        for before in (0..after).filter(|before| conflicts & bit(*before) != 0) {
            assert!(
                group_of[before] < own,
                "{after} conflicts with {before} and comes after it: {groups:?}"
            );
        }
        assert_eq!(
            own,
            Some(reference.levels[after]),
            "{after} comes as early as it can: {groups:?}"
        );
    }
    let depth = reference.levels.iter().max().map_or(0, |level| level + 1);
    assert_eq!(groups.len(), depth, "there is no empty group: {groups:?}");
}

/// Edges and levels of a graph under test.
struct Edges {
    waits_for: Vec<u32>,
    successors: Vec<Vec<u32>>,
    levels: Vec<u32>,
}

impl Edges {
    fn of(graph: &Graph) -> Self {
        Edges {
            waits_for: graph.waits_for().to_vec(),
            successors: (0..)
                .take(graph.len())
                .map(|transaction| graph.successors(transaction).to_vec())
                .collect(),
            levels: graph.levels().to_vec(),
        }
    }
}

fn edges_are_right(reference: &Reference, edges: &Edges) {
    let mut count = 0;
    let mut ends = vec![0; reference.len()];
    // Everything that a transaction comes after, along the edges.
    let mut ancestors: Vec<u64> = vec![0; reference.len()];
    for (before, successors) in edges.successors.iter().enumerate() {
        for after in successors.iter().map(|after| *after as usize) {
            count += 1;
            ends[after] += 1;
            assert!(
                reference.conflicts[after] & bit(before) != 0,
                "{after} waits for {before}, with which it conflicts"
            );
            ancestors[after] |= ancestors[before] | bit(before);
        }
    }
    assert_eq!(ends, edges.waits_for, "the edges that end are counted");
    assert!(
        count <= 2 * reference.accesses,
        "{} accesses make at most two edges each, not {count}",
        reference.accesses
    );
    for (after, conflicts) in reference.conflicts.iter().enumerate() {
        assert_eq!(
            conflicts & !ancestors[after],
            0,
            "{after} comes after all that it conflicts with, and not only after {:b}",
            ancestors[after]
        );
    }
    assert!(
        edges
            .levels
            .iter()
            .map(|level| *level as usize)
            .eq(reference.levels.iter().copied()),
        "levels are minimal: {:?}, {:?} by looking at every pair",
        edges.levels,
        reference.levels
    );
}

/// A machine that says what may run.
trait Machine {
    fn give(&mut self) -> Option<u32>;
    fn finish(&mut self, transaction: u32);
    fn ready(&self) -> usize;
    fn running(&self) -> usize;
    fn is_done(&self) -> bool;
}

impl Machine for ReadySet<'_> {
    fn give(&mut self) -> Option<u32> {
        ReadySet::give(self)
    }

    fn finish(&mut self, transaction: u32) {
        ReadySet::finish(self, transaction);
    }

    fn ready(&self) -> usize {
        ReadySet::ready(self)
    }

    fn running(&self) -> usize {
        ReadySet::running(self)
    }

    fn is_done(&self) -> bool {
        ReadySet::is_done(self)
    }
}

/// The reference for a ready set: a transaction may run when all that it conflicts with before it
/// have finished. First comes the one that most others wait for one after another, then the first
/// in the block.
struct Mirror<'r> {
    reference: &'r Reference,
    given: u64,
    running: Vec<u32>,
    finished: u64,
}

impl<'r> Mirror<'r> {
    fn of(reference: &'r Reference) -> Self {
        Mirror {
            reference,
            given: 0,
            running: Vec::new(),
            finished: 0,
        }
    }

    fn ready(&self) -> impl Iterator<Item = usize> {
        (0..self.reference.len()).filter(|index| {
            self.given & bit(*index) == 0 && self.reference.conflicts[*index] & !self.finished == 0
        })
    }

    fn next(&self) -> Option<usize> {
        let lengths = self.reference.critical_path_lengths();
        self.ready()
            .max_by_key(|index| (lengths[*index], Reverse(*index)))
    }

    fn give(&mut self, given: Option<u32>) {
        let (given, next) = (given.map(|transaction| transaction as usize), self.next());
        assert_eq!(given, next, "{given:?} is given out in place of {next:?}");
        if let Some(index) = given {
            self.given |= bit(index);
            self.running
                .push(u32::try_from(index).expect("a block is small"));
        }
    }

    fn is_done(&self) -> bool {
        self.finished.count_ones() as usize == self.reference.len()
    }
}

fn machine_is_consistent(reference: &Reference, order: &[u64], machine: &mut impl Machine) {
    let mut mirror = Mirror::of(reference);
    let mut order = order.iter().cycle();
    loop {
        let says = (machine.ready(), machine.running(), machine.is_done());
        let should = (
            mirror.ready().count(),
            mirror.running.len(),
            mirror.is_done(),
        );
        assert_eq!(
            says, should,
            "how many are ready and running, and whether all are done"
        );
        let choice = *order.next().expect("a cycle does not end");
        if mirror.running.is_empty() || (choice.is_multiple_of(2) && mirror.next().is_some()) {
            mirror.give(machine.give());
            if mirror.running.is_empty() {
                break;
            }
        } else {
            let which = (choice / 2) as usize % mirror.running.len();
            let transaction = mirror.running.swap_remove(which);
            machine.finish(transaction);
            mirror.finished |= bit(transaction as usize);
        }
    }
    assert!(mirror.is_done(), "everything was given out");
}

/// Checks that a pass over a block is linear in the accesses of its transactions: a constant number of
/// steps for each, and a table that grows.
fn steps_are_few(reference: &Reference, what: &str, steps: usize) {
    const FOR_EACH: usize = 6;
    assert!(
        steps <= FOR_EACH * reference.accesses,
        "{} accesses are {what} at most {FOR_EACH} times each, not {steps} times",
        reference.accesses
    );
}

/// Counts what is hashed.
#[derive(Clone)]
struct Counting<'c> {
    hasher: ahash::RandomState,
    hashes: &'c Cell<usize>,
}

impl BuildHasher for Counting<'_> {
    type Hasher = ahash::AHasher;

    fn build_hasher(&self) -> ahash::AHasher {
        self.hashes.set(self.hashes.get() + 1);
        self.hasher.build_hasher()
    }
}

/// Counts who is looked at.
#[derive(Clone)]
struct Looked<'t, 'c> {
    transactions: std::slice::Iter<'t, Transaction>,
    looks: &'c Cell<usize>,
}

impl<'t> Iterator for Looked<'t, '_> {
    type Item = &'t Transaction;

    fn next(&mut self) -> Option<&'t Transaction> {
        self.looks.set(self.looks.get() + 1);
        self.transactions.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.transactions.size_hint()
    }
}

impl ExactSizeIterator for Looked<'_, '_> {}

#[cfg(test)]
mod tests;

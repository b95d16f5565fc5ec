//! The ready set: the transactions of a graph that may run next, and those that have finished.

use super::Graph;

/// The transactions of a graph that may run, and how far the others are. A plain value: its driver is a
/// loop, a pool of workers or a model checker.
///
/// Every transaction is given out exactly once, after all that it waits for have finished: first the one
/// with the longest critical path, because a path that is begun last ends last; of several the first in
/// the block.
#[derive(Clone, Debug)]
pub struct ReadySet<'g> {
    graph: &'g Graph,
    /// The number of edges into each transaction whose begin has not finished.
    waits_for: Vec<u32>,
    /// The length of the critical path that begins at each transaction.
    critical_path_lengths: Vec<u32>,
    /// Every transaction, in the order in which they are given out if all may run.
    order: Vec<u32>,
    /// The index of each transaction in `order`.
    rank: Vec<u32>,
    /// The ranks of those that may run.
    ready: Ranks,
    given_out: usize,
    finished: usize,
}

impl<'g> ReadySet<'g> {
    /// Creates the set with no transaction begun. Costs one step a transaction and one an edge.
    #[must_use]
    pub fn new(graph: &'g Graph) -> Self {
        ReadySet::after(graph, 0)
    }

    /// Creates the set with the first `finished` transactions of the block finished and no other begun.
    /// Costs as much as [`ReadySet::new`].
    ///
    /// # Panics
    ///
    /// If the graph has fewer.
    #[must_use]
    pub fn after(graph: &'g Graph, finished: usize) -> Self {
        let critical_path_lengths = graph.critical_path_lengths();
        let order = longest_first(&critical_path_lengths);
        let mut rank = vec![0; graph.len()];
        for (at, transaction) in (0..).zip(&order) {
            rank[*transaction as usize] = at;
        }
        let mut waits_for = graph.waits_for().to_vec();
        for transaction in (0..).take(finished) {
            for successor in graph.successors(transaction) {
                waits_for[*successor as usize] -= 1;
            }
        }
        let mut ready = Ranks::none_of(graph.len());
        for (edges, rank) in waits_for[finished..].iter().zip(&rank[finished..]) {
            if *edges == 0 {
                ready.insert(*rank);
            }
        }
        ReadySet {
            graph,
            waits_for,
            critical_path_lengths,
            order,
            rank,
            ready,
            given_out: finished,
            finished,
        }
    }

    /// Gives out a transaction that may run now; `None` if none may until another one has finished,
    /// or if all were given out. The cost does not depend on how many may.
    pub fn give(&mut self) -> Option<u32> {
        let first = self.ready.first()?;
        self.ready.remove(first);
        self.given_out += 1;
        Some(self.order[first as usize])
    }

    /// Marks a transaction that was given out as finished. Costs one step an edge.
    ///
    /// # Panics
    ///
    /// If it finished before, as far as that can be seen: a successor would wait for fewer than none.
    pub fn finish(&mut self, transaction: u32) {
        self.finished += 1;
        for successor in self.graph.successors(transaction) {
            let left = &mut self.waits_for[*successor as usize];
            *left = left
                .checked_sub(1)
                .expect("a transaction finishes once and before what waits for it");
            if *left == 0 {
                self.ready.insert(self.rank[*successor as usize]);
            }
        }
    }

    /// Returns the number of transactions that may run now.
    #[must_use]
    pub const fn ready(&self) -> usize {
        self.ready.len
    }

    /// Returns the number of transactions that were not given out yet.
    #[must_use]
    pub fn left(&self) -> usize {
        self.graph.len() - self.given_out
    }

    /// Returns the length of the critical path that begins at the transaction that [`ReadySet::give`]
    /// would give out.
    #[must_use]
    pub fn critical_path_length(&self) -> usize {
        self.ready.first().map_or(0, |first| {
            self.critical_path_lengths[self.order[first as usize] as usize] as usize
        })
    }

    /// Returns the number of transactions that were given out and have not finished.
    #[must_use]
    pub const fn running(&self) -> usize {
        self.given_out - self.finished
    }

    /// Returns whether all transactions have finished.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.finished == self.graph.len()
    }
}

/// Returns all transactions, those with the longest critical path first, then in block order: a counting
/// sort.
fn longest_first(lengths: &[u32]) -> Vec<u32> {
    let longest = lengths.iter().max().map_or(0, |longest| *longest as usize);
    let place = |length: u32| longest - length as usize;
    // The index of the next transaction with each length.
    let mut next = vec![0_u32; longest + 2];
    for length in lengths {
        next[place(*length) + 1] += 1;
    }
    for at in 1..next.len() {
        next[at] += next[at - 1];
    }
    let mut order = vec![0; lengths.len()];
    for (transaction, length) in (0..).zip(lengths) {
        let next = &mut next[place(*length)];
        order[*next as usize] = transaction;
        *next += 1;
    }
    order
}

/// A set of numbers below a limit that finds its smallest in a few steps. A heap costs its depth in
/// steps, all of them inside the lock that the workers share.
#[derive(Clone, Debug)]
struct Ranks {
    /// A bit a number.
    words: Vec<u64>,
    /// A bit a word that is not zero. Even the largest block has 16 of these.
    filled: Vec<u64>,
    len: usize,
}

/// The number of bits of a word.
pub(crate) const WORD: usize = 64;

/// The number of transactions whose words have their bits in one word more.
pub(crate) const FILLED: usize = WORD * WORD;

impl Ranks {
    fn none_of(limit: usize) -> Self {
        let words = limit.div_ceil(WORD);
        Ranks {
            words: vec![0; words],
            filled: vec![0; words.div_ceil(WORD)],
            len: 0,
        }
    }

    fn insert(&mut self, number: u32) {
        let word = number as usize / WORD;
        self.words[word] |= 1 << (number as usize % WORD);
        self.filled[word / WORD] |= 1 << (word % WORD);
        self.len += 1;
    }

    fn remove(&mut self, number: u32) {
        let word = number as usize / WORD;
        self.words[word] &= !(1 << (number as usize % WORD));
        if self.words[word] == 0 {
            self.filled[word / WORD] &= !(1 << (word % WORD));
        }
        self.len -= 1;
    }

    fn first(&self) -> Option<u32> {
        let filled = self.filled.iter().position(|words| *words != 0)?;
        let word = filled * WORD + self.filled[filled].trailing_zeros() as usize;
        Some(
            u32::try_from(word * WORD).expect("a rank is a u32")
                + self.words[word].trailing_zeros(),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Ranks;

    #[test]
    fn the_smallest_of_many_is_known() {
        const LIMIT: u32 = 3 * 64 * 64;
        let mut ranks = Ranks::none_of(LIMIT as usize);
        let mut mirror = BTreeSet::new();
        for step in 0..u64::from(2 * LIMIT) {
            // Numbers from anywhere, and more and more of them taken out again.
            let number = u32::try_from(step * 7_919 % u64::from(LIMIT)).expect("it is below LIMIT");
            if mirror.insert(number) {
                ranks.insert(number);
            }
            for _ in 0..step % 3 {
                assert_eq!(ranks.first(), mirror.first().copied(), "step {step}");
                if let Some(first) = mirror.pop_first() {
                    ranks.remove(first);
                }
            }
            assert_eq!(ranks.len, mirror.len(), "step {step}");
        }
        assert_eq!(ranks.first(), mirror.first().copied());
    }
}

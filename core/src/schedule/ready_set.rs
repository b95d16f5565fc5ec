//! What may run next, and what has finished.

use super::Graph;

/// Tells what may run, and is told what has finished. A plain value: whoever drives it, a loop, a
/// pool of workers or a model checker, decides how.
///
/// Every transaction is given out exactly once, and not before everything that it waits for has
/// finished: first the one with the longest chain of others behind it, because whoever begins the
/// longest chain last ends last; of several the first in the block.
#[derive(Clone, Debug)]
pub struct ReadySet<'g> {
    graph: &'g Graph,
    /// How many edges into each transaction are left.
    waits_for: Vec<u32>,
    /// How many wait for each transaction one after another, at the most.
    behind: Vec<u32>,
    /// Every transaction, in the order in which they are given out where all may run.
    order: Vec<u32>,
    /// Where each transaction stands in `order`.
    rank: Vec<u32>,
    /// The ranks of those that may run.
    ready: Ranks,
    given: usize,
    finished: usize,
}

impl<'g> ReadySet<'g> {
    /// Everything is still to be done. Costs one step a transaction and one an edge.
    #[must_use]
    pub fn new(graph: &'g Graph) -> Self {
        ReadySet::after(graph, 0)
    }

    /// The first so many of the block have finished, and nothing else was begun. Costs as much as
    /// [`ReadySet::new`].
    ///
    /// # Panics
    ///
    /// Where there are fewer.
    #[must_use]
    pub fn after(graph: &'g Graph, finished: usize) -> Self {
        let behind = graph.critical_path_lengths();
        let order = longest_first(&behind);
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
            behind,
            order,
            rank,
            ready,
            given: finished,
            finished,
        }
    }

    /// Something that may run now; `None` where nothing may until something else has finished, or
    /// where everything was given out. The cost does not depend on how many may.
    pub fn give(&mut self) -> Option<u32> {
        let first = self.ready.first()?;
        self.ready.remove(first);
        self.given += 1;
        Some(self.order[first as usize])
    }

    /// Is told that something that was given out has finished. Costs one step an edge.
    ///
    /// # Panics
    ///
    /// Where it finished before, as far as that can be seen: what waits for it would wait for less
    /// than nothing.
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

    /// How many may run now.
    #[must_use]
    pub const fn ready(&self) -> usize {
        self.ready.len
    }

    /// How many were not given out yet.
    #[must_use]
    pub fn left(&self) -> usize {
        self.graph.len() - self.given
    }

    /// How many wait, one after another, for what [`ReadySet::give`] would give, at the most.
    #[must_use]
    pub fn critical_path_length(&self) -> usize {
        self.ready.first().map_or(0, |first| {
            self.behind[self.order[first as usize] as usize] as usize
        })
    }

    /// How many were given out and have not finished.
    #[must_use]
    pub const fn running(&self) -> usize {
        self.given - self.finished
    }

    /// Whether everything has finished.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.finished == self.graph.len()
    }
}

/// All transactions, those with the longest chain behind them first, then in block order. They are
/// counted and not compared.
fn longest_first(behind: &[u32]) -> Vec<u32> {
    let longest = behind.iter().max().map_or(0, |longest| *longest as usize);
    let place = |behind: u32| longest - behind as usize;
    // Where the next one with so many behind it goes.
    let mut next = vec![0_u32; longest + 2];
    for behind in behind {
        next[place(*behind) + 1] += 1;
    }
    for at in 1..next.len() {
        next[at] += next[at - 1];
    }
    let mut order = vec![0; behind.len()];
    for (transaction, behind) in (0..).zip(behind) {
        let next = &mut next[place(*behind)];
        order[*next as usize] = transaction;
        *next += 1;
    }
    order
}

/// A set of numbers below a limit that knows its smallest. A heap costs its depth in steps, all of
/// them inside the lock that the workers share.
#[derive(Clone, Debug)]
struct Ranks {
    /// A bit a number.
    words: Vec<u64>,
    /// A bit a word that is not zero. Even the largest block has 16 of these.
    filled: Vec<u64>,
    len: usize,
}

impl Ranks {
    fn none_of(limit: usize) -> Self {
        let words = limit.div_ceil(64);
        Ranks {
            words: vec![0; words],
            filled: vec![0; words.div_ceil(64)],
            len: 0,
        }
    }

    fn insert(&mut self, number: u32) {
        let word = number as usize / 64;
        self.words[word] |= 1 << (number % 64);
        self.filled[word / 64] |= 1 << (word % 64);
        self.len += 1;
    }

    fn remove(&mut self, number: u32) {
        let word = number as usize / 64;
        self.words[word] &= !(1 << (number % 64));
        if self.words[word] == 0 {
            self.filled[word / 64] &= !(1 << (word % 64));
        }
        self.len -= 1;
    }

    fn first(&self) -> Option<u32> {
        let filled = self.filled.iter().position(|words| *words != 0)?;
        let word = filled * 64 + self.filled[filled].trailing_zeros() as usize;
        Some(u32::try_from(word * 64).expect("a rank is a u32") + self.words[word].trailing_zeros())
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

//! What may run next, and what has finished.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::Graph;

/// Tells what may run, and is told what has finished. A plain value: whoever drives it, a loop, a
/// pool of workers or a model checker, decides how.
///
/// Every transaction is given out exactly once, and not before everything that it waits for has
/// finished: first the one with the longest chain of others behind it, because whoever begins the
/// longest chain last ends last.
#[derive(Clone, Debug)]
pub struct Ready<'g> {
    graph: &'g Graph,
    /// How many edges into each transaction are left.
    waits_for: Vec<u32>,
    /// How many wait for each transaction one after another, at the most.
    behind: Vec<u32>,
    /// Those that somebody waits for: the longest chain first, then in block order.
    awaited: BinaryHeap<(u32, Reverse<u32>)>,
    /// Those that nobody waits for, in the order in which they became ready.
    others: VecDeque<u32>,
    given: usize,
    finished: usize,
}

impl<'g> Ready<'g> {
    /// Everything is still to be done. Costs one step an edge.
    #[must_use]
    pub fn new(graph: &'g Graph) -> Self {
        let mut ready = Ready {
            graph,
            waits_for: graph.waits_for().to_vec(),
            behind: graph.behind(),
            awaited: BinaryHeap::new(),
            others: VecDeque::new(),
            given: 0,
            finished: 0,
        };
        for (transaction, edges) in (0..).zip(graph.waits_for()) {
            if *edges == 0 {
                ready.admit(transaction);
            }
        }
        ready
    }

    /// Something that may run now; `None` where nothing may until something else has finished, or
    /// where everything was given out.
    pub fn give(&mut self) -> Option<u32> {
        let awaited = self
            .awaited
            .pop()
            .map(|(_, Reverse(transaction))| transaction);
        let transaction = awaited.or_else(|| self.others.pop_front())?;
        self.given += 1;
        Some(transaction)
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
                self.admit(*successor);
            }
        }
    }

    fn admit(&mut self, transaction: u32) {
        match self.behind[transaction as usize] {
            0 => self.others.push_back(transaction),
            behind => self.awaited.push((behind, Reverse(transaction))),
        }
    }

    /// How many may run now.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.awaited.len() + self.others.len()
    }

    /// How many were not given out yet.
    #[must_use]
    pub fn left(&self) -> usize {
        self.graph.len() - self.given
    }

    /// How many wait, one after another, for what [`Ready::give`] would give, at the most.
    #[must_use]
    pub fn behind(&self) -> usize {
        self.awaited
            .peek()
            .map_or(0, |(behind, _)| *behind as usize)
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

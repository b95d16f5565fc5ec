//! What may run next, and what has finished.

use std::collections::VecDeque;

use super::Graph;

/// Tells what may run, and is told what has finished. A plain value: whoever drives it, a loop, a
/// pool of workers or a model checker, decides how.
///
/// Every transaction is given out exactly once, and not before everything that it waits for has
/// finished.
#[derive(Clone, Debug)]
pub struct Ready<'g> {
    graph: &'g Graph,
    /// How many edges into each transaction are left.
    waits_for: Vec<u32>,
    /// Given out in the order in which they became ready.
    ready: VecDeque<u32>,
    given: usize,
    finished: usize,
}

impl<'g> Ready<'g> {
    /// Everything is still to be done.
    #[must_use]
    pub fn new(graph: &'g Graph) -> Self {
        let waits_for = graph.waits_for().to_vec();
        let ready = (0..)
            .zip(&waits_for)
            .filter(|(_, edges)| **edges == 0)
            .map(|(transaction, _)| transaction)
            .collect();
        Ready {
            graph,
            waits_for,
            ready,
            given: 0,
            finished: 0,
        }
    }

    /// Something that may run now; `None` where nothing may until something else has finished, or
    /// where everything was given out.
    pub fn give(&mut self) -> Option<u32> {
        let transaction = self.ready.pop_front()?;
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
                self.ready.push_back(*successor);
            }
        }
    }

    /// How many may run now.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.ready.len()
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

//! Parallelism of work that is the same on one thread and on workers.

use std::ops::Range;

use super::pipeline::in_order;
use super::run::Stopped;
use super::sync::Workers;
use crate::side_by_side::SideBySide;
use crate::signature::BATCH;
use crate::storage::{Batch, Storage, StorageError};

/// The fewest transactions for which waking the workers pays, signatures aside: it costs some 20
/// microseconds.
pub(crate) const LEAST: usize = 256;

/// The fewest transactions for whose signatures waking another worker pays.
pub(crate) const LEAST_PIECE: usize = 8;

/// The size of the pieces into which the end of a large block is cut: a signature in such a batch
/// costs a tenth more than in one of [`BATCH`], in smaller ones up to a half.
pub(crate) const SMALL_PIECE: usize = 48;

/// The size of the pieces of a thread alone, which gains nothing from small ones; a storage is read best
/// in large ones.
pub(crate) const ALONE: usize = 1_024;

/// The threads that do the parts of a block which depend on nothing: the caller's alone, or the
/// workers. The results are the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parallelism<'p>(Option<&'p Workers>);

impl<'p> Parallelism<'p> {
    /// The caller's thread alone.
    pub(crate) const SERIAL: Parallelism<'static> = Parallelism(None);

    pub(crate) const fn over(workers: Option<&'p Workers>) -> Self {
        Parallelism(workers)
    }

    /// Returns the same, or the caller's thread if the transactions are too few for waking the
    /// workers to pay for anything but signatures.
    pub(crate) fn unless_few(self, transactions: usize) -> Self {
        if transactions < LEAST {
            return Parallelism::SERIAL;
        }
        self
    }

    /// Returns the same if there are more than `threads` threads, otherwise the caller's thread.
    pub(crate) fn if_more_than(self, threads: usize) -> Self {
        if self.at_once() > threads {
            return self;
        }
        Parallelism::SERIAL
    }

    /// Commits to a storage, which may use the workers for threads of its own; under a checker, which
    /// would not see those, it gets none.
    pub(crate) fn commit(
        self,
        storage: &mut impl Storage,
        batch: Batch,
    ) -> Result<(), StorageError> {
        storage.commit_owned(batch, self.0.and_then(Workers::system_threads))
    }

    /// Cuts `transactions` transactions into pieces whose signatures are verified together: one piece
    /// a worker if that is no more than a full batch each; otherwise full batches, and towards the
    /// end a worker's share of the rest, so that the workers end together (guided self-scheduling:
    /// Polychronopoulos and Kuck, 1987).
    pub(crate) fn pieces(self, transactions: usize) -> Vec<Range<usize>> {
        let (workers, full) = match self.0 {
            Some(workers) => (workers.number(), BATCH),
            None => (1, ALONE),
        };
        let least = match transactions.div_ceil(workers) {
            share if share <= full => share.max(LEAST_PIECE),
            _ => SMALL_PIECE,
        };
        let mut pieces = Vec::new();
        let mut left = 0..transactions;
        while !left.is_empty() {
            let share = left.len().div_ceil(workers).clamp(least, full);
            let end = left.end.min(left.start + share);
            pieces.push(left.start..end);
            left.start = end;
        }
        pieces
    }

    /// Prepares pieces, in any order if there are workers, and consumes each in its turn.
    ///
    /// # Errors
    ///
    /// [`Stopped::Failed`] with the error of `prepare` or `consume`; on workers [`Stopped::Panicked`]
    /// if one of them panics. Without workers a panic goes on.
    pub(crate) fn in_order<P: Sync, T: Send, E: Send>(
        self,
        pieces: &[P],
        prepare: impl Fn(&P) -> Result<T, E> + Send + Sync,
        mut consume: impl FnMut(T) -> Result<(), E> + Send,
    ) -> Result<(), Stopped<E>> {
        match self.0 {
            Some(workers) => in_order(workers, pieces.len(), |at| prepare(&pieces[at]), consume),
            None => pieces
                .iter()
                .try_for_each(|piece| consume(prepare(piece)?))
                .map_err(Stopped::Failed),
        }
    }
}

impl SideBySide for Parallelism<'_> {
    fn at_once(self) -> usize {
        self.0.map_or(1, Workers::number)
    }

    fn map<P: Sync, R: Send>(self, pieces: &[P], f: impl Fn(&P) -> R + Send + Sync) -> Vec<R> {
        match self.0 {
            Some(workers) => workers.map(pieces.iter().collect(), f),
            None => pieces.iter().map(f).collect(),
        }
    }

    fn join<A: Send, B: Send>(
        self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        match self.0 {
            Some(workers) => workers.join(one, other),
            None => (one(), other()),
        }
    }
}

//! Work that is the same on one thread and on workers.

use std::ops::Range;

use super::pipeline::in_order;
use super::run::Stopped;
use super::sync::Workers;
use crate::side_by_side::SideBySide;
use crate::signature::BATCH;
use crate::storage::{Batch, Storage, StorageError};

/// The fewest items for which waking the workers pays: it costs some 20 microseconds.
const LEAST: usize = 256;

/// The fewest transactions whose signatures are worth a batch of their own.
const LEAST_BATCH: usize = 8;

/// How many signatures to verify together where it cannot be [`BATCH`]: what lies between costs up to a
/// tenth more a signature, because the tables of that many points leave the nearest cache and the
/// method for many points does not pay yet.
const SMALL_BATCH: usize = 24;

/// Where the parts of a block that depend on nothing are done: on the caller's thread, or on the
/// workers. What comes out is the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread<'p>(Option<&'p Workers>);

impl<'p> Spread<'p> {
    /// On the caller's thread.
    pub(crate) const SERIAL: Spread<'static> = Spread(None);

    pub(crate) const fn over(workers: Option<&'p Workers>) -> Self {
        Spread(workers)
    }

    /// The same, or the caller's thread where there are so few transactions that waking the workers
    /// for anything but signatures costs more than it gains.
    pub(crate) fn unless_few(self, transactions: usize) -> Self {
        if transactions < LEAST {
            return Spread::SERIAL;
        }
        self
    }

    /// Commits to a storage.
    pub(crate) fn commit(
        self,
        storage: &mut impl Storage,
        batch: Batch,
    ) -> Result<(), StorageError> {
        match self.0 {
            Some(workers) => workers.commit(storage, batch),
            None => storage.commit_owned(batch, None),
        }
    }

    /// So many transactions in pieces: full batches of signatures, and small ones at the end, so that
    /// the workers end together.
    pub(crate) fn pieces(self, transactions: usize) -> Vec<Range<usize>> {
        // A thread alone gains nothing from small pieces, and a storage is read best in large ones.
        const ALONE: usize = 1_024;
        let Some(workers) = self.0 else {
            return pieces_of(0..transactions, ALONE);
        };
        let workers = workers.number();
        // Whoever takes the last full batch has half of one more to do than the others, on average.
        let full = transactions.saturating_sub(workers * BATCH / 2) / BATCH * BATCH;
        let rest = transactions - full;
        let rounds = (rest + workers * SMALL_BATCH / 2) / (workers * SMALL_BATCH);
        let small = rest.div_ceil(workers * rounds.max(1)).max(LEAST_BATCH);
        let mut pieces = pieces_of(0..full, BATCH);
        pieces.extend(pieces_of(full..transactions, small));
        pieces
    }

    /// Prepares pieces, in any order where there are workers, and consumes each in its turn.
    ///
    /// # Errors
    ///
    /// Where either fails; on workers also where one panics. Without workers a panic goes on.
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

/// A range in pieces of this length; the last may be shorter.
fn pieces_of(all: Range<usize>, length: usize) -> Vec<Range<usize>> {
    let end = all.end;
    all.step_by(length)
        .map(|start| start..end.min(start + length))
        .collect()
}

impl SideBySide for Spread<'_> {
    fn at_once(self) -> usize {
        self.0.map_or(1, Workers::number)
    }

    fn map<T: Sync, R: Send>(self, items: &[T], f: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
        match self.0 {
            Some(workers) if items.len() >= LEAST => {
                let share = items.len().div_ceil(8 * workers.number());
                workers
                    .map(items.chunks(share).collect(), |share| {
                        share.iter().map(&f).collect::<Vec<R>>()
                    })
                    .into_iter()
                    .flatten()
                    .collect()
            }
            _ => items.iter().map(f).collect(),
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

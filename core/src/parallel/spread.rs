//! Work that is the same on one thread and on several.

use std::ops::Range;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::Stopped;
use super::pipeline::in_order;
use crate::signature::BATCH;

/// The fewest items for which waking the workers pays: it costs some 20 microseconds.
const LEAST: usize = 256;

/// The fewest transactions whose signatures are worth a batch of their own.
const LEAST_BATCH: usize = 16;

/// Where the parts of a block that depend on nothing are done: on the caller's thread, or on the
/// threads of a pool. What comes out is the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread<'p>(Option<&'p ThreadPool>);

impl<'p> Spread<'p> {
    /// On the caller's thread.
    pub(crate) const SERIAL: Spread<'static> = Spread(None);

    pub(crate) const fn over(pool: Option<&'p ThreadPool>) -> Self {
        Spread(pool)
    }

    /// The same, or the caller's thread where there are so few transactions that waking the workers
    /// for anything but signatures costs more than it gains.
    pub(crate) fn unless_few(self, transactions: usize) -> Self {
        if transactions < LEAST {
            return Spread::SERIAL;
        }
        self
    }

    /// `f` of each item, at its index.
    pub(crate) fn map<T: Sync, R: Send>(
        self,
        items: &[T],
        f: impl Fn(&T) -> R + Send + Sync,
    ) -> Vec<R> {
        match self.0 {
            Some(pool) if items.len() >= LEAST => pool.install(|| {
                let least = items.len().div_ceil(8 * pool.current_num_threads());
                items.par_iter().with_min_len(least).map(f).collect()
            }),
            _ => items.iter().map(f).collect(),
        }
    }

    /// Both, side by side where there are workers.
    pub(crate) fn join<A: Send, B: Send>(
        self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        match self.0 {
            Some(pool) => pool.join(one, other),
            None => (one(), other()),
        }
    }

    /// On a thread of the pool, so that what `f` calls may spread its own work; on the caller's
    /// where there is none.
    pub(crate) fn within<R: Send>(self, f: impl FnOnce() -> R + Send) -> R {
        match self.0 {
            Some(pool) => pool.install(f),
            None => f(),
        }
    }

    /// So many transactions in pieces: as large as a batch of signatures, and smaller towards the
    /// end, so that the workers end together.
    pub(crate) fn pieces(self, transactions: usize) -> Vec<Range<usize>> {
        // A thread alone gains nothing from small pieces, and a storage is read best in large ones.
        const ALONE: usize = 1_024;
        let (shares, most) = match self.0 {
            Some(pool) => (2 * pool.current_num_threads(), BATCH),
            None => (1, ALONE),
        };
        let mut pieces = Vec::new();
        let mut start = 0;
        while start < transactions {
            let left = transactions - start;
            let end = start + left.div_ceil(shares).clamp(LEAST_BATCH, most).min(left);
            pieces.push(start..end);
            start = end;
        }
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
        prepare: impl Fn(&P) -> Result<T, E> + Sync,
        mut consume: impl FnMut(T) -> Result<(), E> + Send,
    ) -> Result<(), Stopped<E>> {
        match self.0 {
            Some(pool) => in_order(pool, pieces.len(), |at| prepare(&pieces[at]), consume),
            None => pieces
                .iter()
                .try_for_each(|piece| consume(prepare(piece)?))
                .map_err(Stopped::Failed),
        }
    }
}

//! Pieces that are prepared side by side and used one after another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError};

use rayon::ThreadPool;

use super::run::{Stopped, message};

/// Calls `prepare` for every piece on the threads of a pool and `consume` with what came of it, in
/// the order of the pieces, one at a time: as soon as a piece is its turn, by whoever is free. So
/// what must happen in order costs nothing but its own time, as long as there is something to
/// prepare beside it.
///
/// Costs one lock a piece and step.
///
/// # Errors
///
/// Where either fails or panics. What is running then is finished, nothing else is begun.
pub(crate) fn in_order<T: Send, E: Send>(
    pool: &ThreadPool,
    pieces: usize,
    prepare: impl Fn(usize) -> Result<T, E> + Sync,
    consume: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), Stopped<E>> {
    let board = Board {
        state: Mutex::new(State {
            unprepared: 0,
            prepared: (0..pieces).map(|_| None).collect(),
            next: 0,
            consume: Some(consume),
            stopped: None,
        }),
        changed: Condvar::new(),
    };
    // Started by one of the workers and not by the caller: who wakes two threads and falls asleep may
    // find both on one core.
    pool.scope(|scope| scope.spawn_broadcast(|_, _| board.work(&prepare)));
    let state = board
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    state.stopped.map_or(Ok(()), Err)
}

/// What the workers share. The lock is held for a few steps, never for a piece.
struct Board<T, E, C> {
    state: Mutex<State<T, E, C>>,
    changed: Condvar,
}

struct State<T, E, C> {
    /// The first piece that nobody has taken to prepare.
    unprepared: usize,
    prepared: Vec<Option<T>>,
    /// The piece whose turn it is to be consumed.
    next: usize,
    /// Away while a piece is consumed: whoever has it is the only one.
    consume: Option<C>,
    stopped: Option<Stopped<E>>,
}

enum Job<T, C> {
    Prepare(usize),
    Consume(C, T),
}

impl<T, E, C: FnMut(T) -> Result<(), E>> Board<T, E, C> {
    fn work(&self, prepare: &(impl Fn(usize) -> Result<T, E> + Sync)) {
        while let Some(job) = self.take() {
            let done = catch_unwind(AssertUnwindSafe(|| match job {
                Job::Prepare(piece) => {
                    let prepared = prepare(piece)?;
                    self.state().prepared[piece] = Some(prepared);
                    Ok(())
                }
                Job::Consume(mut consume, prepared) => {
                    consume(prepared)?;
                    let mut state = self.state();
                    state.consume = Some(consume);
                    state.next += 1;
                    Ok(())
                }
            }));
            let stopped = match done {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(Stopped::Failed(error)),
                Err(panic) => Some(Stopped::Panicked(message(&*panic))),
            };
            if let Some(stopped) = stopped {
                self.state().stopped.get_or_insert(stopped);
            }
            self.changed.notify_all();
        }
    }

    /// Something to do. Sleeps where there is nothing yet; `None` where there will be nothing any
    /// more.
    fn take(&self) -> Option<Job<T, C>> {
        let mut state = self.state();
        loop {
            if state.stopped.is_some() || state.next == state.prepared.len() {
                return None;
            }
            let next = state.next;
            // Before anything is prepared: what is consumed early is still near, and leaves the
            // others something to prepare beside it.
            if state.consume.is_some()
                && let Some(prepared) = state.prepared[next].take()
            {
                let consume = state.consume.take()?;
                return Some(Job::Consume(consume, prepared));
            }
            if state.unprepared < state.prepared.len() {
                state.unprepared += 1;
                return Some(Job::Prepare(state.unprepared - 1));
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State<T, E, C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Pieces that are prepared side by side and used one after another.

use super::run::Stopped;
use super::sync::{Condvar, Mutex, Workers, catch_panic};

/// Calls `prepare` for every piece on workers and `consume` with what came of it, in the order of the
/// pieces, one at a time: as soon as a piece is its turn, by whoever is free. So what must happen in
/// order costs nothing but its own time, as long as there is something to prepare beside it.
///
/// Costs one lock a piece and step.
///
/// # Errors
///
/// Where either fails or panics. What is running then is finished, nothing else is begun.
pub(crate) fn in_order<T: Send, E: Send>(
    workers: &Workers,
    pieces: usize,
    prepare: impl Fn(usize) -> Result<T, E> + Send + Sync,
    consume: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), Stopped<E>> {
    let pipeline = Pipeline::new(pieces, consume);
    workers.each(|| pipeline.work(&prepare));
    pipeline.finish()
}

/// Pieces and how far they have come, for whoever has threads of its own.
#[derive(Debug)]
pub struct Pipeline<T, E, C> {
    /// Held for a few steps, never for a piece.
    state: Mutex<PipelineState<T, E, C>>,
    changed: Condvar,
}

#[derive(Debug)]
struct PipelineState<T, E, C> {
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

impl<T, E, C: FnMut(T) -> Result<(), E>> Pipeline<T, E, C> {
    /// So many pieces, none of them prepared.
    #[must_use]
    pub fn new(pieces: usize, consume: C) -> Self {
        Pipeline {
            state: Mutex::new(PipelineState {
                unprepared: 0,
                prepared: (0..pieces).map(|_| None).collect(),
                next: 0,
                consume: Some(consume),
                stopped: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// Prepares and consumes on this thread until everything is consumed or stopped; sleeps where
    /// there is nothing to do yet.
    pub fn work(&self, prepare: &impl Fn(usize) -> Result<T, E>) {
        while let Some(job) = self.take() {
            let done = catch_panic(|| match job {
                Job::Prepare(piece) => {
                    let prepared = prepare(piece)?;
                    self.state.lock().prepared[piece] = Some(prepared);
                    Ok(())
                }
                Job::Consume(mut consume, prepared) => {
                    consume(prepared)?;
                    let mut state = self.state.lock();
                    state.consume = Some(consume);
                    state.next += 1;
                    Ok(())
                }
            });
            let stopped = match done {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(Stopped::Failed(error)),
                Err(message) => Some(Stopped::Panicked(message)),
            };
            if let Some(stopped) = stopped {
                self.state.lock().stopped.get_or_insert(stopped);
            }
            self.changed.notify_all();
        }
    }

    /// How it ended, when every thread has.
    ///
    /// # Errors
    ///
    /// Where a piece failed or panicked.
    pub fn finish(self) -> Result<(), Stopped<E>> {
        self.state.into_inner().stopped.map_or(Ok(()), Err)
    }

    /// Something to do. Sleeps where there is nothing yet; `None` where there will be nothing any
    /// more.
    fn take(&self) -> Option<Job<T, C>> {
        let mut state = self.state.lock();
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
            state = self.changed.wait(state);
        }
    }
}

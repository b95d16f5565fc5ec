//! The pipeline: pieces that are prepared side by side and consumed one after another.

use super::run::Stopped;
use super::sync::{Condvar, Mutex, Workers, catch_panic};

/// Calls `prepare` for every piece on workers and `consume` with its result, in the order of the pieces,
/// one at a time: a worker that is free consumes a piece as soon as it is its turn. So the part in order
/// costs only its own time, as long as there are pieces to prepare beside it.
///
/// Costs one lock a piece and step.
///
/// # Errors
///
/// [`Stopped::Failed`] with the first error of either, [`Stopped::Panicked`] if either panics first.
/// Calls that run then are finished, no other is begun.
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

/// Pieces and how far they have come, for a caller that has threads of its own.
#[derive(Debug)]
pub struct Pipeline<T, E, C> {
    /// Held for a few steps, never for a piece.
    state: Mutex<PipelineState<T, E, C>>,
    changed: Condvar,
}

#[derive(Debug)]
struct PipelineState<T, E, C> {
    /// The first piece that no worker has begun to prepare.
    unprepared: usize,
    prepared: Vec<Option<T>>,
    /// The piece that is consumed next.
    next: usize,
    /// `None` while a piece is consumed: one worker at a time has it.
    consume: Option<C>,
    stopped: Option<Stopped<E>>,
}

enum Job<T, C> {
    Prepare(usize),
    Consume(C, T),
}

impl<T, E, C: FnMut(T) -> Result<(), E>> Pipeline<T, E, C> {
    /// Creates a pipeline of `pieces` pieces, none of them prepared.
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

    /// Prepares and consumes on this thread until all pieces are consumed or one has stopped the
    /// rest; sleeps while there is nothing to do yet.
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

    /// Returns how the pipeline ended, when every thread has.
    ///
    /// # Errors
    ///
    /// [`Stopped::Failed`] or [`Stopped::Panicked`], the first that happened to a piece.
    pub fn finish(self) -> Result<(), Stopped<E>> {
        self.state.into_inner().stopped.map_or(Ok(()), Err)
    }

    /// Returns the next job of this thread. Sleeps while there is none yet; `None` if there will be
    /// none any more.
    fn take(&self) -> Option<Job<T, C>> {
        let mut state = self.state.lock();
        loop {
            if state.stopped.is_some() || state.next == state.prepared.len() {
                return None;
            }
            let next = state.next;
            // Before anything is prepared: a piece that is consumed early is still in the caches, and
            // leaves the others something to prepare beside it.
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

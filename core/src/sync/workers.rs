//! A fixed number of threads.

pub use rayon::ThreadPoolBuildError as NoWorkers;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// A fixed number of threads that sleep when there is nothing to do.
///
/// Whoever hands them something waits until it is done, and a panic of theirs goes on in the caller.
#[derive(Debug)]
pub struct Workers(ThreadPool);

impl Workers {
    /// Starts so many threads, at least one.
    ///
    /// # Errors
    ///
    /// Where the system gives no threads.
    pub fn new(number: usize) -> Result<Self, NoWorkers> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(number.max(1))
            .thread_name(|number| format!("lockstep-{number}"))
            .build()?;
        Ok(Workers(pool))
    }

    /// How many there are.
    #[must_use]
    pub fn number(&self) -> usize {
        self.0.current_num_threads()
    }

    /// Calls `work` once on every thread; gives what came of it.
    pub fn each<R: Send>(&self, work: impl Fn() -> R + Send + Sync) -> Vec<R> {
        // From one of them and not from the caller: who wakes two threads and falls asleep may find
        // both on one core.
        self.0.install(|| self.0.broadcast(|_| work()))
    }

    /// `f` of each item, at its index. An item is what a thread takes at once.
    pub fn map<T: Send, R: Send>(&self, items: Vec<T>, f: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
        self.0.install(|| {
            let items = items.into_par_iter().with_max_len(1);
            items.map(f).collect()
        })
    }

    /// Both, side by side.
    pub fn join<A: Send, B: Send>(
        &self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        self.0.join(one, other)
    }

    /// On one of the threads, so that what `f` calls may spread its own work.
    pub fn within<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        self.0.install(f)
    }
}

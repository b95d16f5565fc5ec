//! Workers drive the machine that says what may run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError};

use rayon::ThreadPool;

use crate::schedule::{Graph, Ready};

/// The most tasks that a worker takes at once. Taking is a lock; what is taken is out of the others'
/// reach.
const MOST_AT_ONCE: usize = 64;

/// Why not everything ran.
#[derive(Debug, PartialEq, Eq)]
pub enum Stopped<E> {
    /// A task failed.
    Failed(E),
    /// A task panicked.
    Panicked(String),
}

/// Runs `task` for every transaction of a graph on the threads of a pool, none before everything
/// that it waits for has returned; gives what they returned, each at its own index. There is no
/// barrier: what may run runs.
///
/// Costs about 50 ns a transaction beside the tasks, where there is enough to run; a chain stays on
/// one thread.
///
/// # Errors
///
/// Where a task fails or panics. What is running then is finished, nothing else is begun, and the
/// results are dropped.
pub fn run<T: Send, E: Send>(
    pool: &ThreadPool,
    graph: &Graph,
    task: impl Fn(u32) -> Result<T, E> + Sync,
) -> Result<Vec<T>, Stopped<E>> {
    let board = Board {
        state: Mutex::new(State {
            ready: Ready::new(graph),
            waiting: 0,
            stopped: None,
        }),
        changed: Condvar::new(),
        workers: pool.current_num_threads(),
    };
    // From one of the workers, see `pipeline`.
    let finished: Vec<Vec<(u32, T)>> = pool.install(|| pool.broadcast(|_| board.work(&task)));
    let state = board
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(stopped) = state.stopped {
        return Err(stopped);
    }
    let mut results: Vec<Option<T>> = (0..graph.len()).map(|_| None).collect();
    for (transaction, result) in finished.into_iter().flatten() {
        results[transaction as usize] = Some(result);
    }
    Ok(results
        .into_iter()
        .map(|result| result.expect("a machine that is done gave out everything"))
        .collect())
}

/// What the workers share. The lock is held for a few steps of the machine, never for a task.
struct Board<'g, E> {
    state: Mutex<State<'g, E>>,
    changed: Condvar,
    workers: usize,
}

struct State<'g, E> {
    ready: Ready<'g>,
    /// How many workers sleep because nothing is ready.
    waiting: usize,
    stopped: Option<Stopped<E>>,
}

impl<E> Board<'_, E> {
    fn work<T>(&self, task: &(impl Fn(u32) -> Result<T, E> + Sync)) -> Vec<(u32, T)> {
        let mut results = Vec::new();
        let mut taken = Vec::new();
        let mut finished = Vec::new();
        while self.take(&mut finished, &mut taken) {
            for transaction in taken.drain(..) {
                match catch_unwind(AssertUnwindSafe(|| task(transaction))) {
                    Ok(Ok(result)) => results.push((transaction, result)),
                    Ok(Err(error)) => {
                        self.stop(Stopped::Failed(error));
                        return results;
                    }
                    Err(panic) => {
                        self.stop(Stopped::Panicked(message(&*panic)));
                        return results;
                    }
                }
                finished.push(transaction);
            }
        }
        results
    }

    /// Says what this worker has finished and gets it something to do. Sleeps where there is
    /// nothing yet; `false` where there will be nothing any more.
    fn take(&self, finished: &mut Vec<u32>, taken: &mut Vec<u32>) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for transaction in finished.drain(..) {
            state.ready.finish(transaction);
        }
        loop {
            if state.stopped.is_some() || state.ready.is_done() {
                self.changed.notify_all();
                return false;
            }
            if state.ready.ready() > 0 {
                break;
            }
            state.waiting += 1;
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        // As much as leaves something for everybody, so that they end together.
        let share = state.ready.ready() / (2 * self.workers);
        for _ in 0..share.clamp(1, MOST_AT_ONCE) {
            taken.extend(state.ready.give());
        }
        if state.waiting > 0 && state.ready.ready() > 0 {
            self.changed.notify_one();
        }
        true
    }

    fn stop(&self, why: Stopped<E>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.stopped.get_or_insert(why);
        self.changed.notify_all();
    }
}

pub(crate) fn message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
        .to_owned()
}

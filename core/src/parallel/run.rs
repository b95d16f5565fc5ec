//! The run of a graph of transactions on workers, which drive its ready set.

use super::sync::atomic::{AtomicBool, Ordering};
use super::sync::{
    Condvar, Mutex, SPIN_LIMIT, Workers, catch_panic, set_current_place, spin_pause,
};
use crate::schedule::{Graph, ReadySet};

/// The most tasks that a worker takes at once. Taking costs a lock; a task that is taken is out of the
/// others' reach.
pub(crate) const MOST_AT_ONCE: usize = 64;

/// The reason why not every task ran.
#[derive(Debug, PartialEq, Eq)]
pub enum Stopped<E> {
    /// A task failed.
    Failed(E),
    /// A task panicked.
    Panicked(String),
}

/// Runs `task` for every transaction of a graph on workers, none before all that it waits for have
/// returned; returns the results, each at its own index. There is no barrier: a transaction that may run
/// runs.
///
/// Costs about 50 ns a transaction beside the tasks, if there are enough to run; a chain stays on
/// one thread.
///
/// # Errors
///
/// [`Stopped::Failed`] if a task fails, [`Stopped::Panicked`] if one panics, whichever is first.
/// Tasks that run then are finished, no other is begun, and the results are dropped.
pub fn run<T: Send, E: Send>(
    workers: &Workers,
    graph: &Graph,
    task: impl Fn(u32) -> Result<T, E> + Send + Sync,
) -> Result<Vec<T>, Stopped<E>> {
    run_after(workers, graph, Vec::new(), task)
}

/// Runs `task` for every transaction of a block, as [`run`] does over the graph that `graph` makes.
/// That is one thread's work; meanwhile the caller runs the first transactions in block order. One
/// worker alone makes no graph.
///
/// # Errors
///
/// As [`run`].
///
/// # Panics
///
/// If `graph` panics, or makes the graph of another number of transactions than `transactions`.
pub fn run_block<T: Send, E: Send>(
    workers: &Workers,
    transactions: usize,
    graph: impl FnOnce() -> Graph + Send,
    task: impl Fn(u32) -> Result<T, E> + Send + Sync,
) -> Result<Vec<T>, Stopped<E>> {
    let overlap = GraphOverlap::new(transactions);
    let (begun, graph) = workers.join(|| overlap.run(&task), || overlap.make(graph));
    let begun = begun?;
    let Some(graph) = graph else {
        return Ok(begun);
    };
    assert_eq!(graph.len(), transactions, "the graph is that of the block");
    run_after(workers, &graph, begun, task)
}

/// Runs the rest of a graph, of which the first transactions have run and returned `begun`.
fn run_after<T: Send, E: Send>(
    workers: &Workers,
    graph: &Graph,
    mut begun: Vec<T>,
    task: impl Fn(u32) -> Result<T, E> + Send + Sync,
) -> Result<Vec<T>, Stopped<E>> {
    if graph.depth() == graph.len() {
        // No two may run side by side.
        begun.reserve_exact(graph.len() - begun.len());
        while begun.len() < graph.len() {
            run_next(&mut begun, &task)?;
        }
        return Ok(begun);
    }
    let run = Run::after(graph, begun.len(), workers.number());
    let mut finished = workers.each(|| run.work(&task));
    finished.push((0..).zip(begun).collect());
    run.finish(finished)
}

/// Runs the next transaction in block order.
fn run_next<T, E>(
    results: &mut Vec<T>,
    task: &impl Fn(u32) -> Result<T, E>,
) -> Result<(), Stopped<E>> {
    let next = u32::try_from(results.len()).expect("a block has fewer transactions");
    match catch_panic(|| task(next)) {
        Ok(Ok(result)) => {
            results.push(result);
            Ok(())
        }
        Ok(Err(error)) => Err(Stopped::Failed(error)),
        Err(message) => Err(Stopped::Panicked(message)),
    }
}

/// Overlap of the making of a block's graph with its first transactions, for a caller that has threads
/// of its own: one that makes the graph and one that runs; [`run_block`] uses it.
#[derive(Debug)]
pub struct GraphOverlap {
    transactions: usize,
    // Relaxed, both: they say only whether to go on, and hand nothing over.
    is_made: AtomicBool,
    is_over: AtomicBool,
}

impl GraphOverlap {
    /// Creates the overlap for a block of `transactions` transactions, of which none has run.
    #[must_use]
    pub fn new(transactions: usize) -> Self {
        GraphOverlap {
            transactions,
            is_made: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        }
    }

    /// Runs transactions in block order until the graph is made; returns their results, as many as
    /// [`Run::after`] is told have finished.
    ///
    /// # Errors
    ///
    /// [`Stopped::Failed`] if a task fails, [`Stopped::Panicked`] if one panics; those after it do
    /// not run.
    pub fn run<T, E>(&self, task: &impl Fn(u32) -> Result<T, E>) -> Result<Vec<T>, Stopped<E>> {
        let mut begun = Vec::with_capacity(self.transactions);
        let mut ended = Ok(());
        while ended.is_ok() && begun.len() < self.transactions {
            if self.is_made.load(Ordering::Relaxed) {
                return Ok(begun);
            }
            ended = run_next(&mut begun, task);
        }
        self.is_over.store(true, Ordering::Relaxed);
        ended.map(|()| begun)
    }

    /// Makes the graph; `None` if all transactions have run by then, or one has failed.
    pub fn make(&self, graph: impl FnOnce() -> Graph) -> Option<Graph> {
        /// Sets the flag when the graph is made, and after a panic: then running ahead is for nothing.
        struct SetOnDrop<'a>(&'a AtomicBool);
        impl Drop for SetOnDrop<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _made = SetOnDrop(&self.is_made);
        (!self.is_over.load(Ordering::Relaxed)).then(graph)
    }
}

/// A graph and how far it has run, for a caller that has threads of its own; [`run`] uses it.
#[derive(Debug)]
pub struct Run<'g, E> {
    transactions: usize,
    /// Held for a few steps of the ready set, never for a task.
    state: Mutex<RunState<'g, E>>,
    changed: Condvar,
    workers: usize,
}

#[derive(Debug)]
struct RunState<'g, E> {
    ready: ReadySet<'g>,
    /// The number of workers that sleep because nothing is ready.
    waiting: usize,
    stopped: Option<Stopped<E>>,
}

impl<'g, E> Run<'g, E> {
    /// Creates a run of which nothing has run, for `workers` threads; another number of threads is no
    /// error, but shares the work less well.
    #[must_use]
    pub fn new(graph: &'g Graph, workers: usize) -> Self {
        Run::after(graph, 0, workers)
    }

    /// Creates a run of which the first `finished` transactions of the block have run; their results
    /// must be passed to [`Run::finish`], too.
    ///
    /// # Panics
    ///
    /// If the graph has fewer.
    #[must_use]
    pub fn after(graph: &'g Graph, finished: usize, workers: usize) -> Self {
        Run {
            transactions: graph.len(),
            state: Mutex::new(RunState {
                ready: ReadySet::after(graph, finished),
                waiting: 0,
                stopped: None,
            }),
            changed: Condvar::new(),
            workers: workers.max(1),
        }
    }

    /// Runs ready transactions on this thread until all are finished or the run is stopped; sleeps while
    /// none is ready yet. Returns the transactions that this thread ran, with their results.
    pub fn work<T>(&self, task: &impl Fn(u32) -> Result<T, E>) -> Vec<(u32, T)> {
        set_current_place("execute over the graph");
        let mut results = Vec::with_capacity(self.transactions.div_ceil(self.workers));
        let mut batch = Vec::new();
        let mut finished = Vec::new();
        while self.take(&mut finished, &mut batch) {
            for transaction in batch.drain(..) {
                match catch_panic(|| task(transaction)) {
                    Ok(Ok(result)) => results.push((transaction, result)),
                    Ok(Err(error)) => {
                        self.stop(Stopped::Failed(error));
                        return results;
                    }
                    Err(message) => {
                        self.stop(Stopped::Panicked(message));
                        return results;
                    }
                }
                finished.push(transaction);
            }
        }
        results
    }

    /// Returns the results of all threads, each at its own index.
    ///
    /// # Errors
    ///
    /// As [`run`].
    ///
    /// # Panics
    ///
    /// If a thread's results are missing.
    pub fn finish<T>(self, finished: Vec<Vec<(u32, T)>>) -> Result<Vec<T>, Stopped<E>> {
        let state = self.state.into_inner();
        if let Some(stopped) = state.stopped {
            return Err(stopped);
        }
        let mut results: Vec<Option<T>> = (0..self.transactions).map(|_| None).collect();
        for (transaction, result) in finished.into_iter().flatten() {
            results[transaction as usize] = Some(result);
        }
        Ok(results
            .into_iter()
            .map(|result| result.expect("a ready set that is done gave out everything"))
            .collect())
    }

    /// Reports the transactions that this worker has finished and fills its next batch. Sleeps while
    /// there is nothing to run; returns `false` if there will be nothing any more.
    fn take(&self, finished: &mut Vec<u32>, batch: &mut Vec<u32>) -> bool {
        let mut state = self.state.lock();
        for transaction in finished.drain(..) {
            state.ready.finish(transaction);
        }
        let mut spins = SPIN_LIMIT;
        loop {
            if state.stopped.is_some() || state.ready.is_done() {
                self.changed.notify_all();
                return false;
            }
            if state.ready.ready() > 0 {
                break;
            }
            // To sleep and to be woken costs as much as a transaction or more.
            if spins > 0 {
                spins -= 1;
                drop(state);
                spin_pause();
                state = self.state.lock();
                continue;
            }
            state.waiting += 1;
            state = self.changed.wait(state);
            state.waiting -= 1;
        }
        for _ in 0..self.share(&state.ready) {
            batch.extend(state.ready.give());
        }
        if state.waiting > 0 && state.ready.ready() > 0 {
            self.changed.notify_one();
        }
        true
    }

    /// Returns the number of transactions to take at once: few enough that every worker gets some,
    /// that all end together, and that transactions which others wait for come back in time. That is
    /// one if the critical path is as long as a worker's share of the rest.
    fn share(&self, ready: &ReadySet<'_>) -> usize {
        let all = ready.ready() / (2 * self.workers);
        let slack = (ready.left() / self.workers).saturating_sub(ready.critical_path_length());
        all.min(slack / 8).clamp(1, MOST_AT_ONCE)
    }

    fn stop(&self, why: Stopped<E>) {
        let mut state = self.state.lock();
        state.stopped.get_or_insert(why);
        self.changed.notify_all();
    }
}

//! Running a graph of transactions on workers: they drive the machine that says what may run.

use super::sync::atomic::{AtomicBool, Ordering};
use super::sync::{Condvar, Mutex, SPIN_LIMIT, Workers, catch_panic, spin_pause};
use crate::schedule::{Graph, ReadySet};

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

/// Runs `task` for every transaction of a graph on workers, none before everything that it waits for
/// has returned; gives what they returned, each at its own index. There is no barrier: what may run
/// runs.
///
/// Costs about 50 ns a transaction beside the tasks, where there is enough to run; a chain stays on
/// one thread.
///
/// # Errors
///
/// Where a task fails or panics. What is running then is finished, nothing else is begun, and the
/// results are dropped.
pub fn run<T: Send, E: Send>(
    workers: &Workers,
    graph: &Graph,
    task: impl Fn(u32) -> Result<T, E> + Send + Sync,
) -> Result<Vec<T>, Stopped<E>> {
    run_after(workers, graph, Vec::new(), task)
}

/// Runs `task` for every transaction of a block, so many, as [`run`] does over the graph that `graph`
/// makes. That is one thread's work; meanwhile the caller runs the first transactions in block order. One
/// worker alone makes no graph.
///
/// # Errors
///
/// As [`run`].
///
/// # Panics
///
/// Where `graph` panics, or makes the graph of another number of transactions.
pub fn run_block<T: Send, E: Send>(
    workers: &Workers,
    transactions: usize,
    graph: impl FnOnce() -> Graph + Send,
    task: impl Fn(u32) -> Result<T, E> + Send + Sync,
) -> Result<Vec<T>, Stopped<E>> {
    let ahead = GraphOverlap::new(transactions);
    let (begun, graph) = workers.join(|| ahead.run(&task), || ahead.make(graph));
    let begun = begun?;
    let Some(graph) = graph else {
        return Ok(begun);
    };
    assert_eq!(graph.len(), transactions, "the graph is that of the block");
    run_after(workers, &graph, begun, task)
}

/// What is left when the first transactions have run, and returned these.
fn run_after<T: Send, E: Send>(
    workers: &Workers,
    graph: &Graph,
    mut begun: Vec<T>,
    task: impl Fn(u32) -> Result<T, E> + Send + Sync,
) -> Result<Vec<T>, Stopped<E>> {
    if graph.depth() == graph.len() {
        // Nothing may run beside anything.
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

/// The next transaction in block order.
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
    // Relaxed, both: they say whether to go on, and hand nothing over.
    is_made: AtomicBool,
    is_over: AtomicBool,
}

impl GraphOverlap {
    /// Nothing has run of a block of so many.
    #[must_use]
    pub fn new(transactions: usize) -> Self {
        GraphOverlap {
            transactions,
            is_made: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        }
    }

    /// Runs in block order what there is, until the graph is made; gives what came of it, for
    /// [`Run::after`].
    ///
    /// # Errors
    ///
    /// Where a task fails or panics; what comes after it does not run.
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

    /// Makes the graph; `None` where nothing is left to run over it, or nothing more will be.
    pub fn make(&self, graph: impl FnOnce() -> Graph) -> Option<Graph> {
        /// When it is made, and when it never will be: then nobody shall go on for nothing.
        struct Set<'a>(&'a AtomicBool);
        impl Drop for Set<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _made = Set(&self.is_made);
        (!self.is_over.load(Ordering::Relaxed)).then(graph)
    }
}

/// A graph and how far it has run, for whoever has threads of its own; [`run`] is what uses it.
#[derive(Debug)]
pub struct Run<'g, E> {
    transactions: usize,
    /// Held for a few steps of the machine, never for a task.
    state: Mutex<RunState<'g, E>>,
    changed: Condvar,
    workers: usize,
}

#[derive(Debug)]
struct RunState<'g, E> {
    ready: ReadySet<'g>,
    /// How many workers sleep because nothing is ready.
    waiting: usize,
    stopped: Option<Stopped<E>>,
}

impl<'g, E> Run<'g, E> {
    /// Nothing has run. So many threads will work on it; another number is no error, but shares the
    /// work less well.
    #[must_use]
    pub fn new(graph: &'g Graph, workers: usize) -> Self {
        Run::after(graph, 0, workers)
    }

    /// The first so many transactions of the block have run, and what they returned is for
    /// [`Run::finish`], too.
    ///
    /// # Panics
    ///
    /// Where the graph has fewer.
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

    /// Runs on this thread what is ready, until everything is finished or stopped; sleeps where
    /// nothing is ready yet. Gives what this thread ran, and what came of it.
    pub fn work<T>(&self, task: &impl Fn(u32) -> Result<T, E>) -> Vec<(u32, T)> {
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

    /// What all threads gave, each result at its own index.
    ///
    /// # Errors
    ///
    /// As [`run`].
    ///
    /// # Panics
    ///
    /// Where a thread's results are missing.
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
            .map(|result| result.expect("a machine that is done gave out everything"))
            .collect())
    }

    /// Says what this worker has finished and gets it something to do. Sleeps where there is
    /// nothing for a while; `false` where there will be nothing any more.
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
            // To sleep and to be woken costs as much as many a transaction.
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

    /// How many to take at once: as much as leaves something for everybody, so that they end
    /// together, and what others wait for comes back in time. Where the longest chain is as long as
    /// all that is left takes, that is one.
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

//! Claims about the order in which workers run the transactions of a graph.

use std::sync::Arc;

use lockstep_core::schedule::Graph;

use super::{balance, execute, state};
use crate::batch::{Batch, stored, transfer};
use crate::{
    Condvar, GraphOverlap, Mutex, Pipeline, Run, Stopped, explore, explore_within, thread,
};

/// Three transactions of which the last waits for both others.
fn join() -> &'static Graph {
    Batch::of(vec![
        transfer(0, 0, &[(8, 1)]),
        transfer(1, 0, &[(9, 1)]),
        transfer(8, 0, &[(1, 1)]),
    ])
    .graph
}

/// One transaction, and two that wait for it.
fn fork() -> &'static Graph {
    Batch::of(vec![
        transfer(0, 0, &[(1, 1), (2, 1)]),
        transfer(1, 0, &[(9, 1)]),
        transfer(2, 0, &[(9, 1)]),
    ])
    .graph
}

/// Two that nothing connects.
fn apart() -> &'static Graph {
    Batch::of(vec![transfer(0, 0, &[(1, 1)]), transfer(2, 0, &[(3, 1)])]).graph
}

/// As many transactions as it takes for a worker to take two at once; a transaction waits for each of
/// two of them.
fn crowd() -> &'static Graph {
    const CROWD: u8 = 36;
    let apart = (0..CROWD).map(|source| transfer(source, 0, &[(100 + source, 1)]));
    let behind = (0..2).map(|number| transfer(100 + number, 0, &[(98 + number, 1)]));
    Batch::of(apart.chain(behind).collect()).graph
}

/// Notes in which order tasks begin and end.
#[derive(Default)]
struct Log(Mutex<Vec<(u32, bool)>>);

impl Log {
    fn note(&self, transaction: u32, is_end: bool) {
        let mut log = self.0.lock().expect("no thread panics");
        log.push((transaction, is_end));
    }

    fn position(log: &[(u32, bool)], of: (u32, bool)) -> usize {
        let at = log.iter().position(|noted| *noted == of);
        at.expect("every transaction begins and ends")
    }

    /// Each ran once, none before what it waits for had ended.
    fn check(&self, graph: &Graph) {
        let log = self.0.lock().expect("no thread panics");
        assert_eq!(log.len(), 2 * graph.len(), "each runs once: {log:?}");
        for before in (0..).take(graph.len()) {
            for after in graph.successors(before) {
                let end = Log::position(&log, (before, true));
                let begin = Log::position(&log, (*after, false));
                assert!(end < begin, "{after} waits for {before}: {log:?}");
            }
        }
    }

    /// A task that only writes down that it ran.
    fn task(&self, transaction: u32) -> Result<u32, ()> {
        self.note(transaction, false);
        self.note(transaction, true);
        Ok(transaction)
    }
}

/// Runs a graph on `threads` threads with tasks that only write down that they ran.
fn run_and_log(graph: &'static Graph, threads: usize) {
    run_and_log_after(graph, threads, Vec::new(), Log::default());
}

/// The same where the first transactions have run, and returned this.
fn run_and_log_after(graph: &'static Graph, threads: usize, begun: Vec<u32>, log: Log) {
    let run = Arc::new((Run::after(graph, begun.len(), threads), log));
    let work =
        |(run, log): &(Run<'static, ()>, Log)| run.work(&|transaction| log.task(transaction));
    let others: Vec<_> = (1..threads)
        .map(|_| {
            let run = Arc::clone(&run);
            thread::spawn(move || work(&run))
        })
        .collect();
    let mut finished = vec![(0..).zip(begun).collect(), work(&run)];
    for other in others {
        // A worker that is never woken ends the exploration as a deadlock.
        finished.push(other.join().expect("no worker panics"));
    }
    let (run, log) = Arc::into_inner(run).expect("the workers have ended");
    log.check(graph);
    let results = run.finish(finished).expect("no task fails");
    let own: Vec<u32> = (0..).take(graph.len()).collect();
    assert_eq!(results, own, "each result is at its own index");
}

#[test]
fn what_waits_for_two_runs_after_both() {
    let graph = join();
    assert_eq!(graph.waits_for(), [0, 0, 2]);
    explore("what_waits_for_two_runs_after_both", move || {
        run_and_log(graph, 2);
    });
}

#[test]
fn what_waits_for_one_runs_after_it() {
    let graph = fork();
    explore("what_waits_for_one_runs_after_it", move || {
        run_and_log(graph, 2);
    });
}

/// While one thread makes the graph, another runs what comes first in the block; wherever that ends,
/// both go on from there.
#[test]
fn what_runs_while_the_graph_is_made_runs_once() {
    let graph = join();
    explore("what_runs_while_the_graph_is_made_runs_once", move || {
        let ahead = Arc::new(GraphOverlap::new(graph.len()));
        let maker = {
            let ahead = Arc::clone(&ahead);
            thread::spawn(move || ahead.make(|| graph.clone()))
        };
        let log = Log::default();
        let begun = ahead.run(&|transaction| log.task(transaction));
        let begun = begun.expect("no task fails");
        match maker.join().expect("no thread panics") {
            Some(_) => run_and_log_after(graph, 2, begun, log),
            None => {
                log.check(graph);
                assert_eq!(begun, [0, 1, 2]);
            }
        }
    });
}

/// Two transactions become ready at once, and each ends only when the other has begun: the worker that
/// takes one of them wakes another for the other.
#[test]
fn what_becomes_ready_at_once_runs_at_once() {
    let graph = fork();
    assert_eq!(graph.waits_for(), [0, 1, 1]);
    explore("what_becomes_ready_at_once_runs_at_once", move || {
        let run = Arc::new((Run::<()>::new(graph, 2), Mutex::new(0), Condvar::new()));
        let work = |(run, begun, changed): &(Run<'static, ()>, Mutex<u32>, Condvar)| {
            run.work(&|transaction| {
                if transaction > 0 {
                    let mut begun = begun.lock().expect("no thread panics");
                    *begun += 1;
                    changed.notify_one();
                    while *begun < 2 {
                        begun = changed.wait(begun).expect("no thread panics");
                    }
                }
                Ok(transaction)
            })
        };
        let other = {
            let run = Arc::clone(&run);
            thread::spawn(move || work(&run))
        };
        let mine = work(&run);
        let others = other.join().expect("no worker panics");
        assert_eq!(mine.len() + others.len(), 3);
    });
}

/// A worker that has taken several tells of all that it has finished.
#[test]
fn what_is_taken_together_is_finished_together() {
    let graph = crowd();
    explore_within(
        2,
        "what_is_taken_together_is_finished_together",
        move || {
            run_and_log(graph, 2);
        },
    );
}

/// The third finds nothing to do, at whatever moment it comes.
#[test]
fn three_workers_on_two_transactions_all_end() {
    let graph = apart();
    assert_eq!(graph.waits_for(), [0, 0]);
    explore_within(5, "three_workers_on_two_transactions_all_end", move || {
        run_and_log(graph, 3);
    });
}

/// A worker that gets no time before the others have ended delays none of them and has no part in the
/// result.
#[test]
fn a_worker_that_starves_holds_no_other_up() {
    let graph = fork();
    explore("a_worker_that_starves_holds_no_other_up", move || {
        let run = Arc::new(Run::<()>::new(graph, 3));
        let work = |run: &Run<'static, ()>| run.work(&|transaction| Ok(transaction));
        let other = {
            let run = Arc::clone(&run);
            thread::spawn(move || work(&run))
        };
        let mine = work(&run);
        let others = other.join().expect("no worker panics");
        let late = work(&run);
        assert!(late.is_empty(), "nothing is left: {late:?}");
        let run = Arc::into_inner(run).expect("the workers have ended");
        let results = run.finish(vec![late, mine, others]);
        assert_eq!(results, Ok(vec![0, 1, 2]));
    });
}

/// Whatever the last worker did: if one fails the others end, and nothing comes out.
#[test]
fn a_failure_ends_every_worker_and_gives_nothing() {
    let graph = join();
    explore("a_failure_ends_every_worker_and_gives_nothing", move || {
        let run = Arc::new(Run::new(graph, 2));
        let work = |run: &Run<'static, u32>| {
            run.work(&|transaction| match transaction {
                0 => Err(transaction),
                _ => Ok(transaction),
            })
        };
        let other = {
            let run = Arc::clone(&run);
            thread::spawn(move || work(&run))
        };
        let mine = work(&run);
        let others = other.join().expect("no worker panics");
        let ran = |ran: &[(u32, u32)]| ran.iter().any(|(transaction, _)| *transaction == 2);
        assert!(!ran(&mine) && !ran(&others), "2 waits for what failed");
        let run = Arc::into_inner(run).expect("the workers have ended");
        assert_eq!(run.finish(vec![mine, others]), Err(Stopped::Failed(0)));
    });
}

/// The merge after all workers have ended has the writes of the last one.
#[test]
fn the_merge_sees_what_every_worker_wrote() {
    const TO: u8 = 2;
    let storage = stored(&[0, 1]);
    let batch = Batch::of(vec![transfer(0, 0, &[(TO, 1)]), transfer(1, 0, &[(TO, 2)])]);
    explore_within(5, "the_merge_sees_what_every_worker_wrote", move || {
        let state = state(&storage);
        execute(batch, &state, 2);
        assert_eq!(balance(&state, TO), 3);
    });
}

#[test]
fn pieces_are_consumed_in_order_and_once() {
    const PIECES: usize = 3;
    explore_within(6, "pieces_are_consumed_in_order_and_once", || {
        let consumed = Arc::new(Mutex::new(Vec::new()));
        let pipeline = {
            let consumed = Arc::clone(&consumed);
            Arc::new(Pipeline::new(PIECES, move |piece: usize| {
                consumed.lock().expect("no thread panics").push(piece);
                Ok::<(), ()>(())
            }))
        };
        let other = {
            let pipeline = Arc::clone(&pipeline);
            thread::spawn(move || pipeline.work(&Ok))
        };
        pipeline.work(&Ok);
        other.join().expect("no worker panics");
        let pipeline = Arc::into_inner(pipeline).expect("the workers have ended");
        assert_eq!(pipeline.finish(), Ok(()));
        assert_eq!(*consumed.lock().expect("no thread panics"), [0, 1, 2]);
    });
}

#[test]
fn a_piece_that_fails_ends_every_worker() {
    explore("a_piece_that_fails_ends_every_worker", || {
        let pipeline = Arc::new(Pipeline::new(2, |_: usize| Ok(())));
        let prepare = |piece| match piece {
            0 => Err("no"),
            _ => Ok(piece),
        };
        let other = {
            let pipeline = Arc::clone(&pipeline);
            thread::spawn(move || pipeline.work(&prepare))
        };
        pipeline.work(&prepare);
        other.join().expect("no worker panics");
        let pipeline = Arc::into_inner(pipeline).expect("the workers have ended");
        assert_eq!(pipeline.finish(), Err(Stopped::Failed("no")));
    });
}

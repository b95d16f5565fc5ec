//! Tests of the pipeline, of parallelism and of test mode, by themselves.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::chain::ChainError;
use crate::config::{Config, ExecutionPath};
use crate::execution::Execution;
use crate::model::{Amount, Network};
use crate::parallel::block_executor::BlockExecutor;
use crate::parallel::parallelism::Parallelism;
use crate::parallel::pipeline::in_order;
use crate::parallel::{Stopped, Workers};
use crate::side_by_side::SideBySide;

const PIECES: usize = 200;

fn workers(number: usize) -> Workers {
    Workers::new(number).expect("the system gives threads")
}

#[test]
fn pieces_are_consumed_in_order_one_at_a_time() {
    for threads in [1, 2, 3, 8] {
        let prepared: Vec<AtomicBool> = (0..=PIECES).map(|_| AtomicBool::new(false)).collect();
        let consuming = AtomicUsize::new(0);
        let mut seen = Vec::new();
        let done = in_order(
            &workers(threads),
            PIECES,
            |piece| {
                // Every other piece is prepared only after the one behind it.
                while threads > 1 && piece % 2 == 0 && !prepared[piece + 1].load(Ordering::SeqCst) {
                    thread::yield_now();
                }
                prepared[piece].store(true, Ordering::SeqCst);
                Ok::<_, ()>(piece)
            },
            |piece| {
                assert_eq!(consuming.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
                seen.push(piece);
                consuming.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            },
        );
        assert_eq!(done, Ok(()));
        assert_eq!(seen, (0..PIECES).collect::<Vec<_>>(), "{threads} threads");
    }
}

#[test]
fn no_pieces_are_no_work() {
    let done = in_order(&workers(2), 0, |_| Ok::<(), ()>(()), |()| Err(()));
    assert_eq!(done, Ok(()));
}

#[test]
fn a_failure_or_a_panic_stops_the_rest_and_frees_all_workers() {
    let prepare = |piece| match piece {
        100 => Err("prepare"),
        _ => Ok(piece),
    };
    let mut consumed = 0;
    let failed = in_order(&workers(3), PIECES, prepare, |_| {
        consumed += 1;
        Ok(())
    });
    assert_eq!(failed, Err(Stopped::Failed("prepare")));
    assert!(consumed <= 100);

    let mut consumed = 0;
    let panicked = in_order(&workers(3), PIECES, Ok::<_, ()>, |piece| {
        assert!(piece < 50, "on purpose");
        consumed += 1;
        Ok(())
    });
    assert_eq!(panicked, Err(Stopped::Panicked("on purpose".to_owned())));
    assert_eq!(consumed, 50);
}

fn execution(fees: u64) -> Execution {
    Execution {
        receipts: Vec::new(),
        write_set: Vec::new(),
        fees: Amount(fees),
        reward: Amount::ZERO,
    }
}

/// Returns the result that test mode keeps, and whether it trusts the workers afterwards, if the serial
/// path says 7 and the graph path the result of `graph`.
fn compare_with_graph(graph: fn() -> Result<Execution, ChainError>) -> (Execution, bool) {
    let blocks = BlockExecutor::new(&Config::for_network(Network::Devnet));
    let kept = blocks.execute_every_path(|path| match path {
        ExecutionPath::Graph => graph(),
        _ => Ok(execution(7)),
    });
    let kept = kept.expect("the serial path does not fail");
    (kept.execution, blocks.trusts_parallel())
}

#[test]
fn test_mode_trusts_workers_that_say_the_same() {
    assert_eq!(
        compare_with_graph(|| Ok(execution(7))),
        (execution(7), true)
    );
}

#[test]
fn test_mode_keeps_the_serial_result_and_distrusts_workers_that_differ() {
    assert_eq!(
        compare_with_graph(|| Ok(execution(8))),
        (execution(7), false)
    );
}

#[test]
fn test_mode_distrusts_workers_that_panic() {
    let panicked = || {
        Err(ChainError::Panicked {
            message: "on purpose".to_owned(),
        })
    };
    assert_eq!(compare_with_graph(panicked), (execution(7), false));
}

/// The fewest transactions that go to the workers: waking them for less costs more than it gains.
const LEAST: usize = 256;

const TIMEOUT_MS: usize = 20_000;

#[test]
fn parts_of_a_large_block_go_to_the_workers_and_of_a_small_one_stay_with_the_caller() {
    let workers = workers(2);
    let caller = thread::current().id();
    for transactions in [0, 1, LEAST - 1, LEAST, 10 * LEAST] {
        let parallelism = Parallelism::over(Some(&workers)).unless_few(transactions);
        let others = AtomicBool::new(false);
        let waited = AtomicUsize::new(0);
        let few = transactions < LEAST;
        // The caller of a small one may be done before others come: this shows whether they are asked.
        assert_eq!(
            parallelism.at_once(),
            if few { 1 } else { 2 },
            "{transactions}"
        );
        parallelism.map(&[(); 9], |()| {
            if thread::current().id() != caller {
                others.store(true, Ordering::Relaxed);
            }
            // Long enough for others to come, however busy the machine.
            while !few
                && !others.load(Ordering::Relaxed)
                && waited.fetch_add(1, Ordering::Relaxed) < TIMEOUT_MS
            {
                thread::sleep(Duration::from_millis(1));
            }
        });
        assert_ne!(others.into_inner(), few, "{transactions} transactions");
    }
}

#[test]
fn as_many_work_at_once_as_there_are_workers() {
    assert_eq!(Parallelism::SERIAL.at_once(), 1);
    for number in [1, 2, 9] {
        assert_eq!(Parallelism::over(Some(&workers(number))).at_once(), number);
    }
}

#[test]
fn only_more_threads_than_parts_help_within_a_part() {
    for (number, within) in [(2, 1), (3, 1), (4, 4)] {
        let workers = workers(number);
        let parallelism = Parallelism::over(Some(&workers)).if_more_than(3);
        assert_eq!(parallelism.at_once(), within);
    }
}

#[test]
fn results_of_pieces_are_at_their_index_on_any_number_of_workers() {
    let items: Vec<usize> = (0..1_000).collect();
    for number in [1, 2, 9, 33] {
        let workers = workers(number);
        let doubled = Parallelism::over(Some(&workers)).map(&items, |item| 2 * item);
        assert!(doubled.iter().copied().eq((0..1_000).map(|item| 2 * item)));
    }
}

#[test]
fn pieces_are_a_share_each_or_full_batches_and_then_shares_of_the_rest() {
    let pieces = |number, transactions: usize| {
        let workers = workers(number);
        let pieces = Parallelism::over(Some(&workers)).pieces(transactions);
        let all = pieces.iter().cloned().flatten();
        assert!(all.eq(0..transactions), "{pieces:?}");
        pieces.iter().map(Range::len).collect::<Vec<_>>()
    };
    assert_eq!(pieces(2, 0), [0; 0]);
    assert_eq!(pieces(2, 9), [8, 1]);
    assert_eq!(pieces(2, 100), [50, 50]);
    assert_eq!(pieces(2, 256), [128, 128]);
    assert_eq!(pieces(2, 257), [128, 65, 48, 16]);
    assert_eq!(pieces(2, 1_000)[..6], [128; 6]);
    assert_eq!(pieces(2, 1_000)[6..], [116, 58, 48, 10]);
    assert_eq!(pieces(4, 31), [8, 8, 8, 7]);
    assert_eq!(pieces(8, 100), [[13; 7].as_slice(), &[9]].concat());
    assert_eq!(pieces(8, 440), [55; 8]);
    assert_eq!(pieces(8, 2_000)[7..11], [128, 122, 107, 94]);
    assert_eq!(pieces(1, 130), [128, 2]);
}

#[test]
fn a_thread_alone_has_large_pieces() {
    let pieces = Parallelism::SERIAL.pieces(2_000);
    assert_eq!(pieces, [0..1_024, 1_024..2_000]);
}

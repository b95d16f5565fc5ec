//! The pipeline by itself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Stopped;
use super::pipeline::in_order;

const PIECES: usize = 200;

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("the system gives threads")
}

#[test]
fn pieces_are_consumed_in_order_one_at_a_time() {
    for threads in [1, 2, 3, 8] {
        let prepared: Vec<AtomicBool> = (0..=PIECES).map(|_| AtomicBool::new(false)).collect();
        let consuming = AtomicUsize::new(0);
        let mut seen = Vec::new();
        let done = in_order(
            &pool(threads),
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
    let done = in_order(&pool(2), 0, |_| Ok::<(), ()>(()), |()| Err(()));
    assert_eq!(done, Ok(()));
}

/// Who is consumed before a piece fails or panics, and what is reported.
#[test]
fn a_failure_or_a_panic_stops_the_rest_and_frees_everybody() {
    let prepare = |piece| match piece {
        100 => Err("prepare"),
        _ => Ok(piece),
    };
    let mut consumed = 0;
    let failed = in_order(&pool(3), PIECES, prepare, |_| {
        consumed += 1;
        Ok(())
    });
    assert_eq!(failed, Err(Stopped::Failed("prepare")));
    assert!(consumed <= 100);

    let mut consumed = 0;
    let panicked = in_order(&pool(3), PIECES, Ok::<_, ()>, |piece| {
        assert!(piece < 50, "on purpose");
        consumed += 1;
        Ok(())
    });
    assert_eq!(panicked, Err(Stopped::Panicked("on purpose".to_owned())));
    assert_eq!(consumed, 50);
}

//! Control of the machine: a measurement of two threads against one, 2.0 on two quiet cores.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// Time of one measurement.
const WINDOW: Duration = Duration::from_millis(20);

/// Ratio of the work of two threads to that of one in the same time: 2.0 on a quiet machine with two
/// cores, 1.0 where there is one core for both or another process has the other.
///
/// They share nothing and use no memory, so that nothing but the lack of a core slows them.
#[must_use]
pub fn two_threads_against_one() -> f64 {
    let before = spin_for(WINDOW);
    let start = Barrier::new(2);
    let spin = || {
        start.wait();
        spin_for(WINDOW)
    };
    let both = thread::scope(|scope| {
        let other = scope.spawn(spin);
        spin() + other.join().expect("spinning does not panic")
    });
    // The better of two: a disturbance of the single thread makes two look good.
    let alone = before.max(spin_for(WINDOW));
    both / alone
}

/// Rounds a second.
fn spin_for(window: Duration) -> f64 {
    let start = Instant::now();
    let mut rounds = 0.0;
    let mut number: u64 = 1;
    while start.elapsed() < window {
        for _ in 0..1_000 {
            number = black_box(number)
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
        }
        rounds += 1.0;
    }
    rounds / start.elapsed().as_secs_f64()
}

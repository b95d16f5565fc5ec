//! Cost of finding the transactions that may run side by side: access extraction, grouping, the graph
//! of conflicts, and the review's two ways to make batches.
//!
//! Beside other people's schedulers the same is in `benches/peers`; instructions instead of time
//! count in `benches/instructions`.

use std::hint::black_box;

use lockstep_benches::compare::{median, time};
use lockstep_benches::scheduling::{SCHEMES, accesses_of, print_table};
use lockstep_benches::unsigned::{hasher, unsigned};
use lockstep_benches::{by_extent, control};
use lockstep_core::schedule::group_by_conflicts;
use lockstep_sim::conflict_pattern::ConflictPattern;

fn main() {
    let rounds = by_extent(9, 3, 1);
    println!(
        "Medians of {rounds} rounds. Control before: {:.2}\n",
        control::two_threads_against_one()
    );
    println!(
        "{:<24}{:>20}{:>20}",
        "100 transactions, us", "access extraction", "grouping"
    );
    for pattern in ConflictPattern::ALL {
        let transactions = unsigned(pattern, 100);
        let extraction = microseconds(rounds, || accesses_of(black_box(&transactions)));
        let grouping = microseconds(rounds, || {
            group_by_conflicts(black_box(&transactions), hasher()).len()
        });
        println!("{:<24}{extraction:>20.2}{grouping:>20.2}", pattern.name());
    }
    println!();
    let sizes: &[u16] = by_extent(&[100, 1_000, 10_000, u16::MAX], &[100, 10_000], &[100]);
    print_table(&SCHEMES, sizes, rounds);
    println!("\nControl after: {:.2}", control::two_threads_against_one());
}

/// Median time of one call, in microseconds.
fn microseconds(rounds: usize, once: impl Fn() -> usize) -> f64 {
    const REPETITIONS: usize = 1_000;
    let sample = || {
        let (took, _) = time(|| (0..REPETITIONS).map(|_| black_box(once())).sum::<usize>());
        took.as_secs_f64() * 1e6 / REPETITIONS as f64
    };
    median((0..rounds).map(|_| sample()).collect())
}

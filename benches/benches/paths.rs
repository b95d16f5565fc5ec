//! Signed blocks on two workers against the serial path, by shape and size of the batch.
//!
//! The columns are those of `ratios`.

use lockstep_benches::compare::{Comparison, compare};
use lockstep_benches::prepared::Prepared;
use lockstep_benches::{by_extent, control};
use lockstep_core::config::ExecutionPath;
use lockstep_sim::shape::Shape;

const WORKERS: usize = 2;

fn main() {
    let rounds = by_extent(5, 3, 1);
    println!(
        "Nanoseconds a transaction, medians of {rounds} rounds, {WORKERS} workers. Control before: \
         {:.2}\n",
        control::two_threads_against_one()
    );
    Comparison::print_columns("signed block", "serial", "path");
    let sizes: &[u16] = by_extent(&[100, 1_000, 10_000, u16::MAX], &[100, 1_000], &[100]);
    for size in sizes {
        for shape in Shape::ALL {
            let prepared = Prepared::new(shape, *size);
            for path in [ExecutionPath::SpreadChecks, ExecutionPath::Graph] {
                let seen = compare(
                    rounds,
                    || prepared.add_block(ExecutionPath::Serial, 1),
                    || prepared.add_block(path, WORKERS),
                );
                seen.print(&format!("{size} {shape}, {}", path.name()));
            }
        }
    }
}

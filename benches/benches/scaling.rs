//! Signed blocks by number of workers, each against one thread.
//!
//! The columns are those of `ratios`. More workers than cores gain nothing; they shall not lose what
//! fewer gained either.

use lockstep_benches::compare::{Comparison, compare};
use lockstep_benches::prepared::Prepared;
use lockstep_benches::{by_extent, control};
use lockstep_core::config::ExecutionPath;
use lockstep_sim::conflict_pattern::ConflictPattern;

fn main() {
    let rounds = by_extent(7, 3, 1);
    let size = by_extent(10_000, 1_000, 100);
    println!(
        "Nanoseconds a transaction, medians of {rounds} rounds, on {} cores. Control before: {:.2}\n",
        std::thread::available_parallelism().map_or(1, usize::from),
        control::two_threads_against_one()
    );
    Comparison::print_columns("signed block", "serial", "path");
    for (pattern, path) in [
        (
            ConflictPattern::Independent,
            ExecutionPath::ParallelValidation,
        ),
        (ConflictPattern::Chain, ExecutionPath::ParallelValidation),
        (ConflictPattern::Independent, ExecutionPath::Graph),
        (ConflictPattern::Chain, ExecutionPath::Graph),
    ] {
        let prepared = Prepared::new(pattern, size);
        for workers in [1, 2, 4, 8, 16] {
            let seen = compare(
                rounds,
                || prepared.add_block(ExecutionPath::Serial, 1),
                || prepared.add_block(path, workers),
            );
            seen.print(&format!(
                "{size} {pattern}, {}, {workers} workers",
                path.name()
            ));
        }
    }
}

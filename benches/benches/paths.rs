//! Signed blocks on two workers against the serial path, and what scheduling costs.
//!
//! The columns are those of `ratios`.

use std::hint::black_box;

use ahash::RandomState;
use lockstep_benches::compare::{Comparison, PerItem, compare, median, time};
use lockstep_benches::prepared::Prepared;
use lockstep_benches::{control, is_measured};
use lockstep_core::config::ExecutionPath;
use lockstep_core::schedule::Graph;
use lockstep_sim::shape::{self, Shape};

const WORKERS: usize = 2;

fn main() {
    let rounds = if is_measured() { 5 } else { 1 };
    println!(
        "Nanoseconds a transaction, medians of {rounds} rounds, {WORKERS} workers. Control before: \
         {:.2}\n",
        control::two_threads_against_one()
    );
    println!(
        "{:<44} {:>10} {:>10} {:>7}   {:<12} {:>7}",
        "signed block", "serial", "path", "times", "middle half", "control"
    );
    let sizes: &[u16] = if is_measured() {
        &[100, 1_000, 10_000, u16::MAX]
    } else {
        &[100]
    };
    for size in sizes {
        for shape in Shape::ALL {
            let prepared = Prepared::new(shape, *size);
            for path in [ExecutionPath::SpreadChecks, ExecutionPath::Graph] {
                let seen = compare(
                    rounds,
                    || add(&prepared, ExecutionPath::Serial, 1),
                    || add(&prepared, path, WORKERS),
                );
                print(&format!("{size} {shape}, {}", path.name()), &seen);
            }
        }
    }
    println!(
        "\nscaling by workers, on {} cores",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    let prepared = Prepared::new(Shape::Independent, if is_measured() { 10_000 } else { 100 });
    for workers in [1, 2, 4, 8, 16] {
        let seen = compare(
            rounds,
            || add(&prepared, ExecutionPath::Serial, 1),
            || add(&prepared, ExecutionPath::SpreadChecks, workers),
        );
        print(
            &format!("independent, spread-checks, {workers} workers"),
            &seen,
        );
    }
    println!("\n{:<44} {:>10}", "scheduling", "ns");
    for size in [100, 1_000, 10_000, u16::MAX] {
        for shape in Shape::ALL {
            let workload = shape::workload(shape, 1, 1, size);
            let transactions = &workload.blocks[0].transactions;
            let hasher = RandomState::with_seed(1);
            let took = (0..rounds)
                .map(|_| {
                    let repetitions = 1 + 20_000 / transactions.len();
                    let (took, ()) = time(|| {
                        for _ in 0..repetitions {
                            black_box(Graph::of(black_box(transactions), hasher.clone()));
                        }
                    });
                    took.as_nanos() as f64 / (transactions.len() * repetitions) as f64
                })
                .collect();
            println!("{:<44} {:>10.0}", format!("{size} {shape}"), median(took));
        }
    }
}

fn print(name: &str, seen: &Comparison) {
    let (low, high) = seen.speedup_quartiles;
    println!(
        "{name:<44} {:>10.0} {:>10.0} {:>7.2}   {:<12} {:>7.2}",
        seen.baseline_ns,
        seen.candidate_ns,
        seen.speedup,
        format!("{low:.2}..{high:.2}"),
        seen.control,
    );
}

fn add(prepared: &Prepared, path: ExecutionPath, workers: usize) -> PerItem {
    let chain = prepared.warm_chain(path, workers);
    let (took, added) = time(|| chain.add_block(&prepared.block));
    assert!(added.is_ok(), "the block is good");
    PerItem::new(took, prepared.transactions().len())
}

//! A signed block through `Chain::add_block`, by pattern and size, and its stateless checks alone.
//!
//! There is no way to execute a block without checking its signatures, and there should be none; so
//! the checks are measured for themselves, and `add_block` less `stateless_checks/batched` is the
//! rest. The bench `breakdown` takes the rest apart.

use std::cell::LazyCell;

use criterion::{BatchSize, BenchmarkId, Criterion, SamplingMode, Throughput};
use lockstep_benches::prepared::Prepared;
use lockstep_core::transition::{check, check_all};
use lockstep_sim::conflict_pattern::ConflictPattern;

const SIZES: [u16; 3] = [100, 1_000, 10_000];

fn main() {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    add_block(&mut criterion);
    stateless_checks(&mut criterion);
    criterion.final_summary();
}

fn add_block(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("add_block");
    group.sampling_mode(SamplingMode::Flat);
    for pattern in ConflictPattern::ALL {
        for size in SIZES {
            // Prepared when it is measured, and not when a filter leaves it out.
            let prepared = LazyCell::new(|| {
                let prepared = Prepared::new(pattern, size);
                eprintln!("{pattern}: {prepared}");
                prepared
            });
            group.throughput(Throughput::Elements(u64::from(size)));
            group.bench_function(BenchmarkId::new(pattern.name(), size), |bencher| {
                let prepared = &*prepared;
                bencher.iter_batched(
                    || prepared.chain(|storage| storage),
                    |chain| {
                        let added = chain.add_block(&prepared.block);
                        // Dropped after the clock has stopped.
                        (added, chain)
                    },
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

fn stateless_checks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stateless_checks");
    group.sampling_mode(SamplingMode::Flat);
    for size in SIZES {
        let prepared = LazyCell::new(|| Prepared::new(ConflictPattern::Independent, size));
        group.throughput(Throughput::Elements(u64::from(size)));
        group.bench_function(BenchmarkId::new("one_by_one", size), |bencher| {
            let network = prepared.block.header.network;
            bencher.iter_with_large_drop(|| {
                let transactions = prepared.transactions().iter();
                transactions
                    .map(|transaction| check(transaction, network))
                    .collect::<Vec<_>>()
            });
        });
        group.bench_function(BenchmarkId::new("batched", size), |bencher| {
            let network = prepared.block.header.network;
            bencher.iter_with_large_drop(|| check_all(prepared.transactions(), network));
        });
    }
    group.finish();
}

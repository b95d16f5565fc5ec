//! Commit of the entries that a block of 1,000 transfers writes: in one transaction of the database, as
//! core does it, or in one for each entry; and in memory.
//!
//! Files are in the folder for temporary ones: set `TMPDIR` to measure another disk. A folder in
//! memory measures no disk at all.

use std::cell::LazyCell;

use criterion::{BatchSize, Criterion, SamplingMode, Throughput};
use lockstep_benches::entries::{Template, one_by_one, written_by};
use lockstep_benches::prepared::Prepared;
use lockstep_core::storage::{Batch, Storage};
use lockstep_sim::conflict_pattern::ConflictPattern;

/// One an entry costs milliseconds each: as many as are enough.
const SINGLE: usize = 50;

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let prepared = Prepared::new(ConflictPattern::Independent, 1_000);
    let block = written_by(&prepared);
    let singles = one_by_one(&block, SINGLE);
    let template = LazyCell::new(|| Template::new(prepared.storage()));

    let mut group = criterion.benchmark_group("commit");
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(block.len() as u64));
    group.bench_function("redb/one_transaction_a_block", |bencher| {
        bencher.iter_batched(
            || template.copy(),
            |mut copied| {
                copied.storage.commit(&block).expect("the disk has room");
                copied
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("memory/one_transaction_a_block", |bencher| {
        bencher.iter_batched(
            || (prepared.storage().clone(), vec![block.clone()]),
            |(storage, batches)| commit_all(storage, batches),
            BatchSize::PerIteration,
        );
    });
    group.throughput(Throughput::Elements(singles.len() as u64));
    group.bench_function("redb/one_transaction_an_entry", |bencher| {
        bencher.iter_batched(
            || template.copy(),
            |mut copied| {
                for single in &singles {
                    copied.storage.commit(single).expect("the disk has room");
                }
                copied
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("memory/one_transaction_an_entry", |bencher| {
        bencher.iter_batched(
            || (prepared.storage().clone(), singles.clone()),
            |(storage, batches)| commit_all(storage, batches),
            BatchSize::PerIteration,
        );
    });
    group.finish();
    criterion.final_summary();
}

fn commit_all<S: Storage>(mut storage: S, batches: Vec<Batch>) -> S {
    for batch in batches {
        storage
            .commit_owned(batch, None)
            .expect("the medium has room");
    }
    storage
}

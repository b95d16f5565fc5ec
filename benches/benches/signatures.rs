//! Verifying one by one and in batches; the same beside each other, with a control, is in `ratios`.

use criterion::{BenchmarkId, Criterion, Throughput};
use lockstep_benches::prepared::claims;
use lockstep_core::signature::{Claim, verify, verify_all};

/// The second last is one full batch.
const COUNTS: [usize; 5] = [4, 16, 64, 128, 1_024];

fn main() {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let claims = claims(COUNTS[COUNTS.len() - 1]);
    let mut group = criterion.benchmark_group("signatures");
    for count in COUNTS {
        let claims: &[Claim] = &claims[..count];
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("one_by_one", count), |bencher| {
            bencher.iter(|| claims.iter().filter(|claim| verify(claim)).count());
        });
        group.bench_function(BenchmarkId::new("batched", count), |bencher| {
            bencher.iter(|| verify_all(claims));
        });
    }
    group.finish();
    criterion.final_summary();
}

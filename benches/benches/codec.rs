//! Encodings, identities and merkle roots.

use criterion::{BenchmarkId, Criterion, Throughput};
use lockstep_benches::prepared::Prepared;
use lockstep_core::model::{Block, Hash, Transaction};
use lockstep_core::{codec, merkle};
use lockstep_sim::conflict_pattern::ConflictPattern;

fn main() {
    let mut criterion = Criterion::default().sample_size(50).configure_from_args();
    let one_transfer = Prepared::new(ConflictPattern::Independent, 1_000);
    let four_transfers = Prepared::new(ConflictPattern::MultiAsset, 1_000);
    for (name, prepared) in [
        ("one_transfer", &one_transfer),
        ("four_transfers", &four_transfers),
    ] {
        transaction(&mut criterion, name, &prepared.transactions()[0]);
        block(&mut criterion, name, &prepared.block);
    }
    roots(&mut criterion);
    criterion.final_summary();
}

fn transaction(criterion: &mut Criterion, name: &str, transaction: &Transaction) {
    let bytes = codec::encode(transaction);
    let mut group = criterion.benchmark_group("codec/transaction");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function(BenchmarkId::new("encode", name), |bencher| {
        bencher.iter(|| codec::encode(transaction));
    });
    group.bench_function(BenchmarkId::new("decode", name), |bencher| {
        bencher.iter(|| codec::decode::<Transaction>("a transaction", &bytes));
    });
    group.bench_function(BenchmarkId::new("id", name), |bencher| {
        bencher.iter(|| codec::transaction_id(transaction));
    });
    group.bench_function(BenchmarkId::new("signing_hash", name), |bencher| {
        bencher.iter(|| codec::signing_hash(transaction));
    });
    group.finish();
}

fn block(criterion: &mut Criterion, name: &str, block: &Block) {
    let bytes = codec::encode(block);
    let limit = bytes.len() as u64;
    let mut group = criterion.benchmark_group(format!("codec/block_of_1000/{name}"));
    group.throughput(Throughput::Bytes(limit));
    group.bench_function("encode", |bencher| {
        bencher.iter_with_large_drop(|| codec::encode(block));
    });
    group.bench_function("encoded_len", |bencher| {
        bencher.iter(|| codec::encoded_len(block));
    });
    group.bench_function("decode", |bencher| {
        bencher.iter_with_large_drop(|| codec::decode_block(&bytes, limit));
    });
    group.bench_function("ids", |bencher| {
        let ids = || -> Vec<Hash> {
            let transactions = block.transactions.iter();
            transactions.map(codec::transaction_id).collect()
        };
        bencher.iter_with_large_drop(ids);
    });
    group.finish();
}

fn roots(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("merkle_root");
    for count in [1_000_u32, 10_000] {
        let ids: Vec<Hash> = (0..count)
            .map(|index| {
                let mut id = [0; 32];
                id[..4].copy_from_slice(&index.to_le_bytes());
                Hash(id)
            })
            .collect();
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| merkle::root(&ids));
        });
    }
    group.finish();
}

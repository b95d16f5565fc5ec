//! Breakdown of the time of `Chain::add_block` by its parts, per pattern and size, on memory storage.
//!
//! The storage's part is measured inside of `add_block`. The parts that are public are done again
//! on the same block, right after it, and what is left is execution proper: transitions, the map of
//! cells, their versions, and building the commit. A part that is slower here than inside takes from
//! the rest.

use lockstep_benches::compare::{PerItem, median, time};
use lockstep_benches::prepared::Prepared;
use lockstep_benches::watched::Watched;
use lockstep_benches::{by_extent, control};
use lockstep_core::model::Hash;
use lockstep_core::transition::check_all;
use lockstep_core::{codec, merkle};
use lockstep_sim::conflict_pattern::ConflictPattern;

const PARTS: [&str; 9] = [
    "whole", "length", "ids", "merkle", "checks", "read", "digest", "encode", "commit",
];

fn main() {
    let rounds = by_extent(15, 3, 1);
    let sizes: &[u16] = by_extent(&[100, 1_000, 10_000], &[100, 1_000], &[100]);
    println!(
        "Nanoseconds a transaction, medians of {rounds} rounds; rest in percent of the whole."
    );
    println!("length: of the block's encoding; ids: identities; checks: stateless, batched;");
    println!("read: cells from the storage; digest: of changes and receipts; encode: block and");
    println!("receipts; commit: into the storage; rest: all else of add_block.\n");
    print!("{:<20}", "pattern and size");
    for part in PARTS {
        print!("{part:>8}");
    }
    println!("{:>8}{:>7}{:>9}", "rest", "rest %", "control");
    for pattern in ConflictPattern::ALL {
        for size in sizes {
            print_row(pattern, *size, rounds);
        }
    }
}

fn print_row(pattern: ConflictPattern, size: u16, rounds: usize) {
    let prepared = Prepared::new(pattern, size);
    let mut samples: [Vec<f64>; PARTS.len()] = Default::default();
    let (mut rests, mut shares, mut controls) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let parts = parts(&prepared).map(|PerItem(ns)| ns);
        // Within the round: a machine that was slower for all of it was so for both.
        let rest = parts[0] - parts[1..].iter().sum::<f64>();
        rests.push(rest);
        shares.push(100.0 * rest / parts[0]);
        for (samples, part) in samples.iter_mut().zip(parts) {
            samples.push(part);
        }
        controls.push(control::two_threads_against_one());
    }
    print!("{:<20}", format!("{pattern} {size}"));
    for part in samples.map(median) {
        print!("{part:>8.0}");
    }
    println!(
        "{:>8.0}{:>7.1}{:>9.2}",
        median(rests),
        median(shares),
        median(controls)
    );
}

/// In the order of [`PARTS`].
fn parts(prepared: &Prepared) -> [PerItem; PARTS.len()] {
    let block = &prepared.block;
    let added = &prepared.added;
    let chain = prepared.chain(Watched::new);
    let _opening = chain
        .storage()
        .read()
        .expect("no thread panicked with it")
        .take_spent();
    let (whole, done) = time(|| chain.add_block(block));
    let spent = chain
        .storage()
        .read()
        .expect("no thread panicked with it")
        .take_spent();
    assert_eq!(
        done.as_ref().ok(),
        Some(added),
        "the same block does the same"
    );

    let (length, _) = time(|| codec::encoded_len(block));
    let (ids, identities) = time(|| -> Vec<Hash> {
        let transactions = block.transactions.iter();
        transactions.map(codec::transaction_id).collect()
    });
    let (root, _) = time(|| merkle::root(&identities));
    let (checks, _verdicts) = time(|| check_all(&block.transactions, block.header.network));
    let (digest, _) = time(|| {
        // The parent's digest is 32 bytes like any other.
        codec::block_digest(Hash::ZERO, &added.state_diff, &added.receipts)
    });
    let (encode, _bytes) = time(|| (codec::encode(block), codec::encode(&added.receipts)));

    [
        whole,
        length,
        ids,
        root,
        checks,
        spent.reading,
        digest,
        encode,
        spent.committing,
    ]
    .map(|took| PerItem::new(took, block.transactions.len()))
}

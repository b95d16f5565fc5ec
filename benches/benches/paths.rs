//! Signed blocks on two workers against the serial path, by pattern and size of the batch.
//!
//! The columns are those of `ratios`. Above each pair of paths stands what they are up against: the
//! signatures alone, each thread a half, with nothing to hand over and no thread to wake. *Rested*: the
//! caller has slept before, as a node has that waited for its block.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use lockstep_benches::compare::{Comparison, PerItem, compare, time};
use lockstep_benches::prepared::Prepared;
use lockstep_benches::{by_extent, control};
use lockstep_core::config::ExecutionPath;
use lockstep_core::transition::check_all;
use lockstep_sim::conflict_pattern::ConflictPattern;

const WORKERS: usize = 2;
const REST: Duration = Duration::from_millis(3);
/// Size of blocks that are over before the system has moved a thread to another core.
const MOST_RESTED: u16 = 1_000;

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
        for pattern in ConflictPattern::ALL {
            let prepared = Prepared::new(pattern, *size);
            let seen = compare(rounds, || on_one(&prepared), || on_two(&prepared));
            seen.print(&format!("{size} {pattern}, the signatures alone"));
            for path in [ExecutionPath::ParallelValidation, ExecutionPath::Graph] {
                let seen = compare(
                    rounds,
                    || prepared.add_block(ExecutionPath::Serial, 1),
                    || prepared.add_block(path, WORKERS),
                );
                seen.print(&format!("{size} {pattern}, {}", path.name()));
            }
            if *size <= MOST_RESTED {
                let seen = compare(
                    rounds,
                    || prepared.add_block_after(REST, ExecutionPath::Serial, 1),
                    || prepared.add_block_after(REST, ExecutionPath::ParallelValidation, WORKERS),
                );
                seen.print(&format!(
                    "{size} {pattern}, {}, rested",
                    ExecutionPath::ParallelValidation.name()
                ));
            }
        }
    }
}

fn on_one(prepared: &Prepared) -> PerItem {
    let transactions = prepared.transactions();
    let network = prepared.block.header.network;
    let (took, _) = time(|| check_all(transactions, network));
    PerItem::new(took, transactions.len())
}

fn on_two(prepared: &Prepared) -> PerItem {
    const READY: u8 = 1;
    const GO: u8 = 2;
    const DONE: u8 = 3;
    let transactions = prepared.transactions();
    let network = prepared.block.header.network;
    let (mine, theirs) = transactions.split_at(transactions.len() / 2);
    let stage = AtomicU8::new(0);
    // No barrier: a thread that sleeps at one has to be woken, in the time that is measured.
    let reach = |wanted| {
        while stage.load(Ordering::Acquire) != wanted {
            spin_loop();
        }
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            stage.store(READY, Ordering::Release);
            reach(GO);
            let verdicts = check_all(theirs, network);
            stage.store(DONE, Ordering::Release);
            verdicts
        });
        reach(READY);
        let (took, _) = time(|| {
            stage.store(GO, Ordering::Release);
            let verdicts = check_all(mine, network);
            reach(DONE);
            verdicts
        });
        black_box(other.join().expect("checking does not panic"));
        PerItem::new(took, transactions.len())
    })
}

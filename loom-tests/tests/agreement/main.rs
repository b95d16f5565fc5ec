//! Agreement of the checkers: every outcome under shuttle and on threads of the system is among those
//! that loom finds exhaustively.
//!
//! Correct code has one outcome. Racy code has several, and shows that the searches look.
#![allow(
    clippy::duplicate_mod,
    reason = "one source over the primitives of each"
)]

#[path = "../batch/mod.rs"]
mod batch;
#[path = "../placed/mod.rs"]
mod placed;

mod native;
mod under_loom;
mod under_shuttle;

use std::collections::BTreeSet;
use std::io::{Write, stderr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use batch::{Batch, HAD, transfer};
use lockstep_core::model::Transaction;
use loom::model::Builder;
use shuttle::scheduler::{PctScheduler, RandomScheduler, UrwRandomScheduler};
use shuttle::{Config, Runner};

/// Outcomes of a batch, each of all its transactions together with the balances afterwards.
type Outcomes = BTreeSet<String>;

const THREADS: usize = 2;
const SEED: u64 = 0;
/// Number of runs with each of shuttle's schedulers, and on threads of the system.
const RUNS: usize = 1_000;

/// All outcomes, and the number of interleavings.
fn by_loom(batch: Batch) -> (Outcomes, usize) {
    let seen = Arc::new(Mutex::new(Outcomes::new()));
    let collected = Arc::clone(&seen);
    let mut builder = Builder::new();
    builder.preemption_bound = None;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.checkpoint_file = None;
    builder.max_branches = 20_000;
    let interleavings = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&interleavings);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        note(&collected, under_loom::block::outcome(batch, THREADS));
    });
    (taken(&seen), interleavings.load(Ordering::Relaxed))
}

fn by_shuttle(batch: Batch) -> Outcomes {
    let seen = Arc::new(Mutex::new(Outcomes::new()));
    let run = |scheduler: Box<dyn shuttle::scheduler::Scheduler + Send>| {
        let collected = Arc::clone(&seen);
        let mut config = Config::new();
        config.silence_warnings = true;
        Runner::new(scheduler, config)
            .run(move || note(&collected, under_shuttle::block::outcome(batch, THREADS)))
    };
    let schedules = [
        run(Box::new(RandomScheduler::new_from_seed(SEED, RUNS))),
        run(Box::new(UrwRandomScheduler::new_from_seed(SEED, RUNS))),
        run(Box::new(PctScheduler::new_from_seed(SEED, 2, RUNS))),
    ];
    assert_eq!(schedules, [RUNS; 3]);
    taken(&seen)
}

fn by_threads(batch: Batch) -> Outcomes {
    (0..RUNS)
        .map(|_| native::block::outcome(batch, THREADS))
        .collect()
}

fn note(seen: &Mutex<Outcomes>, outcome: String) {
    seen.lock().expect("no thread panics").insert(outcome);
}

fn taken(seen: &Mutex<Outcomes>) -> Outcomes {
    std::mem::take(&mut seen.lock().expect("no thread panics"))
}

/// Compares the three; returns the outcomes that loom found.
fn agree(batch: Batch) -> Outcomes {
    let (all, interleavings) = by_loom(batch);
    let (drawn, met) = (by_shuttle(batch), by_threads(batch));
    for (engine, seen) in [("shuttle", drawn), ("threads", met)] {
        assert!(!seen.is_empty(), "{engine} ran");
        let strange: Vec<&String> = seen.difference(&all).collect();
        assert!(strange.is_empty(), "{engine} saw {strange:?}, loom {all:?}");
    }
    let outcomes = all.len();
    writeln!(
        stderr(),
        "agreement: {outcomes} outcomes of {interleavings} interleavings"
    )
    .expect("stderr can be written to");
    all
}

/// The first sends, the second spends what it got: one after the other.
fn sends_and_spends() -> Vec<Transaction> {
    vec![transfer(0, 0, &[(1, 60)]), transfer(1, 0, &[(2, HAD + 60)])]
}

/// Both spend what is there once.
fn spends_twice() -> Vec<Transaction> {
    vec![transfer(0, 0, &[(1, 60)]), transfer(0, 0, &[(2, 60)])]
}

/// Transactions for a graph that leaves everything out but two senders.
fn unrelated() -> Vec<Transaction> {
    vec![transfer(8, 0, &[]), transfer(9, 0, &[])]
}

#[test]
fn a_correct_executor_has_one_outcome() {
    for transactions in [sends_and_spends(), spends_twice()] {
        let batch = Batch::of(transactions);
        let all = agree(batch);
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(all, Outcomes::from([native::block::outcome(batch, 1)]));
    }
}

#[test]
fn credits_that_commute_have_one_outcome() {
    let transactions = vec![transfer(0, 0, &[(2, 1)]), transfer(1, 0, &[(2, 2)])];
    let all = agree(Batch::of(transactions));
    assert_eq!(all.len(), 1, "{all:?}");
}

#[test]
fn a_missed_conflict_has_several_outcomes_and_the_serial_one_among_them() {
    let batch = Batch::with_graph_of(sends_and_spends(), &unrelated());
    let all = agree(batch);
    assert!(all.len() > 1, "{all:?}");
    assert!(all.contains(&native::block::outcome(batch, 1)), "{all:?}");
}

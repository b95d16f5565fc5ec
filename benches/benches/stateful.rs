//! The stateful part alone, on two workers against one thread: with a synthetic cost in each
//! transaction, over accounts in a cold file, and beside the executor that the review describes.
//!
//! The columns are those of `ratios`.

use std::hint::black_box;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use lockstep_benches::compare::{Comparison, PerItem, compare, time};
use lockstep_benches::entries::Template;
use lockstep_benches::flat::Flat;
use lockstep_benches::known::{self, SharedState};
use lockstep_benches::prepared::{Prepared, cells};
use lockstep_benches::unsigned::hasher;
use lockstep_benches::{by_extent, control, review};
use lockstep_core::config::ExecutionPath;
use lockstep_core::model::Outcome;
use lockstep_core::parallel::{ParallelExecutor, run_block};
use lockstep_core::schedule::Graph;
use lockstep_core::storage::{RedbStorage, Storage};
use lockstep_core::transition::transition;
use lockstep_sim::conflict_pattern::ConflictPattern;
use rayon::ThreadPoolBuilder;

const WORKERS: usize = 2;

fn main() {
    let rounds = by_extent(7, 3, 1);
    let size = by_extent(10_000, 1_000, 200);
    let executor = ParallelExecutor::new(WORKERS).expect("the system gives threads");
    println!(
        "Nanoseconds a transaction, medians of {rounds} rounds, {WORKERS} workers. Control before: \
         {:.2}\n",
        control::two_threads_against_one()
    );
    Comparison::print_columns("baseline -> candidate", "baseline", "candidate");
    for pattern in ConflictPattern::ALL {
        for (cost_us, most) in [(1, 10_000), (10, 10_000), (50, 2_000)] {
            let size = size.min(most);
            let prepared = Prepared::new(pattern, size);
            let cost = Duration::from_micros(cost_us);
            let seen = synthetic(rounds, &executor, &prepared, cost);
            seen.print(&format!(
                "{size} {pattern}, {cost_us} us each: one thread -> graph"
            ));
        }
    }
    for pattern in ConflictPattern::ALL {
        let prepared = Prepared::new(pattern, size);
        let seen = cold(rounds, &executor, &prepared);
        seen.print(&format!("{size} {pattern}, cold file: lazily -> in pieces"));
    }
    for pattern in ConflictPattern::ALL {
        let prepared = Prepared::new(pattern, size);
        let seen = reviewed(rounds.min(3), &prepared);
        seen.print(&format!(
            "{size} {pattern}, signed: the review's -> add_block"
        ));
    }
}

fn state<S: Storage>(storage: S, accounts: usize) -> SharedState<S> {
    SharedState::new(Arc::new(RwLock::new(storage)), accounts, hasher())
}

/// Transactions that cost something beside what they do: a contract, for instance. Both have all
/// cells in memory; making the graph is part of the candidate.
fn synthetic(
    rounds: usize,
    executor: &ParallelExecutor,
    prepared: &Prepared,
    cost: Duration,
) -> Comparison {
    let transactions = prepared.transactions();
    let spin = || {
        let start = Instant::now();
        while start.elapsed() < cost {
            std::hint::spin_loop();
        }
    };
    let flat = Flat::of(prepared.storage());
    compare(
        rounds,
        || {
            let mut flat = flat.clone();
            let (took, outcomes) = time(|| {
                let one = |transaction| {
                    let Ok(outcome) = transition(transaction, &mut flat);
                    spin();
                    if let Outcome::Applied { effects, .. } = &outcome {
                        flat.apply(effects);
                    }
                    outcome
                };
                transactions.iter().map(one).collect::<Vec<_>>()
            });
            prepared.assert_same(black_box(&outcomes));
            PerItem::new(took, transactions.len())
        },
        || {
            let state = state(prepared.storage().clone(), 2 * transactions.len());
            state
                .prefetch(cells(transactions))
                .expect("memory does not fail");
            let (took, outcomes) = time(|| {
                let graph = || Graph::of(transactions, hasher());
                run_block(executor.workers(), transactions.len(), graph, |index| {
                    let outcome = transition(&transactions[index as usize], &mut state.view())?;
                    spin();
                    if let Outcome::Applied { effects, .. } = &outcome {
                        state.apply(effects)?;
                    }
                    Ok::<_, lockstep_core::storage::StorageError>(outcome)
                })
            });
            prepared.assert_same(black_box(&outcomes.expect("memory does not fail")));
            PerItem::new(took, transactions.len())
        },
    )
}

/// A file that was just opened. The baseline reads a cell when a transaction asks for it; the
/// candidate is the path that loads ahead.
fn cold(rounds: usize, executor: &ParallelExecutor, prepared: &Prepared) -> Comparison {
    let transactions = prepared.transactions();
    let template = Template::new(prepared.storage());
    let measure = |execute: &dyn Fn(&SharedState<RedbStorage>) -> Vec<Outcome>| {
        let copied = template.copy();
        let state = state(copied.storage, 2 * transactions.len());
        let (took, outcomes) = time(|| execute(&state));
        prepared.assert_same(black_box(&outcomes));
        PerItem::new(took, transactions.len())
    };
    compare(
        rounds,
        || measure(&|state| known::execute_lazily(state, transactions)),
        || {
            let path = ExecutionPath::ParallelValidation;
            measure(&|state| known::execute(executor, state, transactions, path))
        },
    )
}

/// Signatures, state and all: the review's executor without a commit, against the whole of
/// `add_block` with one.
fn reviewed(rounds: usize, prepared: &Prepared) -> Comparison {
    let transactions = prepared.transactions();
    let pool = ThreadPoolBuilder::new()
        .num_threads(WORKERS)
        .build()
        .expect("the system gives threads");
    compare(
        rounds,
        || {
            let state = state(prepared.storage().clone(), 2 * transactions.len());
            let network = prepared.block.header.network;
            let (took, outcomes) = time(|| review::execute(&pool, &state, network, transactions));
            prepared.assert_same(black_box(&outcomes));
            PerItem::new(took, transactions.len())
        },
        || prepared.add_block(ExecutionPath::ParallelValidation, WORKERS),
    )
}

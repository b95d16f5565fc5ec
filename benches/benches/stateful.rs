//! The stateful part alone, on two workers against one thread: with a synthetic cost in each
//! transaction, over accounts in a cold file, and beside the executor that the review describes.
//!
//! The columns are those of `ratios`.

use std::hint::black_box;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use ahash::RandomState;
use lockstep_benches::compare::{Comparison, PerItem, compare, median, time};
use lockstep_benches::entries::Template;
use lockstep_benches::flat::Flat;
use lockstep_benches::prepared::Prepared;
use lockstep_benches::{control, is_measured, review};
use lockstep_core::config::ExecutionPath;
use lockstep_core::model::{Asset, Cell, Outcome, Payload, PublicKey, Transaction};
use lockstep_core::parallel::{ParallelChainState, ParallelExecutor, run};
use lockstep_core::schedule::Graph;
use lockstep_core::storage::{MemoryStorage, Storage};
use lockstep_core::transition::transition;
use lockstep_sim::shape::Shape;
use rayon::ThreadPoolBuilder;

const WORKERS: usize = 2;

fn main() {
    let (rounds, size) = if is_measured() { (7, 10_000) } else { (1, 200) };
    let executor = ParallelExecutor::new(WORKERS).expect("the system gives threads");
    println!(
        "Nanoseconds a transaction, medians of {rounds} rounds, {WORKERS} workers. Control before: \
         {:.2}\n",
        control::two_threads_against_one()
    );
    println!(
        "{:<52} {:>10} {:>10} {:>7}   {:<12} {:>7}",
        "baseline -> candidate", "baseline", "candidate", "times", "middle half", "control"
    );
    for shape in Shape::ALL {
        for (cost_us, most) in [(1, 10_000), (10, 10_000), (50, 2_000)] {
            let size = size.min(most);
            let prepared = Prepared::new(shape, size);
            let cost = Duration::from_micros(cost_us);
            print(
                &format!("{size} {shape}, {cost_us} us each: one thread -> graph"),
                &synthetic(rounds, &executor, &prepared, cost),
            );
        }
    }
    for accounts in [1_000, 10_000, 100_000] {
        println!(
            "{:<52} {:>21.0}",
            format!("state of {accounts} new accounts, each"),
            created(accounts)
        );
    }
    for shape in Shape::ALL {
        let prepared = Prepared::new(shape, size);
        print(
            &format!("{size} {shape}, cold file: lazily -> in pieces"),
            &cold(rounds, &executor, &prepared),
        );
    }
    for shape in Shape::ALL {
        let prepared = Prepared::new(shape, size);
        print(
            &format!("{size} {shape}, signed: the review's -> add_block"),
            &reviewed(rounds.min(3), &prepared),
        );
    }
}

fn print(name: &str, seen: &Comparison) {
    let (low, high) = seen.speedup_quartiles;
    println!(
        "{name:<52} {:>10.0} {:>10.0} {:>7.2}   {:<12} {:>7.2}",
        seen.baseline_ns,
        seen.candidate_ns,
        seen.speedup,
        format!("{low:.2}..{high:.2}"),
        seen.control,
    );
}

type State<S> = ParallelChainState<S, RandomState>;

fn state<S: Storage>(storage: S, accounts: usize) -> State<S> {
    let hasher = RandomState::with_seed(1);
    ParallelChainState::new(Arc::new(RwLock::new(storage)), accounts, hasher)
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
                    if let Outcome::Applied { changes, .. } = &outcome {
                        flat.apply(changes);
                    }
                    outcome
                };
                transactions.iter().map(one).collect::<Vec<_>>()
            });
            assert_same(prepared, &outcomes);
            PerItem::new(took, transactions.len())
        },
        || {
            let state = state(prepared.storage().clone(), 2 * transactions.len());
            state
                .prefetch(cells(transactions))
                .expect("memory does not fail");
            let (took, outcomes) = time(|| {
                let graph = Graph::of(transactions, RandomState::with_seed(1));
                run(executor.workers(), &graph, |index| {
                    let outcome = transition(&transactions[index as usize], &mut &state)?;
                    spin();
                    if let Outcome::Applied { changes, .. } = &outcome {
                        state.apply(changes)?;
                    }
                    Ok::<_, lockstep_core::storage::StorageError>(outcome)
                })
            });
            assert_same(prepared, &outcomes.expect("memory does not fail"));
            PerItem::new(took, transactions.len())
        },
    )
}

/// A file that was just opened. The baseline reads a cell when a transaction asks for it; the
/// candidate reads as the executor does, in pieces, on all workers, and executes then.
fn cold(rounds: usize, executor: &ParallelExecutor, prepared: &Prepared) -> Comparison {
    const PIECE: usize = 128;
    let transactions = prepared.transactions();
    let template = Template::new(prepared.storage());
    let measure = |prefetches: bool| {
        let copied = template.copy();
        let state = state(copied.storage, 2 * transactions.len());
        let (took, outcomes) = time(|| {
            if prefetches {
                let pieces = transactions.chunks(PIECE).collect();
                let loaded = executor
                    .workers()
                    .map(pieces, |piece| state.prefetch(cells(piece)));
                assert!(loaded.iter().all(Result::is_ok), "the disk works");
            }
            let one = |transaction| {
                let outcome = transition(transaction, &mut &state).expect("the disk works");
                if let Outcome::Applied { changes, .. } = &outcome {
                    state.apply(changes).expect("the disk works");
                }
                outcome
            };
            transactions.iter().map(one).collect::<Vec<_>>()
        });
        assert_same(prepared, &outcomes);
        PerItem::new(took, transactions.len())
    };
    compare(rounds, || measure(false), || measure(true))
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
            assert_same(prepared, &outcomes);
            PerItem::new(took, transactions.len())
        },
        || {
            let chain = prepared.warm_chain(ExecutionPath::SpreadChecks, WORKERS);
            let (took, added) = time(|| chain.add_block(&prepared.block));
            assert!(added.is_ok(), "the block is good");
            PerItem::new(took, transactions.len())
        },
    )
}

fn assert_same(prepared: &Prepared, outcomes: &[Outcome]) {
    let receipts = &prepared.added.receipts;
    assert_eq!(receipts.len(), outcomes.len(), "nothing was left out");
    let same = receipts.iter().zip(black_box(outcomes));
    assert!(
        same.into_iter().all(|(one, other)| one.outcome == *other),
        "what is fast is also right"
    );
}

/// Nanoseconds an account to make the shared state and to load accounts that the storage does not
/// have.
fn created(accounts: u32) -> f64 {
    let cells: Vec<Cell> = (0..accounts)
        .flat_map(|number| {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&number.to_le_bytes());
            let account = PublicKey(key);
            [
                Cell::Nonce(account),
                Cell::Multisig(account),
                Cell::Balance(account, Asset::NATIVE),
            ]
        })
        .collect();
    let once = || {
        let cells = cells.clone();
        let (took, state) = time(|| {
            let state = state(MemoryStorage::new(), accounts as usize);
            state.prefetch(cells).map(|()| state)
        });
        assert!(state.is_ok(), "memory does not fail");
        took.as_nanos() as f64 / f64::from(accounts)
    };
    median((0..5).map(|_| once()).collect())
}

/// Every cell that these transfers touch.
fn cells(transactions: &[Transaction]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for transaction in transactions {
        let source = transaction.source;
        cells.extend([
            Cell::Nonce(source),
            Cell::Multisig(source),
            Cell::Balance(source, Asset::NATIVE),
        ]);
        if let Payload::Transfers(transfers) = &transaction.payload {
            for transfer in transfers {
                cells.extend([
                    Cell::Balance(source, transfer.asset),
                    Cell::Nonce(transfer.destination),
                    Cell::Balance(transfer.destination, transfer.asset),
                ]);
            }
        }
    }
    cells
}

//! Blocks of which signatures are nothing or hardly anything, on the path that the executor chooses
//! by itself: it must not lose against one thread where there is nothing to spread.
//!
//! Core writes no block without verifying it. So there are two tables. In the first the verdicts are
//! known before the clock runs, and what the path does with the state is done with core's public
//! parts, on one kind of state for both: cells are loaded, transactions are executed, nothing is
//! written. In the second nothing is
//! left out: `add_block` as a node calls it, with so many transfers under each signature that the
//! signatures are a small part.
//!
//! The columns are those of `ratios`.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::{Arc, RwLock};

use ahash::RandomState;
use lockstep_benches::compare::{Comparison, PerItem, compare, time};
use lockstep_benches::prepared::{Prepared, cells};
use lockstep_benches::unsigned::hasher;
use lockstep_benches::{by_extent, control, wide};
use lockstep_core::config::{ExecutionPath, ParallelConfig};
use lockstep_core::model::{MAX_TRANSFERS, Network, Outcome};
use lockstep_core::parallel::{Checked, ParallelChainState, ParallelExecutor, Pipeline};
use lockstep_core::schedule::Graph;
use lockstep_core::storage::MemoryStorage;
use lockstep_core::transition::transition;
use lockstep_sim::shape::Shape;

fn main() {
    let rounds = by_extent(15, 3, 1);
    let config = ParallelConfig::for_network(Network::Mainnet);
    let executor = ParallelExecutor::new(config.workers()).expect("the system gives threads");
    println!(
        "Nanoseconds a transaction or transfer, medians of {rounds} rounds, {} workers. Control \
         before: {:.2}\n",
        config.workers(),
        control::two_threads_against_one()
    );
    Comparison::print_columns(
        "one thread -> the path that is chosen",
        "one thread",
        "chosen",
    );
    let sizes: &[u16] = by_extent(&[100, 1_000, 10_000, u16::MAX], &[100, 1_000], &[100]);
    for size in sizes {
        for shape in Shape::ALL {
            let prepared = Prepared::new(shape, *size);
            let path = config.path(usize::from(*size));
            let seen = stateful(rounds, &executor, &prepared, path);
            seen.print(&format!("{size} {shape}, verdicts known: {}", path.name()));
        }
    }
    let sizes: &[u32] = by_extent(&[40, 400], &[40, 400], &[40]);
    for transactions in sizes {
        let transfers = transactions * MAX_TRANSFERS as u32;
        for destinations in [transfers, 1_000] {
            let prepared = Prepared::of(wide::workload(*transactions, destinations));
            let seen = whole(rounds, &prepared, config);
            seen.print(&format!(
                "{transfers} transfers to {destinations} accounts: add_block"
            ));
        }
    }
}

type State = ParallelChainState<MemoryStorage, RandomState>;

/// What a path does with the state, from the first cell that is loaded to the last outcome.
fn stateful(
    rounds: usize,
    executor: &ParallelExecutor,
    prepared: &Prepared,
    path: ExecutionPath,
) -> Comparison {
    let network = prepared.block.header.network;
    let checked = executor.check_all(network, prepared.transactions());
    let storage = Arc::new(RwLock::new(prepared.storage().clone()));
    let measure = |path| {
        let state = State::new(Arc::clone(&storage), 2 * checked.len(), hasher());
        let (took, outcomes) = time(|| execute(executor, &state, &checked, path));
        assert_same(prepared, &outcomes);
        PerItem::new(took, checked.len())
    };
    compare(rounds, || measure(ExecutionPath::Serial), || measure(path))
}

fn execute(
    executor: &ParallelExecutor,
    state: &State,
    checked: &[Checked<'_>],
    path: ExecutionPath,
) -> Vec<Outcome> {
    /// So many transactions are loaded at once: by one thread as many as core's serial path takes,
    /// by workers as many as a batch of signatures has.
    const ALONE: usize = 1_024;
    const AMONG_OTHERS: usize = 128;
    let load = |piece: &[Checked<'_>]| {
        let transactions = piece.iter().map(|one| one.transaction);
        state
            .prefetch(cells(transactions))
            .expect("memory does not fail");
    };
    let in_order = |piece: &[Checked<'_>]| -> Vec<Outcome> {
        let one = |checked: &Checked<'_>| {
            let mut view = state.view();
            let outcome = transition(checked.transaction, &mut view).expect("memory does not fail");
            if let Outcome::Applied { changes, .. } = &outcome {
                state.apply(changes).expect("memory does not fail");
            }
            outcome
        };
        piece.iter().map(one).collect()
    };
    match path {
        ExecutionPath::Serial => {
            checked.chunks(ALONE).for_each(load);
            in_order(checked)
        }
        ExecutionPath::SpreadChecks => {
            let pieces: Vec<_> = checked.chunks(AMONG_OTHERS).collect();
            let mut outcomes = Vec::with_capacity(checked.len());
            let pipeline = Pipeline::new(pieces.len(), |piece| {
                outcomes.extend(in_order(piece));
                Ok::<(), Infallible>(())
            });
            let prepare = |at: usize| {
                load(pieces[at]);
                Ok(pieces[at])
            };
            executor.workers().each(|| pipeline.work(&prepare));
            pipeline.finish().expect("nothing panics");
            outcomes
        }
        ExecutionPath::Graph => {
            let workers = executor.workers();
            let transactions = checked.iter().map(|one| one.transaction);
            let (graph, _) = workers.join(
                || Graph::of(transactions, hasher()),
                || workers.map(checked.chunks(AMONG_OTHERS).collect(), load),
            );
            let outcomes = executor.execute_batch(state, &graph, checked);
            outcomes.expect("memory does not fail")
        }
    }
}

/// All of `add_block`, in nanoseconds a transfer.
fn whole(rounds: usize, prepared: &Prepared, config: ParallelConfig) -> Comparison {
    let transfers = prepared.transactions().len() * MAX_TRANSFERS;
    let add = |config| {
        let chain = prepared.warm_chain_by(config);
        let (took, added) = time(|| chain.add_block(&prepared.block));
        assert!(added.is_ok(), "the block is good");
        PerItem::new(took, transfers)
    };
    let serial = ParallelConfig {
        enabled: false,
        ..config
    };
    compare(rounds, || add(serial), || add(config))
}

fn assert_same(prepared: &Prepared, outcomes: &[Outcome]) {
    let receipts = &prepared.added.receipts;
    assert_eq!(receipts.len(), outcomes.len(), "nothing was left out");
    let mut same = receipts.iter().zip(black_box(outcomes));
    assert!(
        same.all(|(one, other)| one.outcome == *other),
        "what is fast is also right"
    );
}

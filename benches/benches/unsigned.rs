//! Blocks of which signatures are nothing or hardly anything, on the path that the executor chooses
//! by itself: it must not lose against one thread where there is nothing to spread.
//!
//! Core writes no block without verifying it. So there are two tables. In the first the verdicts are
//! known before the clock runs, and what the path does with the state is done with core's public
//! parts, on one kind of state for both: cells are loaded, transactions are executed, nothing is
//! written. In the second nothing is
//! left out: `add_block` as a node calls it, with enough transfers under each signature that the
//! signatures are a small part.
//!
//! The columns are those of `ratios`.

use std::hint::black_box;
use std::sync::{Arc, RwLock};

use lockstep_benches::compare::{Comparison, PerItem, compare, time};
use lockstep_benches::known::{self, SharedState};
use lockstep_benches::prepared::Prepared;
use lockstep_benches::unsigned::hasher;
use lockstep_benches::{by_extent, control, wide};
use lockstep_core::config::{ExecutionPath, ParallelConfig};
use lockstep_core::model::{MAX_TRANSFERS, Network};
use lockstep_core::parallel::ParallelExecutor;
use lockstep_sim::conflict_pattern::ConflictPattern;

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
        for pattern in ConflictPattern::ALL {
            let prepared = Prepared::new(pattern, *size);
            let path = config.path_of_verified(usize::from(*size));
            let seen = stateful(rounds, &executor, &prepared, path);
            seen.print(&format!(
                "{size} {pattern}, verdicts known: {}",
                path.name()
            ));
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

/// The stateful part of a path, from the first cell that is loaded to the last outcome.
fn stateful(
    rounds: usize,
    executor: &ParallelExecutor,
    prepared: &Prepared,
    path: ExecutionPath,
) -> Comparison {
    let transactions = prepared.transactions();
    let storage = Arc::new(RwLock::new(prepared.storage().clone()));
    let measure = |path| {
        let state = SharedState::new(Arc::clone(&storage), 2 * transactions.len(), hasher());
        let (took, outcomes) = time(|| known::execute(executor, &state, transactions, path));
        prepared.assert_same(black_box(&outcomes));
        PerItem::new(took, transactions.len())
    };
    compare(rounds, || measure(ExecutionPath::Serial), || measure(path))
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

//! Making the state that workers share and loading accounts into it, on one thread.

use std::sync::{Arc, RwLock};

use lockstep_benches::compare::{PerItem, median, time};
use lockstep_benches::unsigned::{bytes, hasher};
use lockstep_benches::{by_extent, control};
use lockstep_core::model::{Asset, Cell, PublicKey};
use lockstep_core::parallel::ParallelChainState;
use lockstep_core::storage::MemoryStorage;

fn main() {
    let rounds = by_extent(9, 3, 1);
    println!(
        "Nanoseconds an account that the storage does not have, medians of {rounds} rounds. Control \
         before: {:.2}\n",
        control::two_threads_against_one()
    );
    println!("{:<12}{:>14}", "accounts", "an account");
    let sizes: &[u32] = by_extent(&[1_000, 10_000, 100_000], &[1_000, 10_000], &[1_000]);
    for accounts in sizes {
        let rounds = (0..rounds).map(|_| created(*accounts).0);
        println!("{accounts:<12}{:>14.0}", median(rounds.collect()));
    }
    println!("\nControl after: {:.2}", control::two_threads_against_one());
}

fn created(accounts: u32) -> PerItem {
    let cells: Vec<Cell> = (0..accounts)
        .flat_map(|number| {
            let account = PublicKey(bytes(number));
            [
                Cell::Nonce(account),
                Cell::Multisig(account),
                Cell::Balance(account, Asset::NATIVE),
            ]
        })
        .collect();
    let storage = Arc::new(RwLock::new(MemoryStorage::new()));
    let (took, state) = time(|| {
        let state = ParallelChainState::new(storage, accounts as usize, hasher());
        state.prefetch(cells).map(|()| state)
    });
    assert!(state.is_ok(), "memory does not fail");
    PerItem::new(took, accounts as usize)
}

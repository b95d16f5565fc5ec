//! Memory of the shared state of a block, counted at the allocator.

use std::sync::{Arc, RwLock};

use ahash::RandomState;
use lockstep_benches::by_extent;
use lockstep_core::model::{Asset, Cell, PublicKey};
use lockstep_core::parallel::ParallelChainState;
use lockstep_core::storage::MemoryStorage;

fn main() {
    println!("Bytes an account of the state that workers share, all cells loaded from nothing.\n");
    println!(
        "{:<12}{:>8}{:>12}{:>16}",
        "accounts", "assets", "an account", "an asset more"
    );
    let sizes: &[usize] = by_extent(&[1_000, 10_000, 100_000], &[1_000, 10_000], &[1_000]);
    for accounts in sizes.iter().copied() {
        let one = bytes_an_account(accounts, 1);
        println!("{accounts:<12}{:>8}{one:>12.0}", 1);
        for assets in [2, 4, 8] {
            let more = bytes_an_account(accounts, assets);
            println!(
                "{accounts:<12}{assets:>8}{more:>12.0}{:>16.0}",
                (more - one) / (assets as f64 - 1.0)
            );
        }
    }
}

fn bytes_an_account(accounts: usize, assets: usize) -> f64 {
    let storage = Arc::new(RwLock::new(MemoryStorage::new()));
    let mut kept = None;
    let memory = allocation_counter::measure(|| {
        let state = ParallelChainState::new(storage, accounts, RandomState::with_seed(1));
        for account in 0..accounts as u64 {
            let account = key(account);
            let mut cells = vec![Cell::Nonce(account), Cell::Multisig(account)];
            cells.extend((0..assets).map(|asset| Cell::Balance(account, self::asset(asset))));
            state.prefetch(cells).expect("memory does not fail");
        }
        kept = Some(state);
    });
    drop(kept);
    memory.bytes_current as f64 / accounts as f64
}

fn key(number: u64) -> PublicKey {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    PublicKey(key)
}

fn asset(number: usize) -> Asset {
    let mut asset = Asset::NATIVE;
    asset.0[0] = number as u8;
    asset
}

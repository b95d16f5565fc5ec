//! Tests of the genesis: the beginning of a ledger, and the impossible ones.

use crate::common;
use crate::common::disk::Disk;
use crate::common::{
    GOLD, START, assert_conserved, balance_cell, balance_value, from, key, ledger, nonce_cell,
    nonce_value, supply, version,
};
use lockstep_core::chain::{Chain, ChainError};
use lockstep_core::config::Config;
use lockstep_core::model::{Amount, Asset, Cell, Hash, Height, Network, Receipt, Value};
use lockstep_core::storage::{MemoryStorage, Table};

#[test]
fn the_genesis_registers_owners_and_sets_balances_and_supplies() {
    let (alice, bob) = (key("alice"), key("bob"));
    let ledger = ledger()
        .has(&alice, 100)
        .has(&bob, 20)
        .has_of(GOLD, &bob, 3)
        .open();
    assert_eq!(ledger.balance(&alice), 100);
    assert_eq!(ledger.nonce(&alice), Some(0));
    assert_eq!(ledger.nonce(&bob), Some(0));
    assert_eq!(ledger.supply(Asset::NATIVE), supply(120, 0, 0));
    assert_eq!(ledger.supply(GOLD), supply(3, 0, 0));
    assert_conserved(&ledger);
}

#[test]
fn versions_of_the_genesis_have_height_0_and_no_previous() {
    let alice = key("alice");
    let ledger = ledger().has(&alice, 100).open();
    assert_eq!(ledger.cells().len(), 3);
    assert_eq!(
        ledger.history(nonce_cell(&alice)),
        [version(0, None, nonce_value(0))]
    );
    assert_eq!(
        ledger.history(balance_cell(&alice)),
        [version(0, None, balance_value(100))]
    );
}

#[test]
fn an_entry_of_zero_has_no_effect_on_the_state() {
    let (alice, bob) = (key("alice"), key("bob"));
    let ledger = ledger()
        .has(&alice, 100)
        .has(&bob, 0)
        .has_of(GOLD, &bob, 0)
        .open();
    assert_eq!(ledger.nonce(&bob), None);
    assert_eq!(ledger.supply(GOLD), supply(0, 0, 0));
    assert_eq!(ledger.cells().len(), 3);
}

#[test]
fn the_tip_of_a_new_ledger_is_the_genesis() {
    let setup = ledger().has(&key("alice"), 100);
    let tip = setup.open().tip();
    assert_eq!(tip.height, Height(0));
    assert_eq!(tip.time, START);
    let mut hasher = blake3::Hasher::new_derive_key("lockstep 1 genesis");
    hasher.update(&borsh::to_vec(&setup.genesis).expect("a genesis encodes"));
    assert_eq!(tip.hash, Hash(hasher.finalize().into()));
}

#[test]
fn the_genesis_is_digested_like_a_block_that_sets_all_its_cells() {
    let alice = key("alice");
    let tip = ledger().has(&alice, 100).open().tip();
    let changes: Vec<(Cell, Value)> = vec![
        (nonce_cell(&alice), nonce_value(0)),
        (balance_cell(&alice), balance_value(100)),
        (
            Cell::Supply(Asset::NATIVE),
            Value::Supply(supply(100, 0, 0)),
        ),
    ];
    let mut hasher = blake3::Hasher::new_derive_key("lockstep 1 block digest");
    hasher.update(&tip.hash.0);
    hasher.update(&borsh::to_vec(&changes).expect("changes encode"));
    hasher.update(&borsh::to_vec(&Vec::<Receipt>::new()).expect("nothing encodes"));
    assert_eq!(tip.digest, Hash(hasher.finalize().into()));
}

#[test]
fn a_genesis_of_nothing_is_possible() {
    let ledger = ledger().native_limit(0).open();
    assert_eq!(ledger.cells(), []);
    assert_eq!(ledger.tip().height, Height(0));
}

#[test]
fn a_genesis_whose_asset_exceeds_u64_max_is_impossible() {
    let possible = ledger()
        .has_of(GOLD, &key("alice"), u64::MAX - 1)
        .has_of(GOLD, &key("bob"), 1);
    possible.open();
    let disk = Disk::new(MemoryStorage::new());
    let impossible = possible.has_of(GOLD, &key("carol"), 1).try_open_on(&disk);
    assert!(matches!(
        impossible,
        Err(ChainError::ImpossibleGenesis { .. })
    ));
    // No part of it was written.
    assert_eq!(disk.tables(), Disk::new(MemoryStorage::new()).tables());
}

#[test]
fn a_genesis_over_the_native_limit_is_impossible() {
    let setup = ledger().has(&key("alice"), 60).has(&key("bob"), 41);
    setup.clone().native_limit(101).open();
    assert!(matches!(
        setup.native_limit(100).try_open(),
        Err(ChainError::ImpossibleGenesis { .. })
    ));
}

#[test]
fn the_native_limit_does_not_limit_other_assets() {
    let alice = key("alice");
    let ledger = ledger()
        .has_of(GOLD, &alice, u64::MAX)
        .native_limit(0)
        .open();
    assert_eq!(ledger.balance_of(GOLD, &alice), u64::MAX);
}

#[test]
fn an_impossible_genesis_says_what_is_wrong_with_it() {
    let error = ledger().has(&key("a"), 2).native_limit(1).try_open().err();
    assert_eq!(
        error.expect("2 is over 1").to_string(),
        "impossible genesis: it allocates 2 of the native asset, of which there may be 1"
    );
}

#[test]
fn a_storage_with_another_genesis_is_an_error_and_stays_as_it_is() {
    let ledger = ledger().has(&key("alice"), 100).open();
    let before = ledger.tables();
    let other = common::ledger().has(&key("alice"), 101);
    assert!(matches!(
        other.try_open_on(&ledger.disk),
        Err(ChainError::OtherGenesis { .. })
    ));
    assert_eq!(ledger.tables(), before);
}

#[test]
fn an_empty_storage_has_no_ledger_to_continue() {
    let error = Chain::open_existing(
        MemoryStorage::new(),
        Config::for_network(Network::Devnet),
        std::sync::Arc::new(ledger().clock),
    );
    assert!(matches!(error.err(), Some(ChainError::Empty)));
}

#[test]
fn a_storage_of_another_format_is_an_error() {
    let ledger = ledger().open();
    ledger.disk.change(|storage| {
        use lockstep_core::storage::{Batch, Storage};
        let mut batch = Batch::new();
        batch.put(Table::Meta, b"format".to_vec(), vec![2, 0, 0, 0]);
        storage.commit(&batch).expect("memory does not fail");
    });
    assert!(matches!(
        common::ledger().try_open_on(&ledger.disk).err(),
        Some(ChainError::OtherFormat {
            stored: 2,
            expected: 1
        })
    ));
}

/// A storage without a format is empty or damaged, and a ledger must not begin on top of another.
#[test]
fn a_storage_that_lost_its_format_is_damaged_and_not_empty() {
    let mut ledger = ledger().has(&key("alice"), 100).open();
    ledger.add([from(&key("alice"), 0).pay(&key("bob"), 1).sign()]);
    ledger.disk.change(|storage| {
        use lockstep_core::storage::{Batch, Storage};
        let mut batch = Batch::new();
        batch.delete(Table::Meta, b"format".to_vec());
        storage.commit(&batch).expect("memory does not fail");
    });
    let before = ledger.tables();
    let reopened = common::ledger()
        .has(&key("alice"), 100)
        .try_open_on(&ledger.disk);
    assert!(matches!(
        reopened.err(),
        Some(ChainError::Storage(
            lockstep_core::storage::StorageError::Corrupt { .. }
        ))
    ));
    assert_eq!(ledger.tables(), before);
}

/// Each of network, reward, limits, time and balances.
#[test]
fn everything_that_nodes_agree_on_is_in_the_hash_of_the_genesis() {
    let base = ledger().has(&key("alice"), 100).reward(5);
    let mut others = vec![
        base.clone().reward(6),
        base.clone().native_limit(1_000),
        base.clone().max_block_bytes(1_000),
        base.clone().has(&key("alice"), 99),
        base.clone().has(&key("bob"), 0),
        base.clone(),
        base.clone(),
    ];
    others[5].genesis.time.0 += 1;
    others[6].genesis.rules.network = Network::Testnet;
    let hash = base.open().tip().hash;
    for other in others {
        assert_ne!(other.open().tip().hash, hash, "{:?}", other.genesis);
    }
}

#[test]
fn issuing_begins_from_what_the_genesis_left() {
    let mut ledger = ledger()
        .has(&key("alice"), 90)
        .reward(50)
        .native_limit(100)
        .open();
    assert_eq!(ledger.add([]).reward, Amount(10));
}

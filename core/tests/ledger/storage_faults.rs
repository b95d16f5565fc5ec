//! Tests of redb on a medium that runs full or fails: a typed error, the block whole or not at all,
//! and the same block again as soon as the medium works.

use crate::common;
use crate::common::backend::Medium;
use crate::common::disk::{Disk, Tables, tables_of};
use crate::common::{Ledger, Setup, all_applied, from, key, keys, ledger};
use lockstep_core::chain::ChainError;
use lockstep_core::model::{Block, Refusal, Transaction};
use lockstep_core::storage::{RedbStorage, StorageError, Table};

fn storage_on(medium: &Medium) -> Result<RedbStorage, StorageError> {
    let medium = medium.clone();
    RedbStorage::with_backend("the medium", move || medium.clone())
}

fn setup() -> Setup {
    ledger().has(&key("alice"), 1_000).reward(5)
}

fn ledger_on(medium: &Medium) -> Ledger<RedbStorage> {
    let storage = storage_on(medium).expect("the medium works");
    setup().open_on(&Disk::new(storage))
}

/// Returns a transaction in which Alice pays `count` accounts that are not registered yet.
fn payments(nonce: u64, count: usize) -> Transaction {
    let people = keys(count);
    let pay = from(&key("alice"), nonce).fee(1);
    people.iter().fold(pay, |pay, to| pay.pay(to, 1)).sign()
}

fn is_full(error: &ChainError) -> bool {
    matches!(error, ChainError::Storage(StorageError::Full { place }) if place == "the medium")
}

fn is_typed(error: &ChainError) -> bool {
    matches!(
        error,
        ChainError::Storage(StorageError::Io { place, .. } | StorageError::Full { place })
            if place == "the medium"
    )
}

#[test]
fn a_full_medium_is_said_to_be_full_and_the_block_is_added_once_there_is_room() {
    let medium = Medium::default();
    let mut ledger = ledger_on(&medium);
    medium.set_room(Some(medium.bytes().len() as u64));
    let (block, error) = loop {
        let nonce = ledger.nonce(&key("alice")).expect("alice is registered");
        let block = ledger.block([payments(nonce, 30)]);
        let before = ledger.tables();
        match ledger.try_add(&block) {
            Ok(added) => all_applied(&added),
            Err(error) => {
                assert_eq!(ledger.tables(), before);
                break (block, error);
            }
        }
    };
    assert!(is_full(&error), "{error:?}");
    let again = ledger.try_add(&block).expect_err("there is still no room");
    assert!(is_full(&again), "{again:?}");

    medium.set_room(None);
    all_applied(&ledger.add_block(&block));
    let tables = ledger.tables();
    drop(ledger);
    let reopened = storage_on(&medium).expect("the medium works");
    assert_eq!(tables_of(&reopened), tables);
}

#[test]
fn a_medium_without_room_for_a_ledger_is_full() {
    for room in [0, 4_096, 20_000] {
        let medium = Medium::default();
        medium.set_room(Some(room));
        let opened = storage_on(&medium).map_err(ChainError::from);
        let error = opened.and_then(|storage| setup().try_open_on(&Disk::new(storage)));
        let error = error.err().expect("there is no room");
        assert!(is_full(&error), "{room}: {error:?}");
        medium.set_room(None);
        ledger_on(&medium);
    }
}

/// The two states that adding a block to a failing medium may leave.
struct Allowed {
    block: Block,
    before: Tables,
    after: Tables,
}

fn two_blocks_then(medium: &Medium) -> (Ledger<RedbStorage>, Allowed) {
    let mut ledger = ledger_on(medium);
    ledger.add([payments(0, 30)]);
    ledger.add([payments(1, 30)]);
    let block = ledger.block([payments(2, 40)]);
    let before = ledger.tables();
    let mut reference = setup().open();
    for nonce in 0..2 {
        reference.add([payments(nonce, 30)]);
    }
    assert_eq!(reference.tables(), before);
    reference.add_block(&block);
    let allowed = Allowed {
        block,
        before,
        after: reference.tables(),
    };
    (ledger, allowed)
}

/// Makes `count` calls fail from every call on that adding a block makes; the storage is opened
/// anew in between where `cold`, so that it has to read.
fn check_failing(count: usize, cold: bool) {
    let mut reached = 0;
    let mut kept = 0;
    for first in 0.. {
        let medium = Medium::default();
        let (mut ledger, allowed) = two_blocks_then(&medium);
        if cold {
            drop(ledger);
            ledger = ledger_on(&medium);
        }
        medium.fail(first, count);
        let result = ledger.try_add(&allowed.block);
        if medium.heal() <= first {
            result.expect("no call failed");
            break;
        }
        reached += 1;
        if let Err(error) = &result {
            assert!(is_typed(error), "call {first}: {error:?}");
        }
        let tables = ledger.tables();
        if tables == allowed.before {
            assert!(result.is_err(), "call {first}: added and not there");
            ledger.add_block(&allowed.block);
        } else {
            // A failed sync does not tell: the block may be there all the same, and whole.
            assert_eq!(tables, allowed.after, "call {first}");
            kept += usize::from(result.is_err());
            let refusal = ledger.refusal(&allowed.block);
            assert!(matches!(refusal, Refusal::Height { .. }));
        }
        assert_eq!(ledger.tables(), allowed.after, "call {first}");
        drop(ledger);
        let reopened = storage_on(&medium).expect("the medium works");
        assert_eq!(tables_of(&reopened), allowed.after, "call {first}");
    }
    assert!(reached > 5, "only {reached} calls were made to fail");
    assert!(kept < reached, "every failure kept the block");
}

#[test]
fn a_call_that_fails_once_leaves_the_block_whole_or_not_at_all() {
    check_failing(1, false);
}

#[test]
fn a_medium_that_stays_away_leaves_the_block_whole_or_not_at_all() {
    check_failing(usize::MAX, false);
}

#[test]
fn a_few_failing_calls_in_a_row_leave_the_block_whole_or_not_at_all() {
    for count in [2, 5, 20] {
        check_failing(count, false);
    }
}

#[test]
fn a_ledger_that_was_just_opened_is_as_safe() {
    check_failing(1, true);
    check_failing(usize::MAX, true);
}

/// A read that fails is an error of that read, and the next one works if the medium does.
#[test]
fn a_failing_read_is_an_error_and_the_next_one_works() {
    let medium = Medium::default();
    let (ledger, allowed) = two_blocks_then(&medium);
    drop(ledger);
    let mut reached = 0;
    for first in 0.. {
        let ledger = ledger_on(&medium);
        medium.fail(first, 1);
        let history = ledger.chain.history(common::balance_cell(&key("alice")));
        if medium.heal() <= first {
            assert_eq!(history.expect("no call failed").len(), 3);
            break;
        }
        assert!(
            matches!(history, Err(StorageError::Io { .. })),
            "{history:?}"
        );
        assert_eq!(ledger.tables(), allowed.before);
        reached += 1;
    }
    // The check on opening has read the whole file, so that often nothing is left to be read.
    assert!(reached < 100);
}

#[test]
fn as_long_as_the_medium_is_away_every_call_says_why() {
    let medium = Medium::default();
    let (mut ledger, allowed) = two_blocks_then(&medium);
    medium.fail(0, usize::MAX);
    for _ in 0..3 {
        let error = ledger
            .try_add(&allowed.block)
            .expect_err("the medium is away");
        assert!(error.to_string().contains("was told to fail"), "{error}");
    }
    medium.heal();
    all_applied(&ledger.add_block(&allowed.block));
    assert_eq!(ledger.tables(), allowed.after);
}

#[test]
fn a_medium_that_fails_while_it_is_opened_is_a_typed_error() {
    let medium = Medium::default();
    let (ledger, allowed) = two_blocks_then(&medium);
    drop(ledger);
    let mut reached = 0;
    for first in 0.. {
        medium.fail(first, 1);
        let opened = storage_on(&medium);
        if medium.heal() <= first {
            break;
        }
        reached += 1;
        if let Err(error) = opened {
            assert!(matches!(error, StorageError::Io { .. }), "{error:?}");
        }
        let storage = storage_on(&medium).expect("the medium works");
        assert_eq!(tables_of(&storage), allowed.before, "call {first}");
    }
    assert!(reached > 5, "only {reached} calls were made to fail");
}

#[test]
fn a_rewind_on_a_failing_medium_happens_whole_or_not_at_all() {
    let mut reached = 0;
    for first in 0.. {
        let medium = Medium::default();
        let (mut ledger, allowed) = two_blocks_then(&medium);
        ledger.add_block(&allowed.block);
        medium.fail(first, 1);
        let result = ledger.rewind(2);
        if medium.heal() <= first {
            result.expect("no call failed");
            break;
        }
        reached += 1;
        let tables = ledger.tables();
        assert!(
            tables == allowed.before || (result.is_err() && tables == allowed.after),
            "call {first}"
        );
        ledger.rewind(2).expect("the medium works");
        assert_eq!(ledger.tables(), allowed.before);
    }
    assert!(reached > 5, "only {reached} calls were made to fail");
}

/// The place of a beginning: a failure while height 0 is written leaves an empty storage or a
/// whole genesis.
#[test]
fn a_failure_while_a_ledger_begins_leaves_none_or_a_whole_one() {
    let whole = setup().open().tables();
    let mut reached = 0;
    for first in 0.. {
        let medium = Medium::default();
        let disk = Disk::new(storage_on(&medium).expect("the medium works"));
        medium.fail(first, 1);
        let result = setup().try_open_on(&disk).map(|ledger| ledger.tip());
        if medium.heal() <= first {
            result.expect("no call failed");
            break;
        }
        reached += 1;
        let tables = disk.tables();
        let empty = tables.values().all(Vec::is_empty);
        assert!(empty || tables == whole, "call {first}: {result:?}");
        assert_eq!(setup().open_on(&disk).tables(), whole);
    }
    assert!(reached > 5, "only {reached} calls were made to fail");
    assert!(!whole[&Table::Meta].is_empty());
}

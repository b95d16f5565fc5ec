//! Wrong uses of a map whose every call is right, some beside the right use. A map that the checker
//! cannot see into hides all of them.
//!
//! The number of a key, modulo that of the shards, is its shard.

use std::panic::catch_unwind;
use std::sync::Arc;

use crate::placed::Placed;
use crate::{DashMap, expect_found, explore, thread, usage};

type Map = DashMap<u8, u64, Placed>;

const SHARDS: u8 = 4;

fn map(shards: u8, pairs: &[(u8, u64)]) -> Arc<Map> {
    usage::shards(shards);
    let map = Map::with_hasher_and_shard_amount(Placed::among(shards), usize::from(shards));
    for (key, value) in pairs {
        map.insert(*key, *value);
    }
    Arc::new(map)
}

/// One thread, and beside it this one.
fn at_once(map: &Arc<Map>, first: impl FnOnce(&Map) + Send + 'static, beside: impl FnOnce(&Map)) {
    let other = Arc::clone(map);
    let thread = thread::spawn(move || first(&other));
    beside(map);
    thread.join().expect("no call panics");
}

fn value(map: &Map, key: u8) -> u64 {
    *map.get(&key).expect("the key has a value")
}

/// As for the body cache: a map of real primitives would pass everything below and show nothing.
#[test]
fn the_map_is_built_on_the_primitives_of_the_checker() {
    let outside = catch_unwind(|| map(SHARDS, &[(0, 0)]).len());
    assert!(
        outside.is_err(),
        "a map of {outside:?} is none of the checker's"
    );
}

/// Value of the key in the storage.
const STORED: u64 = 10;

fn update_loaded(map: &Map) {
    *map.entry(0).or_insert(STORED) += 1;
}

const UPDATE: &str = "a late load does not overwrite an update";

fn late_insert(load: fn(&Map)) {
    let map = map(SHARDS, &[]);
    at_once(&map, update_loaded, load);
    let value = value(&map, 0);
    assert!(value == STORED + 1, "{UPDATE}: {value}");
}

#[test]
fn a_late_insert_is_found() {
    expect_found("a_late_insert", UPDATE, || {
        late_insert(|map| {
            if !map.contains_key(&0) {
                map.insert(0, STORED);
            }
        });
    });
}

#[test]
fn a_late_load_that_leaves_what_is_there_overwrites_nothing() {
    let claim = "a_late_load_that_leaves_what_is_there_overwrites_nothing";
    explore(claim, || {
        late_insert(|map| {
            if map.get(&0).is_none() {
                map.entry(0).or_insert(STORED);
            }
        });
    });
}

const NONCE: &str = "a nonce is used once";

/// Two transactions of one sender, both with its first nonce.
fn spend_twice(spend: fn(&Map)) {
    const APPLIED: u8 = 1;
    let map = map(SHARDS, &[(0, 0), (APPLIED, 0)]);
    at_once(&map, spend, spend);
    let applied = value(&map, APPLIED);
    assert!(applied == 1, "{NONCE}: {applied} times");
}

fn apply(map: &Map) {
    *map.get_mut(&1).expect("the key has a value") += 1;
}

#[test]
fn a_nonce_checked_apart_from_its_use_is_found() {
    expect_found("a_nonce_checked_apart_from_its_use", NONCE, || {
        spend_twice(|map| {
            if value(map, 0) == 0 {
                *map.get_mut(&0).expect("the key has a value") = 1;
                apply(map);
            }
        });
    });
}

#[test]
fn a_nonce_checked_and_used_under_one_guard_is_used_once() {
    let claim = "a_nonce_checked_and_used_under_one_guard_is_used_once";
    explore(claim, || {
        spend_twice(|map| {
            let mut nonce = map.get_mut(&0).expect("the key has a value");
            if *nonce == 0 {
                *nonce = 1;
                drop(nonce);
                apply(map);
            }
        });
    });
}

const SCAN: &str = "a scan that sees the second write sees the first";

/// Key 0 is written before the last one, and read before it.
fn scan_beside_two_writes(shards: u8) {
    let last = shards - 1;
    let map = map(shards, &[(0, 0), (last, 0)]);
    at_once(
        &map,
        move |map| {
            for key in [0, last] {
                *map.get_mut(&key).expect("the key has a value") = 1;
            }
        },
        |map| {
            let seen: Vec<u64> = map.iter().map(|item| *item).collect();
            assert!(seen != [0, 1], "{SCAN}: {seen:?}");
        },
    );
}

#[test]
fn a_torn_iteration_is_found() {
    expect_found("a_torn_iteration", SCAN, || {
        scan_beside_two_writes(SHARDS);
    });
}

/// Hand-over-hand iteration guarantees this and no more: with one shard between, see above.
#[test]
fn iteration_is_not_torn_between_neighbouring_shards() {
    let claim = "iteration_is_not_torn_between_neighbouring_shards";
    explore(claim, || {
        scan_beside_two_writes(2);
    });
}

/// Moves one from a key to another, with both shards held.
fn move_one(map: &Map, from: u8, to: u8) {
    let mut from = map.get_mut(&from).expect("the key has a value");
    let mut to = map.get_mut(&to).expect("the key has a value");
    *from -= 1;
    *to += 1;
}

#[test]
fn two_shards_taken_in_opposite_order_are_found() {
    expect_found("two_shards_in_opposite_order", "lock cycle: ", || {
        let map = map(SHARDS, &[(0, 5), (1, 5)]);
        at_once(&map, |map| move_one(map, 0, 1), |map| move_one(map, 1, 0));
    });
}

#[test]
fn two_shards_taken_in_one_order_do_not_deadlock() {
    let claim = "two_shards_taken_in_one_order_do_not_deadlock";
    explore(claim, || {
        let map = map(SHARDS, &[(0, 5), (1, 5)]);
        at_once(&map, |map| move_one(map, 0, 1), |map| move_one(map, 0, 1));
        assert_eq!((value(&map, 0), value(&map, 1)), (3, 7));
    });
}

/// It works with keys that have a shard each, which most pairs have.
#[test]
fn two_keys_of_one_shard_are_found() {
    expect_found("two_keys_of_one_shard", "self-deadlock: ", || {
        let map = map(SHARDS, &[(0, 5), (SHARDS, 5)]);
        move_one(&map, 0, SHARDS);
    });
}

#[test]
fn a_write_under_a_read_of_the_same_key_is_found() {
    expect_found("a_write_under_a_read", "self-deadlock: ", || {
        let map = map(SHARDS, &[(0, 5)]);
        if let Some(value) = map.get(&0) {
            map.insert(0, *value + 1);
        }
    });
}

#[test]
fn a_write_under_an_item_of_iteration_is_found() {
    expect_found("a_write_under_an_item", "self-deadlock: ", || {
        let map = map(SHARDS, &[(0, 5)]);
        for item in map.iter() {
            map.insert(*item.key(), *item + 1);
        }
    });
}

/// A reader waits only for a writer that holds the lock: the second read of one thread is let in past a
/// writer that waits. A lock that lets no reader pass would deadlock here.
#[test]
fn a_second_read_passes_a_writer_that_waits() {
    explore("a_second_read_passes_a_writer_that_waits", || {
        let map = map(SHARDS, &[(0, 5)]);
        at_once(
            &map,
            |map| *map.get_mut(&0).expect("the key has a value") += 1,
            |map| {
                let first = map.get(&0).expect("the key has a value");
                let second = map.get(&0).expect("the key has a value");
                assert_eq!(*first, *second);
            },
        );
        assert_eq!(value(&map, 0), 6);
    });
}

/// A wait that the map remembered for too long would close a cycle that is none.
#[test]
fn a_wait_that_is_over_is_forgotten() {
    explore("a_wait_that_is_over_is_forgotten", || {
        let map = map(SHARDS, &[(0, 0), (1, 0)]);
        at_once(
            &map,
            |map| {
                drop(map.get_mut(&0));
                drop(map.get_mut(&1));
            },
            |map| {
                drop(map.get_mut(&0));
                let _held = map.get_mut(&0);
                drop(map.get_mut(&1));
            },
        );
    });
}

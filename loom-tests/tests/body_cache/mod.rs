//! Claims of core's own body cache about threads that use it at once.
//!
//! Each claim is about two threads beside a third, whose calls fall anywhere between theirs.

use std::panic::catch_unwind;
use std::sync::Arc;

use lockstep_core::chain::BodyCacheLimits;
use lockstep_core::model::{
    Amount, Asset, Hash, Network, Nonce, Payload, PublicKey, Signature, Timestamp, Transaction,
};
use lockstep_core::{codec, merkle};

use crate::{BodyCache, explore, thread};

/// Bodies are named by their number of transactions.
const SHORT: usize = 1;
const LONG: usize = 2;

const TIME_TO_LIVE_MS: u64 = 10;
const EARLY: Timestamp = Timestamp(0);
/// Time at which a body of [`EARLY`] is expired.
const LATE: Timestamp = Timestamp(TIME_TO_LIVE_MS);

const WIDE: BodyCacheLimits = BodyCacheLimits {
    entries: 3,
    bytes: 1 << 20,
    time_to_live_ms: TIME_TO_LIVE_MS,
};

/// The primitives of a checker panic outside of its explorations. Real ones, which it could not see,
/// work anywhere: every claim below would pass and be worth nothing.
#[test]
fn the_cache_is_built_on_the_primitives_of_the_checker() {
    let outside = catch_unwind(|| BodyCache::new(WIDE).size());
    assert!(
        outside.is_err(),
        "a cache of {outside:?} is none of the checker's"
    );
}

#[test]
fn no_more_bodies_than_permitted_are_ever_seen() {
    explore("no_more_bodies_than_permitted_are_ever_seen", || {
        bounds_hold(BodyCacheLimits { entries: 1, ..WIDE });
    });
}

#[test]
fn no_more_bytes_than_permitted_are_ever_seen() {
    explore("no_more_bytes_than_permitted_are_ever_seen", || {
        bounds_hold(BodyCacheLimits {
            bytes: bytes(LONG),
            ..WIDE
        });
    });
}

/// For limits that leave room for one body.
fn bounds_hold(limits: BodyCacheLimits) {
    let cache = Arc::new(BodyCache::new(limits));
    at_once(
        &cache,
        |cache| remember(cache, SHORT, EARLY),
        |cache| remember(cache, LONG, EARLY),
        |cache| {
            for _ in 0..2 {
                let (entries, bytes) = cache.size();
                assert!(
                    entries <= 1 && bytes <= self::bytes(LONG),
                    "{entries} bodies of {bytes} bytes are within the limits"
                );
            }
        },
    );
    let kept = [SHORT, LONG].map(|body| cache.find(root(body), EARLY).is_some());
    let (entries, bytes) = cache.size();
    match kept {
        [true, false] => assert_eq!((entries, bytes), (1, self::bytes(SHORT))),
        [false, true] => assert_eq!((entries, bytes), (1, self::bytes(LONG))),
        _ => panic!("one body is kept, the other displaced: {kept:?}"),
    }
}

#[test]
fn a_body_is_found_whole_or_not_at_all() {
    explore("a_body_is_found_whole_or_not_at_all", || {
        let cache = Arc::new(BodyCache::new(WIDE));
        at_once(
            &cache,
            |cache| remember(cache, SHORT, EARLY),
            |cache| remember(cache, LONG, EARLY),
            |cache| {
                for body in [SHORT, LONG] {
                    if let Some(found) = cache.find(root(body), EARLY) {
                        assert_eq!(*found, transactions(body));
                    }
                }
            },
        );
        for body in [SHORT, LONG] {
            let found = cache.find(root(body), EARLY);
            assert_eq!(found.as_deref(), Some(&*transactions(body)));
        }
    });
}

#[test]
fn a_body_remembered_by_two_threads_counts_once() {
    explore("a_body_remembered_by_two_threads_counts_once", || {
        let cache = Arc::new(BodyCache::new(WIDE));
        at_once(
            &cache,
            |cache| remember(cache, SHORT, EARLY),
            |cache| remember(cache, SHORT, EARLY),
            |cache| {
                let size = cache.size();
                assert!(
                    size == (0, 0) || size == (1, bytes(SHORT)),
                    "{size:?} is that of no body or of one"
                );
            },
        );
        assert_eq!(cache.size(), (1, bytes(SHORT)));
    });
}

#[test]
fn expiry_beside_remembering_keeps_the_count_of_bytes() {
    explore("expiry_beside_remembering_keeps_the_count_of_bytes", || {
        let cache = Arc::new(BodyCache::new(WIDE));
        remember(&cache, SHORT, EARLY);
        at_once(
            &cache,
            // Each of the three is first to meet the expired body in some interleavings.
            |cache| drop(cache.find(root(LONG), LATE)),
            |cache| remember(cache, LONG, LATE),
            |cache| remember(cache, SHORT, LATE),
        );
        assert_eq!(cache.size(), (2, bytes(SHORT) + bytes(LONG)));
    });
}

/// Two threads, and beside them this one.
fn at_once(
    cache: &Arc<BodyCache>,
    first: fn(&BodyCache),
    second: fn(&BodyCache),
    beside: fn(&BodyCache),
) {
    let threads = [first, second].map(|call| {
        let cache = Arc::clone(cache);
        thread::spawn(move || call(&cache))
    });
    beside(cache);
    for thread in threads {
        thread.join().expect("no call panics");
    }
}

fn remember(cache: &BodyCache, body: usize, now: Timestamp) {
    cache.remember(root(body), transactions(body).into(), now);
}

fn root(body: usize) -> Hash {
    let identities: Vec<Hash> = transactions(body)
        .iter()
        .map(codec::transaction_id)
        .collect();
    merkle::root(&identities)
}

fn bytes(body: usize) -> u64 {
    codec::encoded_len(&*transactions(body))
}

fn transactions(body: usize) -> Vec<Transaction> {
    let transaction = |nonce| Transaction {
        network: Network::Devnet,
        source: PublicKey([7; 32]),
        nonce: Nonce(nonce),
        fee: Amount(0),
        payload: Payload::Burn {
            asset: Asset::NATIVE,
            amount: Amount(1),
        },
        signature: Signature([0; 64]),
        cosignatures: Vec::new(),
    };
    (0..).map(transaction).take(body).collect()
}

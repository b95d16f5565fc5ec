//! Tests of templates, of the bodies that are kept for them, and of headers that come alone.

use std::sync::Arc;

use crate::common::{
    Ledger, NETWORK, START, Setup, TestClock, all_applied, body_root, from, key, ledger,
};
use lockstep_core::chain::{BodyCache, BodyCacheLimits, ChainError, Mempool, MempoolLimits};
use lockstep_core::clock::Clock;
use lockstep_core::codec::encoded_len;
use lockstep_core::model::{Block, Hash, Header, Height, Refusal, Timestamp, Transaction};
use lockstep_core::storage::MemoryStorage;

fn pay(nonce: u64, fee: u64) -> Transaction {
    from(&key("alice"), nonce)
        .fee(fee)
        .pay(&key("bob"), 1)
        .sign()
}

fn waiting(transactions: &[Transaction]) -> Mempool {
    let mut mempool = Mempool::new(NETWORK, MempoolLimits::default());
    for transaction in transactions {
        mempool.insert(transaction.clone()).expect("there is room");
    }
    mempool
}

fn rich() -> Setup {
    ledger().has(&key("alice"), 1_000)
}

fn template(ledger: &Ledger<MemoryStorage>, mempool: &Mempool) -> Header {
    let header = ledger.chain.template(mempool, key("m").public());
    header.expect("the storage does not fail")
}

fn unknown(ledger: &mut Ledger<MemoryStorage>, header: &Header) -> bool {
    match ledger.header(header) {
        Err(ChainError::UnknownBody { root }) => root == header.merkle_root,
        Ok(_) => false,
        other => panic!("either it is known or not: {other:?}"),
    }
}

#[test]
fn a_template_is_a_header_that_extends_the_tip_with_what_waits() {
    let ledger = rich().open();
    let header = template(&ledger, &waiting(&[pay(0, 1), pay(1, 5)]));
    let tip = ledger.tip();
    assert_eq!(
        header,
        Header {
            version: 1,
            network: NETWORK,
            height: Height(1),
            parent: tip.hash,
            time: START,
            miner: key("m").public(),
            merkle_root: body_root(&[pay(0, 1), pay(1, 5)]),
            count: 2,
        }
    );
}

#[test]
fn the_header_of_a_template_alone_is_added_with_its_body() {
    let mut ledger = rich().open();
    let header = template(&ledger, &waiting(&[pay(0, 1), pay(1, 5)]));
    let added = ledger.header(&header).expect("the body is known");
    all_applied(&added);
    assert_eq!(ledger.balance(&key("m")), 6);
    let block = ledger.chain.block(Height(1)).expect("it is readable");
    let transactions = vec![pay(0, 1), pay(1, 5)];
    let expected = Block {
        header,
        transactions,
    };
    assert_eq!(block, Some(expected));
}

#[test]
fn a_template_of_nothing_is_added_by_its_header() {
    let mut ledger = rich().reward(5).open();
    let header = template(&ledger, &waiting(&[]));
    assert_eq!((header.merkle_root, header.count), (Hash([0; 32]), 0));
    ledger.header(&header).expect("an empty body is known");
    assert_eq!(ledger.balance(&key("m")), 5);
}

#[test]
fn an_empty_block_needs_no_template_to_be_added_by_its_header() {
    let mut ledger = rich().open();
    let header = ledger.block([]).header;
    ledger.header(&header).expect("an empty body is known");
}

#[test]
fn a_header_with_an_unknown_root_is_an_error_and_the_full_block_is_then_welcome() {
    let mut ledger = rich().open();
    let block = ledger.block([pay(0, 1)]);
    let before = ledger.tables();
    assert!(unknown(&mut ledger, &block.header));
    assert_eq!(ledger.tables(), before);
    all_applied(&ledger.add_block(&block));
}

/// The cache is a convenience: a header that lies is refused like the block that it makes.
#[test]
fn a_header_is_checked_like_a_full_block() {
    let mut ledger = rich().open();
    let good = template(&ledger, &waiting(&[pay(0, 1)]));
    let refusal = |ledger: &mut Ledger<MemoryStorage>, header: &Header| match ledger.header(header)
    {
        Err(ChainError::Refused(refusal)) => refusal,
        other => panic!("it is refused, not {other:?}"),
    };
    let mut miscounting = good.clone();
    miscounting.count = 2;
    assert!(matches!(
        refusal(&mut ledger, &miscounting),
        Refusal::Count { header: 2, body: 1 }
    ));
    let mut orphan = good.clone();
    orphan.parent = Hash([1; 32]);
    assert!(matches!(
        refusal(&mut ledger, &orphan),
        Refusal::Parent { .. }
    ));
    let mut empty = good.clone();
    empty.merkle_root = Hash([0; 32]);
    assert!(matches!(
        refusal(&mut ledger, &empty),
        Refusal::Count { header: 1, body: 0 }
    ));
    ledger.header(&good).expect("the body is still known");
}

#[test]
fn the_miner_may_change_its_header_and_keep_the_body() {
    let mut ledger = rich().open();
    let mut header = template(&ledger, &waiting(&[pay(0, 1)]));
    header.miner = key("another").public();
    header.time = Timestamp(START.0 + 77);
    ledger.header(&header).expect("the root is the same");
    assert_eq!(ledger.balance(&key("another")), 1);
}

#[test]
fn the_time_of_a_template_is_the_clocks_or_the_tips_where_that_is_later() {
    let setup = rich();
    let mut ledger = setup.open();
    setup.clock.set(START.0 + 500);
    assert_eq!(template(&ledger, &waiting(&[])).time.0, START.0 + 500);
    let mut block = ledger.block([]);
    block.header.time = Timestamp(START.0 + 900);
    ledger.add_block(&block);
    assert_eq!(template(&ledger, &waiting(&[])).time.0, START.0 + 900);
    setup.clock.set(0);
    let header = template(&ledger, &waiting(&[]));
    ledger.header(&header).expect("its time is the tip's");
}

#[test]
fn a_template_begins_at_the_nonces_of_the_ledger() {
    let mut ledger = rich().open();
    ledger.add([pay(0, 0)]);
    let header = template(&ledger, &waiting(&[pay(0, 9), pay(1, 3), pay(3, 3)]));
    assert_eq!(header.merkle_root, body_root(&[pay(1, 3)]));
}

#[test]
fn a_template_fits_in_the_limit_of_bytes() {
    let block = rich().open().block([pay(0, 1), pay(1, 1)]);
    let exact = encoded_len(&block);
    for (limit, count) in [(exact, 2), (exact - 1, 1)] {
        let mut ledger = rich().max_block_bytes(limit).open();
        let header = template(&ledger, &waiting(&[pay(0, 1), pay(1, 1), pay(2, 1)]));
        assert_eq!(header.count, count, "of {limit} bytes");
        all_applied(&ledger.header(&header).expect("it fits"));
    }
}

#[test]
fn a_body_is_kept_for_300_seconds() {
    for (age, known) in [(299_999, true), (300_000, false)] {
        let setup = rich();
        let mut ledger = setup.open();
        let header = template(&ledger, &waiting(&[pay(0, 1)]));
        setup.clock.set(START.0 + age);
        assert_eq!(unknown(&mut ledger, &header), !known, "after {age} ms");
    }
}

#[test]
fn after_a_rewind_a_header_can_be_added_again() {
    let mut ledger = rich().open();
    let header = template(&ledger, &waiting(&[pay(0, 1)]));
    let first = ledger.header(&header).expect("the body is known");
    ledger.rewind(0).expect("height 0 is below the tip");
    let second = ledger.header(&header).expect("the body is still known");
    assert_eq!(first, second);
}

/// Its header needs no body, so it must not take the place of one that does.
#[test]
fn a_template_of_nothing_displaces_no_body() {
    let mut setup = rich();
    setup.config.bodies.entries = 1;
    let mut ledger = setup.open();
    let header = template(&ledger, &waiting(&[pay(0, 1)]));
    template(&ledger, &waiting(&[]));
    assert!(!unknown(&mut ledger, &header));
}

fn cache(entries: usize, bytes: u64) -> BodyCache {
    BodyCache::new(BodyCacheLimits {
        entries,
        bytes,
        time_to_live_ms: 1_000,
    })
}

fn body(nonce: u64) -> Arc<[Transaction]> {
    vec![pay(nonce, 1)].into()
}

fn root(number: u8) -> Hash {
    Hash([number; 32])
}

/// The bytes of every [`body`] here.
fn body_bytes() -> u64 {
    encoded_len(&*body(0))
}

fn known(cache: &BodyCache, now: u64) -> Vec<u8> {
    (0..100)
        .filter(|number| cache.find(root(*number), Timestamp(now)).is_some())
        .collect()
}

#[test]
fn the_default_limits_are_64_bodies_64_mib_and_300_seconds() {
    let limits = BodyCacheLimits::default();
    assert_eq!(
        (limits.entries, limits.bytes, limits.time_to_live_ms),
        (64, 67_108_864, 300_000)
    );
}

#[test]
fn a_kept_body_is_found_under_its_root_alone() {
    let cache = cache(9, u64::MAX);
    cache.remember(root(1), body(1), Timestamp(0));
    let found = cache.find(root(1), Timestamp(0)).expect("it is kept");
    assert_eq!(*found, *body(1));
    assert!(cache.find(root(2), Timestamp(0)).is_none());
    assert_eq!(cache.size(), (1, body_bytes()));
}

#[test]
fn of_too_many_bodies_the_oldest_goes() {
    let cache = cache(3, u64::MAX);
    for number in [5, 3, 9, 1] {
        cache.remember(root(number), body(0), Timestamp(0));
    }
    assert_eq!(known(&cache, 0), [1, 3, 9]);
    assert_eq!(cache.size(), (3, 3 * body_bytes()));
}

#[test]
fn of_too_many_bytes_as_many_of_the_oldest_go_as_are_needed() {
    let two: Arc<[Transaction]> = vec![pay(0, 1), pay(1, 1)].into();
    let cache = cache(99, 2 * body_bytes() + 1);
    cache.remember(root(1), body(0), Timestamp(0));
    cache.remember(root(2), body(0), Timestamp(0));
    cache.remember(root(3), Arc::clone(&two), Timestamp(0));
    assert_eq!(known(&cache, 0), [3]);
    assert_eq!(cache.size(), (1, encoded_len(&*two)));
}

#[test]
fn a_body_that_alone_exceeds_the_limits_is_not_kept_and_displaces_nothing() {
    let cache = cache(9, body_bytes());
    cache.remember(root(1), body(0), Timestamp(0));
    let two: Arc<[Transaction]> = vec![pay(0, 1), pay(1, 1)].into();
    cache.remember(root(2), two, Timestamp(0));
    assert_eq!(known(&cache, 0), [1]);
}

#[test]
fn a_cache_without_entries_keeps_nothing() {
    let cache = cache(0, u64::MAX);
    cache.remember(root(1), body(0), Timestamp(0));
    assert_eq!(cache.size(), (0, 0));
}

#[test]
fn a_flood_never_exceeds_the_limits() {
    let cache = cache(4, 3 * body_bytes());
    for number in 0..200 {
        cache.remember(root(number), body(0), Timestamp(u64::from(number)));
        let (entries, bytes) = cache.size();
        assert!(entries <= 4 && bytes <= 3 * body_bytes());
    }
    assert_eq!(cache.size(), (3, 3 * body_bytes()));
}

#[test]
fn a_body_that_is_remembered_again_is_kept_once_and_starts_anew() {
    let cache = cache(2, u64::MAX);
    cache.remember(root(1), body(0), Timestamp(0));
    cache.remember(root(2), body(0), Timestamp(500));
    cache.remember(root(1), body(0), Timestamp(900));
    assert_eq!(cache.size(), (2, 2 * body_bytes()));
    // In age: the second is the oldest now, by order and by time.
    assert_eq!(known(&cache, 1_500), [1]);
    cache.remember(root(2), body(0), Timestamp(1_500));
    cache.remember(root(3), body(0), Timestamp(1_500));
    assert_eq!(known(&cache, 1_500), [2, 3]);
}

#[test]
fn expired_bodies_make_room_before_any_other_goes() {
    let cache = cache(2, u64::MAX);
    // The clock jumped back between them: the older entry is the younger one by time.
    cache.remember(root(1), body(0), Timestamp(900));
    cache.remember(root(2), body(0), Timestamp(0));
    cache.remember(root(3), body(0), Timestamp(1_100));
    assert_eq!(known(&cache, 1_100), [1, 3]);
}

#[test]
fn a_clock_that_jumps_forward_expires_everything() {
    let cache = cache(9, u64::MAX);
    cache.remember(root(1), body(0), Timestamp(0));
    cache.remember(root(2), body(0), Timestamp(10));
    assert_eq!(known(&cache, u64::MAX), Vec::<u8>::new());
    assert_eq!(cache.size(), (0, 0));
}

#[test]
fn a_clock_that_jumps_back_keeps_bodies_and_their_bounds() {
    let cache = cache(2, u64::MAX);
    cache.remember(root(1), body(0), Timestamp(5_000));
    assert_eq!(known(&cache, 0), [1]);
    cache.remember(root(2), body(0), Timestamp(0));
    cache.remember(root(3), body(0), Timestamp(0));
    assert_eq!(known(&cache, 0), [2, 3]);
    assert_eq!(cache.size(), (2, 2 * body_bytes()));
}

#[test]
fn many_threads_may_use_one_cache() {
    let cache = cache(4, u64::MAX);
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let cache = &cache;
            scope.spawn(move || {
                for number in 0..50 {
                    cache.remember(root(thread * 50 + number), body(0), Timestamp(0));
                    let (entries, _) = cache.size();
                    assert!(entries <= 4);
                }
            });
        }
    });
    assert_eq!(cache.size(), (4, 4 * body_bytes()));
}

#[test]
fn the_clock_is_only_what_the_operator_gave() {
    let setup = Setup {
        clock: TestClock::at(START.0 + 123),
        ..rich()
    };
    assert_eq!(template(&setup.open(), &waiting(&[])).time.0, START.0 + 123);
}

#[test]
fn a_function_is_a_clock() {
    let clock = || Timestamp(7);
    assert_eq!(Clock::now(&clock), Timestamp(7));
}

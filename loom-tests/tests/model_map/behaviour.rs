//! The same calls of two threads wait for each other.
//!
//! Each claim is checked on both maps. That a call waits is taken from its not having returned after
//! [`LONG_ENOUGH`]: on a slow machine such a claim may pass for nothing, but none fails. After that
//! it must return, within a time that only a hanging call exceeds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use crate::{Model, Real, model, real};

const LONG_ENOUGH: Duration = Duration::from_millis(50);
const FOREVER: Duration = Duration::from_secs(60);

const SHARDS: u8 = 4;
/// In shard 0, as is its neighbour; the others are in shards of their own.
const KEY: u8 = 0;
const NEIGHBOUR: u8 = SHARDS;
const OTHER: u8 = 1;
const LAST: u8 = SHARDS - 1;
/// In shard 0 too, without a value.
const ABSENT: u8 = 2 * SHARDS;

/// A call by another thread: its beginning and its end.
struct Beside {
    ended: Receiver<()>,
}

impl Beside {
    fn begin<M: Send + Sync + 'static>(map: &Arc<M>, call: fn(&M)) -> Self {
        let map = Arc::clone(map);
        let (begins, begun) = channel();
        let (ends, ended) = channel();
        thread::spawn(move || {
            begins.send(()).expect("the test waits for the beginning");
            call(&map);
            // The receiver is gone where the claim has failed.
            let _ = ends.send(());
        });
        begun.recv_timeout(FOREVER).expect("a thread begins");
        Beside { ended }
    }

    fn waits(&self) -> bool {
        self.ended.recv_timeout(LONG_ENOUGH).is_err()
    }

    fn returns(&self) -> bool {
        self.ended.recv_timeout(FOREVER).is_ok()
    }
}

/// A map of either kind with three keys that have values.
macro_rules! filled {
    ($map:expr) => {{
        let map = Arc::new($map);
        for key in [KEY, NEIGHBOUR, OTHER, LAST] {
            map.insert(key, 0);
        }
        map
    }};
}

/// Checks which calls pass and which wait while guards are held; and then, while those wait.
macro_rules! check {
    (
        while |$map:ident| $held:block,
        $(passes: [$($passing:expr),* $(,)?],)?
        $(waits: [$($waiting:expr),* $(,)?],)?
        $(then passes: [$($then_passing:expr),* $(,)?],)?
        $(then waits: [$($then_waiting:expr),* $(,)?],)?
    ) => {{
        check!(Real, real(SHARDS), |$map| $held, [$($($passing),*)?] [$($($waiting),*)?]
            [$($($then_passing),*)?] [$($($then_waiting),*)?]);
        check!(Model, model(SHARDS), |$map| $held, [$($($passing),*)?] [$($($waiting),*)?]
            [$($($then_passing),*)?] [$($($then_waiting),*)?]);
    }};
    ($kind:ident, $empty:expr, |$map:ident| $held:block, [$($passing:expr),*] [$($waiting:expr),*]
        [$($then_passing:expr),*] [$($then_waiting:expr),*]) => {{
        let filled: Arc<$kind> = filled!($empty);
        let $map = &*filled;
        let held = $held;
        let passes = |call, beside: &Beside| {
            assert!(beside.returns(), "{}: passes: {call}", stringify!($kind));
        };
        let waits = |call, beside: &Beside| {
            assert!(beside.waits(), "{}: waits: {call}", stringify!($kind));
        };
        $(passes(stringify!($passing), &Beside::begin(&filled, $passing));)*
        let waiting: Vec<(&str, Beside)> =
            vec![$((stringify!($waiting), Beside::begin(&filled, $waiting))),*];
        for (call, beside) in &waiting {
            waits(call, beside);
        }
        $(passes(stringify!($then_passing), &Beside::begin(&filled, $then_passing));)*
        let then_waiting: Vec<(&str, Beside)> =
            vec![$((stringify!($then_waiting), Beside::begin(&filled, $then_waiting))),*];
        for (call, beside) in &then_waiting {
            waits(call, beside);
        }
        drop(held);
        for (call, beside) in waiting.iter().chain(&then_waiting) {
            assert!(beside.returns(), "{}: returns: {call}", stringify!($kind));
        }
    }};
}

#[test]
fn a_read_lets_reads_of_its_shard_pass_and_no_write() {
    check!(
        while |map| { map.get(&KEY) },
        passes: [
            |map| drop(map.get(&KEY)),
            |map| drop(map.get(&NEIGHBOUR)),
            |map| assert!(map.contains_key(&KEY)),
            |map| assert_eq!(map.len(), 4),
            |map| assert_eq!(map.iter().count(), 4),
            |map| *map.get_mut(&OTHER).expect("it has a value") += 1,
            |map| { map.insert(OTHER, 1); },
        ],
        waits: [
            |map| drop(map.get_mut(&KEY)),
            |map| drop(map.get_mut(&NEIGHBOUR)),
            |map| drop(map.get_mut(&ABSENT)),
            |map| { map.insert(NEIGHBOUR, 1); },
            |map| { map.remove(&ABSENT); },
            |map| drop(map.entry(ABSENT)),
            |map| map.alter(&NEIGHBOUR, |_, value| value),
            |map| map.retain(|_, _| true),
        ],
    );
}

#[test]
fn a_write_lets_nothing_of_its_shard_pass() {
    check!(
        while |map| { map.get_mut(&KEY) },
        passes: [
            |map| drop(map.get(&OTHER)),
            |map| drop(map.get_mut(&OTHER)),
            |map| drop(map.entry(OTHER).or_default()),
        ],
        waits: [
            |map| drop(map.get(&KEY)),
            |map| drop(map.get(&NEIGHBOUR)),
            |map| drop(map.get_mut(&NEIGHBOUR)),
            |map| assert!(map.contains_key(&NEIGHBOUR)),
            |map| assert_ne!(map.len(), 0),
            |map| assert!(!map.is_empty()),
            |map| assert!(map.iter().count() > 0),
            |map| { map.insert(ABSENT, 1); },
            |map| drop(map.entry(NEIGHBOUR)),
        ],
    );
}

#[test]
fn an_entry_holds_its_shard_whether_it_has_a_value_or_not() {
    check!(
        while |map| { map.entry(ABSENT) },
        passes: [|map| drop(map.get_mut(&OTHER))],
        waits: [|map| drop(map.get(&KEY)), |map| { map.insert(NEIGHBOUR, 1); }],
    );
    check!(
        while |map| { map.entry(KEY).and_modify(|value| *value += 1).or_default() },
        passes: [|map| drop(map.get_mut(&OTHER))],
        waits: [|map| drop(map.get(&NEIGHBOUR))],
    );
}

#[test]
fn what_is_not_found_holds_nothing() {
    check!(
        while |map| { (map.get(&ABSENT), map.get_mut(&ABSENT)) },
        passes: [|map| drop(map.get_mut(&KEY))],
    );
}

#[test]
fn an_item_holds_its_shard_after_its_iterator_is_gone() {
    check!(
        while |map| { map.iter().next() },
        passes: [|map| drop(map.get(&KEY)), |map| drop(map.get_mut(&OTHER))],
        waits: [|map| drop(map.get_mut(&KEY)), |map| drop(map.get_mut(&NEIGHBOUR))],
    );
}

#[test]
fn an_item_holds_its_shard_after_its_iterator_went_on() {
    check!(
        while |map| {
            let mut items = map.iter();
            let first = items.next();
            while items.next().is_some_and(|item| *item.key() != LAST) {}
            first
        },
        passes: [|map| drop(map.get_mut(&OTHER))],
        waits: [|map| drop(map.get_mut(&KEY))],
    );
}

#[test]
fn an_iterator_holds_the_shard_that_it_is_in_and_no_other() {
    check!(
        while |map| {
            let mut items = map.iter();
            while items.next().is_some_and(|item| *item.key() != OTHER) {}
            items
        },
        passes: [|map| drop(map.get_mut(&KEY)), |map| drop(map.get_mut(&LAST))],
        waits: [|map| drop(map.get_mut(&OTHER))],
    );
}

#[test]
fn an_iterator_without_items_left_holds_the_last_shard() {
    check!(
        while |map| {
            let mut items = map.iter();
            while items.next().is_some() {}
            items
        },
        passes: [|map| drop(map.get_mut(&OTHER))],
        waits: [|map| drop(map.get_mut(&LAST))],
    );
}

/// The iterator waits for a shard that is being written, and still holds the one before.
#[test]
fn iteration_takes_the_next_shard_before_it_lets_go_of_the_last() {
    static HAS_THE_FIRST: Barrier = Barrier::new(2);
    check!(
        while |map| { map.get_mut(&OTHER) },
        waits: [|map| {
            let mut items = map.iter();
            assert!(items.next().is_some());
            HAS_THE_FIRST.wait();
            assert_eq!(items.count(), 3);
        }],
        then passes: [
            |_| { HAS_THE_FIRST.wait(); },
            |map| drop(map.get_mut(&LAST)),
            |map| drop(map.get(&KEY)),
        ],
        then waits: [|map| drop(map.get_mut(&KEY))],
    );
}

/// These have one shard after the other, and hold none while they wait for the next.
#[test]
fn len_and_retain_hold_one_shard_at_a_time() {
    check!(
        while |map| { map.get_mut(&OTHER) },
        waits: [|map| assert_eq!(map.len(), 4), |map| map.retain(|_, _| true)],
        then passes: [|map| drop(map.get_mut(&KEY)), |map| drop(map.get_mut(&LAST))],
    );
}

#[test]
fn a_read_passes_a_writer_that_waits() {
    check!(
        while |map| { map.get(&KEY) },
        waits: [|map| drop(map.get_mut(&KEY))],
        then passes: [|map| drop(map.get(&KEY)), |map| assert_eq!(map.iter().count(), 4)],
    );
}

/// Calls that wait for their own thread: the real map hangs, the model says so and where.
macro_rules! hangs {
    ($($call:expr),* $(,)?) => {$(
        // Its thread is left behind.
        let hanging = Beside::begin::<Real>(&filled!(real(SHARDS)), $call);
        assert!(hanging.waits(), "Real: hangs: {}", stringify!($call));
        let told = panic_of(&filled!(model(SHARDS)), $call);
        assert!(told.starts_with("self-deadlock: shard 0 "), "{told}");
        assert_eq!(told.matches(file!()).count(), 2, "{told}");
    )*};
}

fn panic_of(map: &Arc<Model>, call: fn(&Model)) -> String {
    let panicked = catch_unwind(AssertUnwindSafe(|| call(map))).expect_err("a deadlock is told");
    *panicked
        .downcast::<String>()
        .expect("a deadlock is told in words")
}

#[test]
fn a_thread_that_waits_for_itself_is_told() {
    hangs![
        |map| {
            let _held = map.get(&KEY);
            drop(map.get_mut(&KEY));
        },
        |map| {
            let _held = map.get_mut(&KEY);
            drop(map.get(&NEIGHBOUR));
        },
        |map| {
            let _held = map.get_mut(&KEY);
            drop(map.get_mut(&NEIGHBOUR));
        },
        |map| {
            let _held = map.entry(ABSENT);
            assert!(map.contains_key(&KEY));
        },
        |map| {
            let _held = map.get_mut(&KEY);
            assert_eq!(map.len(), 4);
        },
        |map| {
            let _held = map.iter().next();
            map.insert(NEIGHBOUR, 1);
        },
        |map| map.retain(|key, _| map.contains_key(key)),
        |map| map.alter(&KEY, |key, _| *map.get(key).expect("it has a value")),
        |map| {
            let _held = map.get(&KEY);
            map.retain(|_, _| true);
        },
    ];
}

/// As unwinding does in the real map.
#[test]
fn a_panic_lets_go_of_what_its_thread_held() {
    let map = filled!(model(SHARDS));
    panic_of(&map, |map| {
        let mut value = map.get_mut(&KEY).expect("it has a value");
        *value = 7;
        drop(map.get(&KEY));
    });
    assert_eq!(map.get(&KEY).as_deref(), Some(&7));
}

/// In the other thread or in this one, whichever comes second.
#[test]
fn threads_that_wait_for_each_other_are_told() {
    let map = filled!(model(SHARDS));
    let both_hold = Arc::new(Barrier::new(2));
    let threads = [(KEY, OTHER), (OTHER, KEY)].map(|(first, second)| {
        let (map, both_hold) = (Arc::clone(&map), Arc::clone(&both_hold));
        thread::spawn(move || {
            let _held = map.get_mut(&first);
            both_hold.wait();
            drop(map.get_mut(&second));
        })
    });
    let told: Vec<String> = threads
        .into_iter()
        .filter_map(|thread| thread.join().err())
        .map(|panicked| {
            *panicked
                .downcast::<String>()
                .expect("a deadlock is told in words")
        })
        .collect();
    let [told] = &told[..] else {
        panic!("one thread is told, the other goes on: {told:?}");
    };
    assert!(told.starts_with("lock cycle: shard "), "{told}");
    assert_eq!(told.matches(file!()).count(), 4, "{told}");
}

//! Counters of the threads and shards that a scenario uses, for the table of interleavings. A checker
//! runs all threads of a scenario on one thread of the system.

use std::cell::Cell;

thread_local! {
    static THREADS: Cell<usize> = const { Cell::new(0) };
    static SHARDS: Cell<u8> = const { Cell::new(0) };
}

/// Resets the counters to the one thread that runs the scenario.
pub(crate) fn begin() {
    THREADS.set(1);
    SHARDS.set(0);
}

pub(crate) fn thread() {
    THREADS.set(THREADS.get() + 1);
}

pub(crate) fn shards(shards: u8) {
    SHARDS.set(SHARDS.get().max(shards));
}

/// Threads and shards that were used since [`begin`], as text.
pub(crate) fn used() -> String {
    let threads = THREADS.get();
    match SHARDS.get() {
        0 => format!("{threads} threads"),
        shards => format!("{threads} threads, {shards} shards"),
    }
}

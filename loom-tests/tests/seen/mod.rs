//! What a scenario was seen to use, for the table of what was explored. A checker runs all threads of
//! a scenario on one thread of the system.

use std::cell::Cell;

thread_local! {
    static THREADS: Cell<usize> = const { Cell::new(0) };
    static SHARDS: Cell<u8> = const { Cell::new(0) };
}

/// Forgets what an earlier run of the scenario used, but for the thread that runs it.
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

/// Since [`begin`].
pub(crate) fn used() -> String {
    let threads = THREADS.get();
    match SHARDS.get() {
        0 => format!("{threads} threads"),
        shards => format!("{threads} threads, {shards} shards"),
    }
}

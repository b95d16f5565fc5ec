//! Ledgers, queues and counters that are wrong in one known way, each beside the right one.

use std::mem::ManuallyDrop;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::{AtomicUsize, Mutex, RwLock, expect_found, explore, thread};

/// A ledger of one balance, kept for every height; each block adds one.
struct Ledger {
    permit: Mutex<()>,
    storage: RwLock<Vec<u64>>,
}

impl Ledger {
    fn of_one_block() -> Arc<Self> {
        Arc::new(Ledger {
            permit: Mutex::new(()),
            storage: RwLock::new(vec![0, 1]),
        })
    }

    /// Reads, executes without the lock, and writes.
    fn add_block(&self) {
        let _permit = self.permit.lock().expect("no thread panics");
        let before = self
            .storage
            .read()
            .expect("no thread panics")
            .last()
            .copied();
        let after = before.expect("the genesis is never undone") + 1;
        self.storage.write().expect("no thread panics").push(after);
    }

    fn rewind(&self) {
        self.storage.write().expect("no thread panics").truncate(1);
    }

    fn rewind_with_permit(&self) {
        let _permit = self.permit.lock().expect("no thread panics");
        self.rewind();
    }
}

const BLOCK_BY_BLOCK: &str = "each block adds one";

fn rewind_beside_a_block(rewind: fn(&Ledger)) {
    let ledger = Ledger::of_one_block();
    let rewinder = {
        let ledger = Arc::clone(&ledger);
        thread::spawn(move || rewind(&ledger))
    };
    ledger.add_block();
    rewinder.join().expect("no call panics");
    let owned = ledger.storage.read().expect("no thread panics").clone();
    let own: Vec<u64> = (0..).take(owned.len()).collect();
    assert!(owned == own, "{BLOCK_BY_BLOCK}: {owned:?}");
}

#[test]
fn an_open_window_is_found() {
    expect_found("an_open_window", BLOCK_BY_BLOCK, || {
        rewind_beside_a_block(Ledger::rewind);
    });
}

#[test]
fn a_window_that_the_permit_closes_lets_no_writer_in() {
    explore("a_window_that_the_permit_closes_lets_no_writer_in", || {
        rewind_beside_a_block(Ledger::rewind_with_permit);
    });
}

/// Waits for a lock for reading under its own lock for writing.
#[test]
fn a_read_under_ones_own_write_is_found() {
    expect_found("a_read_under_ones_own_write", "deadlock", || {
        let storage = RwLock::new(0);
        // A guard that unwinding drops enters an execution that is over.
        let mut written = ManuallyDrop::new(storage.write().expect("no thread panics"));
        **written = *storage.read().expect("no thread panics");
    });
}

/// One transaction that must be validated, and is executed again where that fails, as it does here.
struct Validation {
    /// The first transaction that no worker has taken.
    next: AtomicUsize,
    /// Number of transactions that are finished.
    finished: AtomicUsize,
    result: Mutex<&'static str>,
}

const RIGHT: &str = "what is merged was executed again";

impl Validation {
    fn work(&self) {
        if self.next.fetch_add(1, Ordering::SeqCst) == 0 {
            *self.result.lock().expect("no thread panics") = RIGHT;
            self.finished.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Everything is taken; that it is finished does not follow.
    fn is_done_when_taken(&self) -> bool {
        self.next.load(Ordering::SeqCst) > 0
    }

    fn is_done_when_finished(&self) -> bool {
        self.finished.load(Ordering::SeqCst) > 0
    }
}

fn merge_when_done(is_done: fn(&Validation) -> bool) {
    let validation = Arc::new(Validation {
        next: AtomicUsize::new(0),
        finished: AtomicUsize::new(0),
        result: Mutex::new("not so"),
    });
    let worker = {
        let validation = Arc::clone(&validation);
        thread::spawn(move || validation.work())
    };
    if is_done(&validation) {
        let merged = *validation.result.lock().expect("no thread panics");
        assert!(merged == RIGHT, "{RIGHT}: {merged}");
    }
    worker.join().expect("no call panics");
}

#[test]
fn a_done_flag_that_is_latched_early_is_found() {
    expect_found("a_done_flag_latched_early", RIGHT, || {
        merge_when_done(Validation::is_done_when_taken);
    });
}

#[test]
fn done_is_what_is_finished() {
    explore("done_is_what_is_finished", || {
        merge_when_done(Validation::is_done_when_finished);
    });
}

/// A lock of real primitives would pass everything above and show nothing, as for the body cache.
#[test]
fn a_lock_is_the_checkers() {
    let outside = catch_unwind(|| *RwLock::new(0).read().expect("no thread panics"));
    assert!(
        outside.is_err(),
        "a lock of {outside:?} is none of the checker's"
    );
}

//! Racy snippets: code with one known race each. A checker that does not find it explores nothing.

mod conflict;
mod ledger;
mod map;

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::{AtomicU64, Mutex, expect_found, thread};

/// Looks whether there is room in one critical section, and takes it in another.
#[derive(Default)]
struct TwoStepCache {
    kept: Mutex<Vec<u64>>,
}

impl TwoStepCache {
    const ENTRIES: usize = 1;

    fn remember(&self, body: u64) {
        let has_room = self.kept.lock().expect("no thread panics").len() < Self::ENTRIES;
        if has_room {
            self.kept.lock().expect("no thread panics").push(body);
        }
    }
}

#[test]
fn a_check_apart_from_its_insert_is_found() {
    let message = "the bound holds";
    expect_found("a_check_apart_from_its_insert", message, move || {
        let cache = Arc::new(TwoStepCache::default());
        let other = Arc::clone(&cache);
        let thread = thread::spawn(move || other.remember(1));
        cache.remember(2);
        thread.join().expect("no thread panics");
        let entries = cache.kept.lock().expect("no thread panics").len();
        assert!(entries <= TwoStepCache::ENTRIES, "{message}: {entries}");
    });
}

#[test]
fn a_load_apart_from_its_store_is_found() {
    let message = "both additions count";
    expect_found("a_load_apart_from_its_store", message, move || {
        let counter = Arc::new(AtomicU64::new(0));
        let other = Arc::clone(&counter);
        let thread = thread::spawn(move || add_one(&other));
        add_one(&counter);
        thread.join().expect("no thread panics");
        let count = counter.load(Ordering::SeqCst);
        assert!(count == 2, "{message}: {count}");
    });
}

fn add_one(counter: &AtomicU64) {
    let count = counter.load(Ordering::SeqCst);
    counter.store(count + 1, Ordering::SeqCst);
}

/// Message with which a racy snippet panicked: a deadline or a deadlock is not what it was to show.
pub(crate) fn message(panicked: &(dyn Any + Send)) -> &str {
    panicked
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panicked.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message")
}

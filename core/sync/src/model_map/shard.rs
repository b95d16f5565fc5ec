//! A shard: a reader-writer lock around a table.
//!
//! It is built of a mutex and a condition, because loom's own reader-writer lock is corrupted by
//! two reads of one thread.

use std::borrow::Borrow;

use super::CallSite;
use super::deadlock_detector::{DeadlockDetector, HoldId};
use super::sync::{Arc, Condvar, Mutex, MutexGuard, execution_has_panicked};

/// Pairs in the order in which they were inserted.
pub(super) type Table<K, V> = Vec<(K, V)>;

pub(super) fn position<K, V, Q>(table: &Table<K, V>, key: &Q) -> Option<usize>
where
    K: Borrow<Q>,
    Q: Eq + ?Sized,
{
    table.iter().position(|(other, _)| other.borrow() == key)
}

pub(super) struct Shard<K, V> {
    number: usize,
    detector: Arc<DeadlockDetector>,
    state: Mutex<ShardState<K, V>>,
    released: Condvar,
}

struct ShardState<K, V> {
    /// `None` while a writer has it.
    table: Option<Arc<Table<K, V>>>,
    readers: usize,
    waiting: usize,
}

/// A shard that is held for reading.
pub(super) struct Reading<'m, K, V> {
    // Dropped before the shard is released: the next writer takes the table for itself.
    pub(super) table: Arc<Table<K, V>>,
    _reader: Reader<'m, K, V>,
}

struct Reader<'m, K, V> {
    shard: &'m Shard<K, V>,
    hold: HoldId,
}

/// A shard that is held for writing.
pub(super) struct Writing<'m, K, V> {
    pub(super) table: Table<K, V>,
    shard: &'m Shard<K, V>,
    hold: HoldId,
}

impl<K, V> Shard<K, V> {
    pub(super) fn new(number: usize, detector: Arc<DeadlockDetector>) -> Self {
        Shard {
            number,
            detector,
            state: Mutex::new(ShardState {
                table: Some(Arc::default()),
                readers: 0,
                waiting: 0,
            }),
            released: Condvar::new(),
        }
    }

    pub(super) fn read(&self, at: CallSite) -> Reading<'_, K, V> {
        let (mut state, table) = self.acquire(at, ShardState::share);
        state.readers += 1;
        let hold = self.detector.add_hold(self.number, at);
        Reading {
            table,
            _reader: Reader { shard: self, hold },
        }
    }

    pub(super) fn write(&self, at: CallSite) -> Writing<'_, K, V> {
        let (_state, table) = self.acquire(at, ShardState::take);
        Writing {
            table,
            shard: self,
            hold: self.detector.add_hold(self.number, at),
        }
    }

    /// Reads in one step: `then` calls no code that could look at the shard meanwhile.
    pub(super) fn read_briefly<T>(&self, at: CallSite, then: impl FnOnce(&Table<K, V>) -> T) -> T {
        let (state, table) = self.acquire(at, ShardState::share);
        let result = then(&table);
        drop(table);
        drop(state);
        result
    }

    /// Writes in one step, as [`Shard::read_briefly`] reads.
    pub(super) fn write_briefly<T>(
        &self,
        at: CallSite,
        then: impl FnOnce(&mut Table<K, V>) -> T,
    ) -> T {
        let (mut state, mut table) = self.acquire(at, ShardState::take);
        let result = then(&mut table);
        state.put_back(table);
        result
    }

    /// Waits until an attempt succeeds.
    fn acquire<T>(
        &self,
        at: CallSite,
        attempt: impl Fn(&mut ShardState<K, V>) -> Option<T>,
    ) -> (MutexGuard<'_, ShardState<K, V>>, T) {
        let mut state = self.state.lock_at(at);
        if let Some(got) = attempt(&mut state) {
            return (state, got);
        }
        if let Some(deadlock) = self.detector.add_wait(self.number, at) {
            drop(state);
            panic!("{deadlock}");
        }
        state.waiting += 1;
        loop {
            state = self.released.wait(state);
            if let Some(got) = attempt(&mut state) {
                state.waiting -= 1;
                self.detector.remove_wait();
                return (state, got);
            }
        }
    }

    fn release(&self, hold: HoldId, give_back: impl FnOnce(&mut ShardState<K, V>)) {
        if execution_has_panicked() {
            return;
        }
        let mut state = self.state.lock();
        give_back(&mut state);
        self.detector.remove_hold(hold);
        if state.waiting > 0 && state.readers == 0 {
            self.released.notify_all();
        }
    }
}

impl<K, V> ShardState<K, V> {
    fn share(&mut self) -> Option<Arc<Table<K, V>>> {
        self.table.clone()
    }

    fn take(&mut self) -> Option<Table<K, V>> {
        if self.readers > 0 {
            return None;
        }
        let table = Arc::into_inner(self.table.take()?);
        Some(table.expect("a table without readers is not shared"))
    }

    fn put_back(&mut self, table: Table<K, V>) {
        self.table = Some(Arc::new(table));
    }
}

impl<K, V> Drop for Reader<'_, K, V> {
    fn drop(&mut self) {
        self.shard.release(self.hold, |state| state.readers -= 1);
    }
}

impl<K, V> Drop for Writing<'_, K, V> {
    fn drop(&mut self) {
        let table = std::mem::take(&mut self.table);
        self.shard.release(self.hold, |state| state.put_back(table));
    }
}

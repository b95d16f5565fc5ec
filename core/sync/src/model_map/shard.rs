//! A shard: a reader-writer lock around a table.
//!
//! It is built of a mutex and a condition, because loom's own reader-writer lock is corrupted by
//! two reads of one thread.

use std::borrow::Borrow;

use super::Place;
use super::sync::{Arc, Condvar, Mutex, MutexGuard, execution_has_panicked};
use super::watch::{Holding, Watch};

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
    watch: Arc<Watch>,
    state: Mutex<State<K, V>>,
    released: Condvar,
}

struct State<K, V> {
    /// Away while a writer has it.
    table: Option<Arc<Table<K, V>>>,
    readers: usize,
    waiting: usize,
}

/// A shard that is held for reading.
pub(super) struct Reading<'m, K, V> {
    // Dropped before the shard is let go of: the next writer takes the table for itself.
    pub(super) table: Arc<Table<K, V>>,
    _reader: Reader<'m, K, V>,
}

struct Reader<'m, K, V> {
    shard: &'m Shard<K, V>,
    holding: Holding,
}

/// A shard that is held for writing.
pub(super) struct Writing<'m, K, V> {
    pub(super) table: Table<K, V>,
    shard: &'m Shard<K, V>,
    holding: Holding,
}

impl<K, V> Shard<K, V> {
    pub(super) fn new(number: usize, watch: Arc<Watch>) -> Self {
        Shard {
            number,
            watch,
            state: Mutex::new(State {
                table: Some(Arc::default()),
                readers: 0,
                waiting: 0,
            }),
            released: Condvar::new(),
        }
    }

    pub(super) fn read(&self, at: Place) -> Reading<'_, K, V> {
        let (mut state, table) = self.acquire(at, State::share);
        state.readers += 1;
        let holding = self.watch.holds(self.number, at);
        Reading {
            table,
            _reader: Reader {
                shard: self,
                holding,
            },
        }
    }

    pub(super) fn write(&self, at: Place) -> Writing<'_, K, V> {
        let (_state, table) = self.acquire(at, State::take);
        Writing {
            table,
            shard: self,
            holding: self.watch.holds(self.number, at),
        }
    }

    /// Reads in one step: `then` calls nothing that could look at the shard meanwhile.
    pub(super) fn read_briefly<T>(&self, at: Place, then: impl FnOnce(&Table<K, V>) -> T) -> T {
        let (state, table) = self.acquire(at, State::share);
        let result = then(&table);
        drop(table);
        drop(state);
        result
    }

    /// As [`Shard::read_briefly`].
    pub(super) fn write_briefly<T>(
        &self,
        at: Place,
        then: impl FnOnce(&mut Table<K, V>) -> T,
    ) -> T {
        let (mut state, mut table) = self.acquire(at, State::take);
        let result = then(&mut table);
        state.put_back(table);
        result
    }

    /// Waits until an attempt succeeds.
    fn acquire<T>(
        &self,
        at: Place,
        attempt: impl Fn(&mut State<K, V>) -> Option<T>,
    ) -> (MutexGuard<'_, State<K, V>>, T) {
        let mut state = self.state.lock_at(at);
        if let Some(got) = attempt(&mut state) {
            return (state, got);
        }
        if let Some(deadlock) = self.watch.waits(self.number, at) {
            drop(state);
            panic!("{deadlock}");
        }
        state.waiting += 1;
        loop {
            state = self.released.wait(state);
            if let Some(got) = attempt(&mut state) {
                state.waiting -= 1;
                self.watch.waits_no_more();
                return (state, got);
            }
        }
    }

    fn let_go(&self, holding: Holding, give_back: impl FnOnce(&mut State<K, V>)) {
        if execution_has_panicked() {
            return;
        }
        let mut state = self.state.lock();
        give_back(&mut state);
        self.watch.lets_go(holding);
        if state.waiting > 0 && state.readers == 0 {
            self.released.notify_all();
        }
    }
}

impl<K, V> State<K, V> {
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
        self.shard.let_go(self.holding, |state| state.readers -= 1);
    }
}

impl<K, V> Drop for Writing<'_, K, V> {
    fn drop(&mut self) {
        let table = std::mem::take(&mut self.table);
        self.shard
            .let_go(self.holding, |state| state.put_back(table));
    }
}

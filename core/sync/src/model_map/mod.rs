//! A concurrent map that a checker can see into: the shape of dashmap 6.2.1, over the primitives of
//! the module that mounts it.
//!
//! A real dashmap inside a model never yields: a lost update passes in its one interleaving. This
//! one has what can be seen of the real one from outside: shards, each a reader-writer lock around
//! a table; guards that hold the lock of their shard; readers that are refused only while a writer
//! holds, also where a writer waits; iteration that takes the next shard before it lets go of the
//! last, and keeps the last of all until it is dropped; `retain` and `len` that take one shard
//! after the other. A key goes to the same shard as in the real map with the same hasher and number
//! of shards. `loom-tests/tests/model_map` holds the two against each other, over real threads.
//!
//! # Where it differs
//!
//! - **A deadlock is a panic** where the real map hangs: `self-deadlock: ..` or `lock cycle: ..`,
//!   with the places where each shard is taken and since when it is held. It sees the guards of one
//!   map, and counts a guard that was sent to another thread as its taker's. Cycles through other
//!   locks, or through two maps, are left to the checker.
//! - **After a panic a shard stays as it is** under a checker: guards that unwinding drops are not
//!   released, because the execution is over and the checker must not be entered again. Over real
//!   primitives they are.
//! - **Shards are four** where no number is given, whatever the machine; the capacity is ignored.
//! - **A table keeps the order of insertion**, where the real one has that of hashes. No result may
//!   depend on either.
//! - **A call that calls nothing back is one step**: `insert`, `remove`, `contains_key`, `len` and `is_empty`
//!   hold a shard for one critical section of the lock inside it. Whatever else wants the shard
//!   comes before or after, as it does in the real map; the checker has fewer interleavings to run.
//! - **Who waits is woken in no order**, and is overtaken; the real map parks and is overtaken too,
//!   but its queues are not modelled, nor are the memory orderings inside its lock: what a checker
//!   shows is true of this model, and of the real map as far as the two agree.
//! - **Only what core calls is there.** `try_` methods, `iter_mut`, `remove_if`, `view`, the two
//!   variants of an entry and the default hasher are not.
//!
//! Without `unsafe` a guard cannot point into a table behind a lock. So a writer carries the table
//! away and brings it back, and readers share it by a counter.

mod deadlock_detector;
mod entry;
mod guard;
mod iter;
mod shard;

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, Hasher};
use std::panic::Location;

pub use entry::Entry;
pub use guard::{Ref, RefMulti, RefMut};
pub use iter::Iter;

use super::sync::{self, Arc};
use deadlock_detector::DeadlockDetector;
use shard::Shard;

/// The place at which a shard was taken.
type CallSite = &'static Location<'static>;

/// Shards of a map for which no number is chosen. Two have no torn iteration; four show what more do.
const SHARDS: usize = 4;

/// The model of a dashmap.
pub struct DashMap<K, V, S> {
    shards: Box<[Shard<K, V>]>,
    hasher: S,
}

impl<K: Eq + Hash, V, S: BuildHasher> DashMap<K, V, S> {
    /// An empty map of four shards. The capacity is ignored.
    #[must_use]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        Self::with_capacity_and_hasher_and_shard_amount(capacity, hasher, SHARDS)
    }

    /// An empty map.
    ///
    /// # Panics
    ///
    /// As the real one: the number of shards is a power of two, and more than one.
    #[must_use]
    pub fn with_hasher_and_shard_amount(hasher: S, shards: usize) -> Self {
        Self::with_capacity_and_hasher_and_shard_amount(0, hasher, shards)
    }

    /// An empty map. The capacity is ignored.
    ///
    /// # Panics
    ///
    /// As [`DashMap::with_hasher_and_shard_amount`].
    #[must_use]
    pub fn with_capacity_and_hasher_and_shard_amount(_: usize, hasher: S, shards: usize) -> Self {
        assert!(
            shards > 1 && shards.is_power_of_two(),
            "a map has 2, 4, 8 .. shards, not {shards}"
        );
        let detector = Arc::new(DeadlockDetector::new());
        let shards = (0..shards)
            .map(|number| Shard::new(number, Arc::clone(&detector)))
            .collect();
        DashMap { shards, hasher }
    }

    /// The value of a key, while its shard is held for reading.
    #[track_caller]
    pub fn get<Q>(&self, key: &Q) -> Option<Ref<'_, K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Ref::find(self.shard(key).read(Location::caller()), key)
    }

    /// The value of a key, while its shard is held for writing.
    #[track_caller]
    pub fn get_mut<Q>(&self, key: &Q) -> Option<RefMut<'_, K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        RefMut::find(self.shard(key).write(Location::caller()), key)
    }

    /// The place of a key, while its shard is held for writing.
    #[track_caller]
    pub fn entry(&self, key: K) -> Entry<'_, K, V> {
        let writing = self.shard(&key).write(Location::caller());
        Entry::new(writing, key)
    }

    /// Puts a value; gives the one before.
    #[track_caller]
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        self.shard(&key).write_briefly(Location::caller(), |table| {
            match table.iter_mut().find(|(other, _)| *other == key) {
                Some((_, before)) => Some(std::mem::replace(before, value)),
                None => {
                    table.push((key, value));
                    None
                }
            }
        })
    }

    /// Takes a key and its value out.
    #[track_caller]
    pub fn remove<Q>(&self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shard(key).write_briefly(Location::caller(), |table| {
            let at = shard::position(table, key)?;
            Some(table.remove(at))
        })
    }

    /// Returns whether a key has a value.
    #[track_caller]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shard(key).read_briefly(Location::caller(), |table| {
            shard::position(table, key).is_some()
        })
    }

    /// Replaces the value of a key by what is made of it, while its shard is held for writing.
    #[track_caller]
    pub fn alter<Q>(&self, key: &Q, then: impl FnOnce(&K, V) -> V)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut writing = self.shard(key).write(Location::caller());
        if let Some(at) = shard::position(&writing.table, key) {
            let (key, value) = writing.table.remove(at);
            let value = then(&key, value);
            writing.table.insert(at, (key, value));
        }
    }

    /// Drops what is not to be kept, shard after shard, each held for writing meanwhile.
    #[track_caller]
    pub fn retain(&self, mut keeps: impl FnMut(&K, &mut V) -> bool) {
        let at = Location::caller();
        for shard in &self.shards {
            let mut writing = shard.write(at);
            writing.table.retain_mut(|(key, value)| keeps(key, value));
        }
    }

    /// All pairs, shard after shard. The shard of what was given out last is held for reading, and
    /// let go of when the next one is held; an item holds its own.
    #[track_caller]
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter::new(&self.shards, Location::caller())
    }

    /// The number of pairs, counted shard after shard: perhaps a number that there never was.
    #[track_caller]
    pub fn len(&self) -> usize {
        let at = Location::caller();
        self.shards
            .iter()
            .map(|shard| shard.read_briefly(at, Vec::len))
            .sum()
    }

    /// Returns whether [`len`](DashMap::len) is zero.
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As the real one: without its highest seven bits, a hash begins with the number of its shard.
    #[allow(
        clippy::manual_hash_one,
        reason = "the real one calls these, and a hasher may answer otherwise in one call"
    )]
    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &Shard<K, V> {
        let mut hasher = self.hasher.build_hasher();
        key.hash(&mut hasher);
        let bits = self.shards.len().trailing_zeros();
        let number = (hasher.finish() << 7) >> (u64::BITS - bits);
        &self.shards[usize::try_from(number).expect("a number of a few bits fits")]
    }
}

impl<K, V, S> IntoIterator for DashMap<K, V, S> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    #[track_caller]
    fn into_iter(self) -> Self::IntoIter {
        let at = Location::caller();
        let pairs: Vec<(K, V)> = self
            .shards
            .iter()
            .flat_map(|shard| shard.write_briefly(at, std::mem::take))
            .collect();
        pairs.into_iter()
    }
}

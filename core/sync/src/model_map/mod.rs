//! A concurrent map that a checker can see into: a model of dashmap 6.2.1, over the primitives of the
//! module that mounts it.
//!
//! Loom and shuttle switch threads only at primitives of their own. A real dashmap inside a model has
//! none, so that a lost update passes in its one interleaving. This map behaves as the real one
//! does from outside, over primitives that the checker knows.
//!
//! # The algorithm
//!
//! The number of shards is a power of two; the number of a key's shard is the first bits of its hash
//! behind the highest seven, as in the real map with the same hasher and number of shards. A shard is
//! a reader-writer lock around a table, made of a mutex and a condition variable (`shard`): readers
//! are refused only while a writer holds it, also if a writer waits. A guard holds its shard until it
//! is dropped: without `unsafe` it cannot point into a table behind a lock, so a writer carries the
//! table away and brings it back, and readers share it by a counter. Iteration takes the next shard
//! before it releases the last, and keeps the last of all until it is dropped; `retain` and `len`
//! take one shard after the other.
//!
//! A thread that must wait first searches the registry of holds and waits (`deadlock_detector`): a
//! cycle of them is a deadlock, which is reported before the checker meets it.
//!
//! # Correctness
//!
//! A table is either shared by readers or owned by one writer, and changes hands under the mutex. A
//! thread that waits for a shard needs all of its holders to release it, so each cycle in the wait-for
//! graph is a deadlock (Coffman, Elphick and Shoshani, 1971), and the last wait of a cycle closes it.
//! The agreement with dashmap is tested, not proved: `loom-tests/tests/model_map` runs both side by
//! side, over real threads.
//!
//! # Cost
//!
//! A lookup walks the table of its shard, and a wait walks the registry: the map is for models of a few
//! keys and threads. A call is one critical section of a shard's mutex, and the release of a guard
//! another; a call that looks at all shards has one for each.
//!
//! # Differences from dashmap, and limits
//!
//! - **A deadlock is a panic** where the real map hangs: `self-deadlock: ..` or `lock cycle: ..`,
//!   with the places at which each shard is taken and since which it is held. The detector sees the
//!   guards of one map, and counts a guard that was sent to another thread as its taker's. Cycles
//!   through other locks, or through two maps, are left to the checker.
//! - **After a panic a shard stays as it is** under a checker: guards that unwinding drops are not
//!   released, because the execution is over and the checker must not be entered again. Over real
//!   primitives they are.
//! - **Shards are four** if no number is given, whatever the machine; the capacity is ignored.
//! - **A table keeps the order of insertion**, the real one that of hashes. No result may depend on
//!   either.
//! - **A call that returns no guard and takes no callback is one step a shard**: `insert`, `remove`,
//!   `contains_key`, `len` and `is_empty` hold a shard for one critical section of the lock inside it. Another access to the shard comes
//!   before or after, as it does in the real map; the checker has fewer interleavings to run.
//! - **Waiting threads are woken in no order**, and are overtaken. The real map parks them, and they are
//!   overtaken too, but its queues are not modelled, nor are the memory orderings inside its lock. A
//!   result of a checker is one about this model, and about the real map as far as the two agree.
//! - **Not every method is there**, but those of core, of the buggy executor and of the tests: `try_`
//!   methods, `iter_mut`, `remove_if`, `view`, the two variants of an entry and the default hasher are not.
//!
//! Sources: [dashmap](https://docs.rs/dashmap/6.2.1), whose code this follows;
//! [loom](https://docs.rs/loom), after CDSChecker (Norris and Demsky, OOPSLA 2013);
//! [shuttle](https://docs.rs/shuttle), with PCT (Burckhardt et al., ASPLOS 2010).

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

/// The model of a dashmap; see the [module](self).
pub struct DashMap<K, V, S> {
    shards: Box<[Shard<K, V>]>,
    hasher: S,
}

impl<K: Eq + Hash, V, S: BuildHasher> DashMap<K, V, S> {
    /// Creates an empty map of four shards. The capacity is ignored.
    #[must_use]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        Self::with_capacity_and_hasher_and_shard_amount(capacity, hasher, SHARDS)
    }

    /// Creates an empty map of `shards` shards.
    ///
    /// # Panics
    ///
    /// If `shards` is not a power of two, or is 1, as the real one does.
    #[must_use]
    pub fn with_hasher_and_shard_amount(hasher: S, shards: usize) -> Self {
        Self::with_capacity_and_hasher_and_shard_amount(0, hasher, shards)
    }

    /// Creates an empty map of `shards` shards. The capacity is ignored.
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

    /// Returns the value of a key, and holds its shard for reading.
    #[track_caller]
    pub fn get<Q>(&self, key: &Q) -> Option<Ref<'_, K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Ref::find(self.shard(key).read(Location::caller()), key)
    }

    /// Returns the value of a key, and holds its shard for writing.
    #[track_caller]
    pub fn get_mut<Q>(&self, key: &Q) -> Option<RefMut<'_, K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        RefMut::find(self.shard(key).write(Location::caller()), key)
    }

    /// Returns the place of a key, and holds its shard for writing.
    #[track_caller]
    pub fn entry(&self, key: K) -> Entry<'_, K, V> {
        let writing = self.shard(&key).write(Location::caller());
        Entry::new(writing, key)
    }

    /// Inserts a value; returns the one before.
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

    /// Removes a key and returns it with its value.
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

    /// Replaces the value of a key by the result of `then`, and holds its shard for writing meanwhile.
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

    /// Drops the pairs for which `keeps` returns false, shard after shard, each held for writing
    /// meanwhile.
    #[track_caller]
    pub fn retain(&self, mut keeps: impl FnMut(&K, &mut V) -> bool) {
        let at = Location::caller();
        for shard in &self.shards {
            let mut writing = shard.write(at);
            writing.table.retain_mut(|(key, value)| keeps(key, value));
        }
    }

    /// Returns all pairs, shard after shard. The shard of the last item is held for reading, and
    /// released when the next one is held; an item holds its own.
    #[track_caller]
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter::new(&self.shards, Location::caller())
    }

    /// Returns the number of pairs, counted shard after shard: perhaps a number that there never was.
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

    /// Returns the shard of a key, as the real one does: its number is the first bits of the hash but
    /// seven.
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

//! Guards: values of a map, each with the hold of its shard.

use std::borrow::Borrow;
use std::ops::{Deref, DerefMut};

use super::shard::{self, Reading, Writing};
use super::sync::Arc;

/// A value, while its shard is held for reading.
pub struct Ref<'m, K, V> {
    reading: Reading<'m, K, V>,
    at: usize,
}

/// A value, while its shard is held for writing.
pub struct RefMut<'m, K, V> {
    writing: Writing<'m, K, V>,
    at: usize,
}

/// A value of an iteration, while its shard is held for reading.
pub struct RefMulti<'m, K, V> {
    reading: Arc<Reading<'m, K, V>>,
    at: usize,
}

impl<'m, K, V> Ref<'m, K, V> {
    pub(super) fn find<Q>(reading: Reading<'m, K, V>, key: &Q) -> Option<Self>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let at = shard::position(&reading.table, key)?;
        Some(Ref { reading, at })
    }

    /// Returns the key of the value.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.reading.table[self.at].0
    }
}

impl<K, V> Deref for Ref<'_, K, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.reading.table[self.at].1
    }
}

impl<'m, K, V> RefMut<'m, K, V> {
    pub(super) fn find<Q>(writing: Writing<'m, K, V>, key: &Q) -> Option<Self>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let at = shard::position(&writing.table, key)?;
        Some(RefMut { writing, at })
    }

    pub(super) const fn new(writing: Writing<'m, K, V>, at: usize) -> Self {
        RefMut { writing, at }
    }

    /// Returns the key of the value.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.writing.table[self.at].0
    }
}

impl<K, V> Deref for RefMut<'_, K, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.writing.table[self.at].1
    }
}

impl<K, V> DerefMut for RefMut<'_, K, V> {
    fn deref_mut(&mut self) -> &mut V {
        &mut self.writing.table[self.at].1
    }
}

impl<'m, K, V> RefMulti<'m, K, V> {
    pub(super) const fn new(reading: Arc<Reading<'m, K, V>>, at: usize) -> Self {
        RefMulti { reading, at }
    }

    /// Returns the key of the value.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.reading.table[self.at].0
    }
}

impl<K, V> Deref for RefMulti<'_, K, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.reading.table[self.at].1
    }
}

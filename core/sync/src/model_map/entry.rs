//! Entries: the place of a key, with or without a value.

use super::guard::RefMut;
use super::shard::{self, Writing};

/// The place of a key, while its shard is held for writing.
pub struct Entry<'m, K, V> {
    writing: Writing<'m, K, V>,
    key: K,
    at: Option<usize>,
}

impl<'m, K: Eq, V> Entry<'m, K, V> {
    pub(super) fn new(writing: Writing<'m, K, V>, key: K) -> Self {
        let at = shard::position(&writing.table, &key);
        Entry { writing, key, at }
    }

    /// Changes the value, if there is one.
    #[must_use]
    pub fn and_modify(mut self, change: impl FnOnce(&mut V)) -> Self {
        if let Some(at) = self.at {
            change(&mut self.writing.table[at].1);
        }
        self
    }

    /// Returns the value, or else inserts `value`.
    pub fn or_insert(self, value: V) -> RefMut<'m, K, V> {
        self.or_insert_with(|| value)
    }

    /// Returns the value, or else inserts the result of `value`.
    pub fn or_insert_with(self, value: impl FnOnce() -> V) -> RefMut<'m, K, V> {
        let Entry {
            mut writing,
            key,
            at,
        } = self;
        let at = at.unwrap_or_else(|| {
            writing.table.push((key, value()));
            writing.table.len() - 1
        });
        RefMut::new(writing, at)
    }

    /// Returns the value, or else inserts the default one.
    pub fn or_default(self) -> RefMut<'m, K, V>
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }
}

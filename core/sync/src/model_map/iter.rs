//! Iteration, hand over hand.

use std::slice;

use super::CallSite;
use super::guard::RefMulti;
use super::shard::{Reading, Shard};
use super::sync::Arc;

/// All pairs of a map.
pub struct Iter<'m, K, V> {
    shards: slice::Iter<'m, Shard<K, V>>,
    /// The shard that is held, and the index of its next pair.
    current: Option<(Arc<Reading<'m, K, V>>, usize)>,
    at: CallSite,
}

impl<'m, K, V> Iter<'m, K, V> {
    pub(super) fn new(shards: &'m [Shard<K, V>], at: CallSite) -> Self {
        Iter {
            shards: shards.iter(),
            current: None,
            at,
        }
    }
}

impl<'m, K, V> Iterator for Iter<'m, K, V> {
    type Item = RefMulti<'m, K, V>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((reading, next)) = &mut self.current
                && *next < reading.table.len()
            {
                *next += 1;
                return Some(RefMulti::new(Arc::clone(reading), *next - 1));
            }
            let shard = self.shards.next()?;
            let reading = Arc::new(shard.read(self.at));
            // The last shard is released only here, with the next one taken.
            self.current = Some((reading, 0));
        }
    }
}

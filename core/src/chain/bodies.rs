//! The cache of the bodies of templates, from which headers are completed.

use std::collections::{BTreeMap, VecDeque};

use super::sync::{Arc, Mutex};
use crate::codec;
use crate::config::BodyCacheLimits;
use crate::model::{Hash, Timestamp, Transaction};

/// A cache of bodies by their merkle root, bounded in number, bytes and time; the oldest goes first.
///
/// Many threads may use one cache: each call sees all others before it or after it.
#[derive(Debug)]
pub struct BodyCache {
    limits: BodyCacheLimits,
    cached: Mutex<CachedBodies>,
}

#[derive(Debug, Default)]
struct CachedBodies {
    bodies: BTreeMap<Hash, CachedBody>,
    /// Roots in the order in which their bodies were remembered, each once.
    ages: VecDeque<Hash>,
    bytes: u64,
}

#[derive(Debug)]
struct CachedBody {
    transactions: Arc<[Transaction]>,
    bytes: u64,
    since: Timestamp,
}

impl BodyCache {
    /// Creates an empty cache.
    #[must_use]
    pub fn new(limits: BodyCacheLimits) -> Self {
        BodyCache {
            limits,
            cached: Mutex::new(CachedBodies::default()),
        }
    }

    /// Keeps a body. One that alone exceeds the limits is not kept, and displaces nothing.
    pub fn remember(&self, root: Hash, transactions: Arc<[Transaction]>, now: Timestamp) {
        let bytes = codec::encoded_len(&*transactions);
        if bytes > self.limits.bytes || self.limits.entries == 0 {
            return;
        }
        let mut cached = self.cached.lock();
        cached.forget_expired(self.limits, now);
        cached.forget(root);
        while cached.bodies.len() >= self.limits.entries || cached.bytes + bytes > self.limits.bytes
        {
            cached.forget_oldest();
        }
        cached.bytes += bytes;
        cached.ages.push_back(root);
        cached.bodies.insert(
            root,
            CachedBody {
                transactions,
                bytes,
                since: now,
            },
        );
    }

    /// Returns the body with this root, if it is kept and not too old.
    #[must_use]
    pub fn find(&self, root: Hash, now: Timestamp) -> Option<Arc<[Transaction]>> {
        let mut cached = self.cached.lock();
        cached.forget_expired(self.limits, now);
        cached
            .bodies
            .get(&root)
            .map(|body| Arc::clone(&body.transactions))
    }

    /// Returns the number of bodies that are kept, and the bytes of all their encodings. Expired ones
    /// count until the next call of another method.
    #[must_use]
    pub fn size(&self) -> (usize, u64) {
        let cached = self.cached.lock();
        (cached.bodies.len(), cached.bytes)
    }
}

impl CachedBodies {
    /// Drops the bodies that are too old. A clock that jumped back makes bodies live longer, never
    /// shorter; they stay bounded.
    fn forget_expired(&mut self, limits: BodyCacheLimits, now: Timestamp) {
        let expired: Vec<Hash> = self
            .bodies
            .iter()
            .filter(|(_, body)| now.0.saturating_sub(body.since.0) >= limits.time_to_live_ms)
            .map(|(root, _)| *root)
            .collect();
        for root in expired {
            self.forget(root);
        }
    }

    fn forget_oldest(&mut self) {
        let oldest = self.ages.front().copied();
        self.forget(oldest.expect("a cache that is over its limits has an oldest body"));
    }

    fn forget(&mut self, root: Hash) {
        if let Some(body) = self.bodies.remove(&root) {
            self.bytes -= body.bytes;
            self.ages.retain(|other| *other != root);
        }
    }
}

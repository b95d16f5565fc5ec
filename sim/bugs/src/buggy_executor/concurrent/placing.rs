//! The hash function of the maps that workers share. It is the same on every machine, because a schedule
//! depends on the shards of keys.

use std::hash::{BuildHasher, Hash, Hasher};

use lockstep_core::model::{Asset, PublicKey};

/// Number of shards of each map. With two, a torn iteration does not show.
pub(super) const SHARDS: usize = 4;

/// FNV-1a from a seed, for keys that are hashes already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placing(u64);

impl Placing {
    pub(super) const fn new(seed: u64) -> Self {
        Placing(seed ^ 0xcbf2_9ce4_8422_2325)
    }

    /// Returns the shards of an account and of its balance.
    pub(super) fn shards(self, account: PublicKey, asset: Asset) -> [u64; 2] {
        [self.shard(&account), self.shard(&(account, asset))]
    }

    fn shard(self, key: &impl Hash) -> u64 {
        // As in dashmap, whose tables use the highest seven bits.
        (self.hash_one(key) << 7) >> (u64::BITS - SHARDS.trailing_zeros())
    }
}

impl BuildHasher for Placing {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for Placing {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

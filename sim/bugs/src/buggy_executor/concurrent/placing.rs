//! Where keys go in the maps that workers share: the same on every machine, as a schedule depends on
//! it.

use std::hash::{BuildHasher, Hash, Hasher};

use lockstep_core::model::{Asset, PublicKey};

/// Shards of each map. Two show no torn iteration.
pub(super) const SHARDS: usize = 4;

/// FNV-1a from a seed, for keys that are hashes already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placing(u64);

impl Placing {
    pub(super) const fn new(seed: u64) -> Self {
        Placing(seed ^ 0xcbf2_9ce4_8422_2325)
    }

    /// The shards of an account and of its balance.
    pub(super) fn shards(self, account: PublicKey, asset: Asset) -> [u64; 2] {
        [self.shard(&account), self.shard(&(account, asset))]
    }

    fn shard(self, key: &impl Hash) -> u64 {
        // As dashmap does: the highest seven bits are its table's.
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

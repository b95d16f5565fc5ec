//! Hasher that puts a key into the shard of its number.

use std::hash::{BuildHasher, Hasher};

/// Puts a key into the shard of its number, modulo the number of shards, in the model and in the
/// real map alike. For keys whose hash is the last byte written.
#[derive(Clone, Copy)]
pub(crate) struct Placed {
    shards: u8,
    shard: u8,
}

impl Placed {
    pub(crate) fn among(shards: u8) -> Self {
        Placed { shards, shard: 0 }
    }
}

impl BuildHasher for Placed {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for Placed {
    fn write(&mut self, bytes: &[u8]) {
        let last = bytes.last().expect("a key is not empty");
        self.shard = last % self.shards;
    }

    /// Shards are told from the bits below the highest seven.
    fn finish(&self) -> u64 {
        u64::from(self.shard) << (57 - self.shards.trailing_zeros())
    }
}

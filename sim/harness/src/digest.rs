//! Digest: the BLAKE3 hash of everything that a run, or a campaign, observed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A BLAKE3 hash, 64 hexadecimal digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// All zeros: of nothing.
    pub const ZERO: Digest = Digest([0; 32]);

    /// True for the hash of no bytes: a campaign in which no run passed has observed nothing.
    #[must_use]
    pub fn is_of_nothing(&self) -> bool {
        self.0 == *blake3::hash(&[]).as_bytes()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

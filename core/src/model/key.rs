//! Byte strings of a fixed size: public keys, hashes, assets, signatures.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident, $size:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
        )]
        pub struct $name(pub [u8; $size]);

        impl fmt::Display for $name {
            /// All bytes, in lower-case hexadecimal.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            /// The first four bytes: enough to tell values apart in a message.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({}..)", stringify!($name), hex::encode(&self.0[..4]))
            }
        }
    };
}

bytes! {
    /// An ed25519 public key, compressed (RFC 8032). Any 32 bytes can own a balance; only a valid
    /// point can ever sign.
    PublicKey, 32
}
bytes! {
    /// A BLAKE3 hash.
    Hash, 32
}
bytes! {
    /// The name of an asset, a hash. [`Asset::NATIVE`] pays the fees.
    Asset, 32
}
bytes! {
    /// An ed25519 signature: the point R, compressed, then the scalar s (RFC 8032).
    Signature, 64
}

impl Hash {
    /// All zeros: the merkle root of no transactions.
    pub const ZERO: Hash = Hash([0; 32]);
}

impl Asset {
    /// The asset in which fees and rewards are paid.
    pub const NATIVE: Asset = Asset([0; 32]);
}

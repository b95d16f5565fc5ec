//! Numbers that must not be mixed up: amounts, nonces, heights, times.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
            BorshSerialize, BorshDeserialize,
        )]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A quantity of one asset, in its smallest unit. Arithmetic is checked and never wraps.
    Amount
}
number! {
    /// The number of applied transactions of an account; the nonce that its next one must carry.
    Nonce
}
number! {
    /// The position of a block in its chain. The genesis has height 0.
    Height
}
number! {
    /// Milliseconds since the Unix epoch, as a block's header states them.
    Timestamp
}

impl Amount {
    /// Zero.
    pub const ZERO: Amount = Amount(0);
    /// The largest amount there can be of one asset, its burns included.
    pub const MAX: Amount = Amount(u64::MAX);

    /// Returns the sum, or `None` if it exceeds [`Amount::MAX`].
    #[must_use]
    pub const fn checked_add(self, other: Amount) -> Option<Amount> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Amount(sum)),
            None => None,
        }
    }

    /// Returns the difference, or `None` if `other` is larger.
    #[must_use]
    pub const fn checked_sub(self, other: Amount) -> Option<Amount> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Amount(difference)),
            None => None,
        }
    }

    /// Returns whether the amount is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Nonce {
    /// Returns the nonce after this one, or `None` after the last.
    #[must_use]
    pub const fn next(self) -> Option<Nonce> {
        match self.0.checked_add(1) {
            Some(next) => Some(Nonce(next)),
            None => None,
        }
    }
}

impl Height {
    /// The height of the genesis.
    pub const GENESIS: Height = Height(0);

    /// Returns the height after this one, or `None` after the last.
    #[must_use]
    pub const fn next(self) -> Option<Height> {
        match self.0.checked_add(1) {
            Some(next) => Some(Height(next)),
            None => None,
        }
    }
}

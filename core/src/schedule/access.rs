//! What a transaction touches, read off the transaction alone.

use crate::model::{Asset, Payload, PublicKey, Transaction};

/// Something that two transactions can be in conflict about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An account's nonce, and with it its multisig: only its own transactions touch either.
    Nonce(PublicKey),
    /// What an account has of an asset.
    Balance(PublicKey, Asset),
}

impl Key {
    /// Whose it is.
    #[must_use]
    pub const fn account(&self) -> PublicKey {
        match self {
            Key::Nonce(account) | Key::Balance(account, _) => *account,
        }
    }
}

/// How a transaction touches a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Adds to it without looking. Commutes with others that do.
    Additive,
    /// Looks at it or takes from it. Conflicts with everything.
    Exclusive,
}

/// One key that a transaction touches, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access {
    /// What is touched.
    pub key: Key,
    /// How.
    pub mode: Mode,
}

/// Calls `touch` with everything that a transaction may touch, whether or not it is applied. A key
/// may come more than once, and in both modes; the exclusive one then counts.
///
/// What commutes for everybody is left out: burns add to a supply, and a credit to somebody new
/// registers them, whoever is first. The miner is credited after all transactions.
pub fn accesses(transaction: &Transaction, touch: impl FnMut(Access)) {
    struct EachKey<F> {
        source: PublicKey,
        touch: F,
    }
    impl<F: FnMut(Access)> Touch for EachKey<F> {
        fn own(&mut self) {
            self.exclusive(Key::Nonce(self.source));
        }
        fn take(&mut self, asset: &Asset) {
            self.exclusive(Key::Balance(self.source, *asset));
        }
        fn give(&mut self, destination: &PublicKey, asset: &Asset) {
            (self.touch)(Access {
                key: Key::Balance(*destination, *asset),
                mode: Mode::Additive,
            });
        }
    }
    impl<F: FnMut(Access)> EachKey<F> {
        fn exclusive(&mut self, key: Key) {
            (self.touch)(Access {
                key,
                mode: Mode::Exclusive,
            });
        }
    }
    let source = transaction.source;
    touch_all(transaction, &mut EachKey { source, touch });
}

/// Is told what a transaction touches, its source's account understood.
pub(super) trait Touch {
    /// The source's nonce, exclusively. Comes first, and once.
    fn own(&mut self);

    /// A balance of the source, exclusively.
    fn take(&mut self, asset: &Asset);

    /// Somebody else's balance, additively.
    fn give(&mut self, destination: &PublicKey, asset: &Asset);
}

/// As [`accesses`], for whoever looks the source up once and copies no keys.
pub(super) fn touch_all(transaction: &Transaction, touch: &mut impl Touch) {
    touch.own();
    let mut last_taken = None;
    if !transaction.fee.is_zero() {
        touch.take(&Asset::NATIVE);
        last_taken = Some(&Asset::NATIVE);
    }
    match &transaction.payload {
        Payload::Transfers(transfers) => {
            for transfer in transfers {
                if last_taken != Some(&transfer.asset) {
                    touch.take(&transfer.asset);
                    last_taken = Some(&transfer.asset);
                }
            }
            for transfer in transfers {
                // What goes to oneself is taken and given in one.
                if transfer.destination != transaction.source {
                    touch.give(&transfer.destination, &transfer.asset);
                }
            }
        }
        Payload::Burn { asset, .. } => {
            if last_taken != Some(asset) {
                touch.take(asset);
            }
        }
        Payload::Multisig(_) => {}
    }
}

//! The accesses of a transaction, read off the transaction alone.

use crate::model::{Asset, Payload, PublicKey, Transaction};

/// A part of the state that two transactions can conflict about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An account's nonce, and with it its multisig: only its own transactions touch either.
    Nonce(PublicKey),
    /// The balance of an account in an asset.
    Balance(PublicKey, Asset),
}

impl Key {
    /// Returns the account that the key belongs to.
    #[must_use]
    pub const fn account(&self) -> PublicKey {
        match self {
            Key::Nonce(account) | Key::Balance(account, _) => *account,
        }
    }
}

/// The way in which a transaction touches a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Adds to the key without reading it. Commutes with other additive accesses.
    Additive,
    /// Reads the key or takes from it. Conflicts with every access.
    Exclusive,
}

/// One key that a transaction touches, and the way in which it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access {
    /// The key.
    pub key: Key,
    /// The way in which it is touched.
    pub mode: Mode,
}

/// Calls `touch` with every access that a transaction may make, whether or not it is applied. A key
/// may come more than once, and in both modes; the exclusive one then counts.
///
/// Accesses that commute for all transactions are left out: a burn adds to a supply, and a credit to
/// a new account registers it, whichever comes first. The miner is credited after all transactions.
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

/// A visitor of the accesses of a transaction, which knows the transaction's source.
pub(super) trait Touch {
    /// Visits the source's nonce, exclusively. Comes first, and once.
    fn own(&mut self);

    /// Visits a balance of the source, exclusively.
    fn take(&mut self, asset: &Asset);

    /// Visits a balance of another account, additively.
    fn give(&mut self, destination: &PublicKey, asset: &Asset);
}

/// [`accesses`] for a visitor that looks the source up once and copies no keys.
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
                // A transfer to the source itself is covered by the withdrawal.
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

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
pub fn accesses(transaction: &Transaction, mut touch: impl FnMut(Access)) {
    let source = transaction.source;
    let mut exclusive = |key| {
        touch(Access {
            key,
            mode: Mode::Exclusive,
        });
    };
    exclusive(Key::Nonce(source));
    let mut last_taken = None;
    let mut take = |asset| {
        if last_taken != Some(asset) {
            exclusive(Key::Balance(source, asset));
            last_taken = Some(asset);
        }
    };
    if !transaction.fee.is_zero() {
        take(Asset::NATIVE);
    }
    match &transaction.payload {
        Payload::Transfers(transfers) => {
            for transfer in transfers {
                take(transfer.asset);
            }
            for transfer in transfers {
                // What goes to oneself is taken and given in one.
                if transfer.destination != source {
                    touch(Access {
                        key: Key::Balance(transfer.destination, transfer.asset),
                        mode: Mode::Additive,
                    });
                }
            }
        }
        Payload::Burn { asset, .. } => take(*asset),
        Payload::Multisig(_) => {}
    }
}

//! One effect of an applied transaction.

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Amount, Asset, Multisig, Nonce, PublicKey};

/// One effect of an applied transaction, as a step and not as a resulting state: credits commute,
/// and a receipt must not depend on what others credit in between.
///
/// A receipt lists them in the order of this type: by kind as listed here, then by fields. There is
/// at most one debit an asset and one credit an account and asset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Effect {
    /// The source's nonce advanced. Every applied transaction has exactly one.
    Nonce {
        /// The source.
        account: PublicKey,
        /// The nonce after.
        to: Nonce,
    },
    /// The source's multisig was set or removed, whether or not it is another one than before.
    Multisig {
        /// The source.
        account: PublicKey,
        /// The multisig after; `None` if it was removed.
        to: Option<Multisig>,
    },
    /// The source lost an amount: fee, burn and transfers to others in one sum. Never zero.
    Debit {
        /// The source.
        account: PublicKey,
        /// The asset.
        asset: Asset,
        /// The amount.
        amount: Amount,
    },
    /// Another account got an amount: all transfers of the transaction to it in one sum.
    Credit {
        /// The destination; never the source.
        account: PublicKey,
        /// The asset.
        asset: Asset,
        /// The amount.
        amount: Amount,
    },
    /// An amount ceased to exist.
    Burn {
        /// The asset.
        asset: Asset,
        /// The amount.
        amount: Amount,
    },
}

//! Cells, the smallest units of state that have a history, and their versions.

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Amount, Asset, Height, Multisig, Nonce, PublicKey};

/// A unit of state whose value each block may change, and whose earlier values are kept.
///
/// Cells are ordered by kind as listed here, then by fields.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum Cell {
    /// An account's nonce. An account is registered exactly when this has a value.
    Nonce(PublicKey),
    /// An account's multisig.
    Multisig(PublicKey),
    /// The balance of an account in an asset.
    Balance(PublicKey, Asset),
    /// The total of an asset over all accounts.
    Supply(Asset),
}

/// A cell's value. A cell that was never written has none: such an account is unregistered, such a
/// balance zero, such a multisig absent, such a supply [`Supply::default`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Value {
    /// Of [`Cell::Nonce`].
    Nonce(Nonce),
    /// Of [`Cell::Multisig`]; `None` after a removal.
    Multisig(Option<Multisig>),
    /// Of [`Cell::Balance`].
    Balance(Amount),
    /// Of [`Cell::Supply`].
    Supply(Supply),
}

/// The total of one asset. Balances plus `burned` equal `genesis` plus `issued`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Supply {
    /// Allocated at the genesis.
    pub genesis: Amount,
    /// Credited as rewards since. Zero but for the native asset.
    pub issued: Amount,
    /// Burned since.
    pub burned: Amount,
}

/// The value that a cell had from one block to the next one that changed it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Version {
    /// The block that wrote it.
    pub height: Height,
    /// The block that wrote the version before; strictly lower. `None` for the first.
    pub previous: Option<Height>,
    /// The cell's value after the block.
    pub value: Value,
}

//! The data types of a ledger: keys, amounts, transactions, blocks, receipts, versions.
//!
//! Plain values with an encoding and nothing else. They do not know how a transaction is checked,
//! executed or stored; the oracle of the harness shares exactly these and no more.

mod amount;
mod block;
mod effect;
mod genesis;
mod key;
mod receipt;
pub(crate) mod transaction;
mod version;

pub use amount::{Amount, Height, Nonce, Timestamp};
pub use block::{BLOCK_VERSION, Block, Header, Refusal};
pub use effect::Effect;
pub use genesis::{Genesis, Rules};
pub use key::{Asset, Hash, PublicKey, Signature};
pub use receipt::{Outcome, Receipt, Rejection};
pub use transaction::{
    Cosignature, MAX_COSIGNATURES, MAX_PARTICIPANTS, MAX_TRANSFERS, Multisig, Network, Payload,
    Transaction, Transfer,
};
pub use version::{Cell, Supply, Value, Version};

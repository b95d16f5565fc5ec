//! Transactions: signed requests of an account to the ledger.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Amount, Asset, Nonce, PublicKey, Signature};

/// The most transfers that one transaction may carry.
pub const MAX_TRANSFERS: usize = 255;
/// The most participants that one multisig may have.
pub const MAX_PARTICIPANTS: usize = 255;
/// The most signatures beside the source's own that one transaction may carry: one a participant.
pub const MAX_COSIGNATURES: usize = 255;

/// The network whose ledger a transaction or a block belongs to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Network {
    /// The network on which money is real.
    Mainnet = 0,
    /// The public network for trying things.
    Testnet = 1,
    /// The rehearsal of the next release.
    Stagenet = 2,
    /// A developer's own machine.
    Devnet = 3,
}

impl Network {
    /// Every network, in the order of their encodings.
    pub const ALL: [Network; 4] = [
        Network::Mainnet,
        Network::Testnet,
        Network::Stagenet,
        Network::Devnet,
    ];

    /// Returns the name in lower case, as configuration files and messages spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Network::Mainnet => "mainnet",
            Network::Testnet => "testnet",
            Network::Stagenet => "stagenet",
            Network::Devnet => "devnet",
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A signed request of one account.
///
/// Its identity is the hash of its whole encoding, signatures included
/// ([`crate::codec::transaction_id`]). The signed message is everything before the signatures
/// ([`crate::codec::signing_hash`]).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transaction {
    /// The ledger that it is meant for: a transaction of one is void on another.
    pub network: Network,
    /// The account that asks and pays.
    pub source: PublicKey,
    /// Must equal the source's nonce at the execution.
    pub nonce: Nonce,
    /// The amount that the miner gets, in the native asset.
    pub fee: Amount,
    /// The request.
    pub payload: Payload,
    /// The source's own signature.
    pub signature: Signature,
    /// Cosignatures, which count towards the source's multisig. At most [`MAX_COSIGNATURES`]; all must
    /// verify.
    pub cosignatures: Vec<Cosignature>,
}

/// A signature beside the source's own, and the key that gave it; the source may cosign, too.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Cosignature {
    /// The account that signed.
    pub signer: PublicKey,
    /// Over the same message as the source's own signature.
    pub signature: Signature,
}

/// The request of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Payload {
    /// 1 to [`MAX_TRANSFERS`] transfers, all of them or none.
    Transfers(Vec<Transfer>),
    /// Takes an amount out of existence.
    Burn {
        /// The asset that is burnt.
        asset: Asset,
        /// The amount, more than zero.
        amount: Amount,
    },
    /// Sets the source's multisig; no participants and threshold 0 removes it.
    Multisig(Multisig),
}

/// One amount on its way to one account.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transfer {
    /// The account that gets it. The source itself is allowed: needs the funds and moves nothing.
    pub destination: PublicKey,
    /// The asset that is sent.
    pub asset: Asset,
    /// The amount, more than zero.
    pub amount: Amount,
}

/// The rule of an account for the signatures that it needs beside its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Multisig {
    /// The number of distinct participants that must sign, from 1 to all of them.
    pub threshold: u8,
    /// Distinct, at most [`MAX_PARTICIPANTS`], in the order in which they were given.
    pub participants: Vec<PublicKey>,
}

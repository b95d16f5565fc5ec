//! A whole run as plain data: what there is at the beginning, and what happens then.
//!
//! A scenario holds everything that a run depends on, so it is replayed, edited by hand and shrunk
//! without the generator that drew it. Accounts and assets are small numbers; keys, signatures,
//! parents and roots are derived when it is run ([`build`]). Any value is a scenario that can be
//! run: what does not make sense is an adversarial input like every other.

pub mod build;
mod fault;

pub use fault::{ConcurrentRequest, Fault, InjectionPoint};

use lockstep_core::model::Network;
use serde::{Deserialize, Serialize};

/// A whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// The beginning.
    pub genesis: GenesisRecipe,
    /// The seed of every hash map of the subject. No result depends on it.
    #[serde(default)]
    pub hash_seed: u64,
    /// What happens, in this order.
    pub steps: Vec<Step>,
}

/// The state and the rules at height 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisRecipe {
    /// The network.
    pub network: NetworkName,
    /// What a block issues to its miner.
    pub reward: u64,
    /// The most of the native asset there may be.
    pub native_limit: u64,
    /// The most bytes of a block.
    pub max_block_bytes: u64,
    /// Who has how much of what. The native asset is 0.
    pub balances: Vec<Holding>,
}

/// What an account has of an asset: (account, asset, amount).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding(pub u32, pub u32, pub u64);

/// One thing that happens to a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// A block arrives.
    Block(BlockRecipe),
    /// The last so many blocks are undone; all of them where there are fewer.
    Rewind(u64),
    /// The blocks that the last rewind undid arrive again, in their order, unless another block
    /// was added since.
    Reapply,
    /// The ledger is closed and opened again.
    Reopen,
    /// Something goes wrong during the next step that is none of these.
    Fault(Fault),
}

/// A block on the tip, or one that is meant to be refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRecipe {
    /// Who is credited reward and fees.
    pub miner: u32,
    /// How much later than its parent, in milliseconds.
    pub later_ms: u64,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flaw: Option<BlockFlaw>,
    /// The body.
    pub transactions: Vec<TransactionRecipe>,
}

/// Something that must make a block be refused, or its bytes not be a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockFlaw {
    /// Another version.
    Version(u16),
    /// Another network.
    Network(NetworkName),
    /// Another height.
    Height(u64),
    /// Another parent.
    Parent,
    /// A time before its parent's.
    Earlier,
    /// The header counts one transaction more.
    Count,
    /// Another merkle root.
    MerkleRoot,
    /// The last transaction stands in the body twice, in the count too, and the root is that of
    /// the list without.
    RepeatedLast,
    /// The encoding ends after so many bytes.
    Truncated(u64),
    /// The encoding goes on after the end.
    Extended,
    /// One bit of the encoding is another; counted from the front, again from there at the end.
    /// What comes out may be a block, and then it is treated as one.
    FlippedBit(u64),
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRecipe {
    /// The source.
    pub from: u32,
    /// Its nonce, whatever the source's is.
    pub nonce: u64,
    /// The fee.
    pub fee: u64,
    /// What it asks for.
    pub action: Action,
    /// Who signs beside the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cosigners: Vec<u32>,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flaw: Option<TransactionFlaw>,
}

/// What a transaction asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Transfers.
    Send(Vec<Sending>),
    /// A burn: (asset, amount).
    Burn(u32, u64),
    /// A multisig: (threshold, participants).
    Multisig(u8, Vec<u32>),
}

/// One transfer: (destination, asset, amount).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending(pub u32, pub u32, pub u64);

/// Something that is wrong with a transaction's signatures or network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransactionFlaw {
    /// It is for another network, and signed so.
    Network(NetworkName),
    /// Another account signed in the source's place.
    SignedBy(u32),
    /// One bit of the source's signature is another.
    FlippedBit(u16),
    /// The fee was changed after signing.
    FeeChanged,
    /// The last cosigner's signature is the source's.
    ForgedCosignature,
    /// The scalar of the source's signature is increased by the order of the group.
    ScalarNotReduced,
    /// The source is a key of small order, which has a signature that everybody can make and that
    /// verifies (ZIP-215).
    SmallOrder,
}

/// A network by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkName {
    /// See [`Network::Mainnet`].
    Mainnet,
    /// See [`Network::Testnet`].
    Testnet,
    /// See [`Network::Stagenet`].
    Stagenet,
    /// See [`Network::Devnet`].
    Devnet,
}

impl From<NetworkName> for Network {
    fn from(name: NetworkName) -> Network {
        match name {
            NetworkName::Mainnet => Network::Mainnet,
            NetworkName::Testnet => Network::Testnet,
            NetworkName::Stagenet => Network::Stagenet,
            NetworkName::Devnet => Network::Devnet,
        }
    }
}

impl Scenario {
    /// Everything that goes wrong.
    pub fn faults(&self) -> impl Iterator<Item = Fault> + '_ {
        self.steps.iter().filter_map(|step| match step {
            Step::Fault(fault) => Some(*fault),
            _ => None,
        })
    }

    /// How many blocks arrive for the first time.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| matches!(step, Step::Block(_)))
            .count()
    }

    /// How many transactions arrive for the first time.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.steps
            .iter()
            .map(|step| match step {
                Step::Block(block) => block.transactions.len(),
                _ => 0,
            })
            .sum()
    }
}

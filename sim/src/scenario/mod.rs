//! A whole run as plain data: the genesis, and the steps that follow.
//!
//! A scenario holds everything that a run depends on, so it is replayed, edited by hand and shrunk
//! without the generator that drew it. Accounts and assets are small numbers; keys, signatures,
//! parents and roots are derived when it is run ([`build`]). Any value is a scenario that can be
//! run: one that makes no sense is an adversarial input like every other.

pub mod build;
mod fault;
mod signing;

pub use fault::{ConcurrentRequest, Fault, InjectionPoint};

use lockstep_core::model::Network;
use serde::{Deserialize, Serialize};

/// A whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// State and rules at height 0.
    pub genesis: GenesisRecipe,
    /// Seed of every hash map of the subjects. No result depends on it.
    #[serde(default)]
    pub hash_seed: u64,
    /// Number of workers of the subjects that have workers; `None` for the usual ones. No result
    /// depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
    /// Steps, in order.
    pub steps: Vec<Step>,
}

/// The state and the rules at height 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisRecipe {
    /// The network.
    pub network: NetworkName,
    /// Amount that a block issues to its miner.
    pub reward: u64,
    /// Maximum supply of the native asset.
    pub native_limit: u64,
    /// Maximum size of a block, in bytes.
    pub max_block_bytes: u64,
    /// Balances at height 0. The native asset is number 0.
    pub balances: Vec<Holding>,
}

/// Balance of an account: (account, asset, amount).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding(pub u32, pub u32, pub u64);

/// One operation on a ledger, or a fault during the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Adds a block.
    Block(BlockRecipe),
    /// Undoes the last N blocks; all of them if there are fewer.
    Rewind(u64),
    /// Adds the blocks that the last rewind undid again, in order, unless another block was added
    /// since.
    Reapply,
    /// Closes the ledger and opens it again.
    Reopen,
    /// Arms a fault for the next step that is none.
    Fault(Fault),
    /// Begins an empty mempool with these limits.
    Pool(PoolRecipe),
    /// Offers transactions to the mempool, in order.
    Submit(Vec<TransactionRecipe>),
    /// Makes a template of the mempool's best transactions, and adds its block.
    Template(TemplateRecipe),
}

/// The limits of a mempool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRecipe {
    /// Maximum number of transactions.
    pub transactions: u64,
    /// Maximum number of bytes of all their encodings.
    pub bytes: u64,
}

/// A choice among the transactions of a mempool, and a template after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRecipe {
    /// Account that is credited the reward and the fees.
    pub miner: u32,
    /// Maximum number of transactions of the choice.
    pub count: u64,
    /// Maximum number of bytes of the choice. The template has as many as a block may have.
    pub bytes: u64,
}

impl Step {
    /// Returns the transactions that it brings: of a block, or for the mempool.
    #[must_use]
    pub fn recipes(&self) -> &[TransactionRecipe] {
        match self {
            Step::Block(block) => &block.transactions,
            Step::Submit(recipes) => recipes,
            _ => &[],
        }
    }

    /// Returns the list of transactions that it brings, if it can bring any.
    pub fn recipes_mut(&mut self) -> Option<&mut Vec<TransactionRecipe>> {
        match self {
            Step::Block(block) => Some(&mut block.transactions),
            Step::Submit(recipes) => Some(recipes),
            _ => None,
        }
    }
}

/// A block on the tip, or one that is meant to be refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRecipe {
    /// Account that is credited the reward and the fees.
    pub miner: u32,
    /// Time after its parent, in milliseconds.
    pub later_ms: u64,
    /// Flaw, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flaw: Option<BlockFlaw>,
    /// The body.
    pub transactions: Vec<TransactionRecipe>,
}

/// A flaw for which a block must be refused, or its bytes must not decode.
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
    /// The encoding ends after N bytes, modulo its length.
    Truncated(u64),
    /// The encoding goes on after the end.
    Extended,
    /// Bit N of the encoding is flipped, modulo its length. The result may be a block, and then it
    /// is treated as one.
    FlippedBit(u64),
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRecipe {
    /// The source.
    pub from: u32,
    /// Its nonce, independent of that of the source.
    pub nonce: u64,
    /// The fee.
    pub fee: u64,
    /// Payload.
    pub action: Action,
    /// Accounts that sign beside the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cosigners: Vec<u32>,
    /// Flaw, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flaw: Option<TransactionFlaw>,
}

/// Payload of a transaction.
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

/// A flaw of a transaction's signatures or network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransactionFlaw {
    /// It is for another network, and signed so.
    Network(NetworkName),
    /// Another account signed in the source's place.
    SignedBy(u32),
    /// Bit N of the source's signature is flipped.
    FlippedBit(u16),
    /// The fee was changed after signing.
    FeeChanged,
    /// The last cosigner's signature is the source's.
    ForgedCosignature,
    /// The scalar of the source's signature is increased by the order of the group.
    ScalarNotReduced,
    /// The source is a key of small order, for which a valid signature (ZIP-215) can be made
    /// without a secret.
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
    /// Seed of what the judge draws: the questions, the steps after which everything is compared, the runs in
    /// which everything is verified everywhere. These are the low 32 bits of the hash seed.
    #[must_use]
    pub const fn judge_seed(&self) -> u64 {
        self.hash_seed & 0xffff_ffff
    }

    /// Changes the hash seed and not the [judge's](Scenario::judge_seed): with any number mixed in, the same
    /// is asked.
    pub const fn mix_into_hash_seed(&mut self, number: u64) {
        self.hash_seed ^= (number ^ (number >> 32)) << 32;
    }

    /// Returns all faults, in order.
    pub fn faults(&self) -> impl Iterator<Item = Fault> + '_ {
        self.steps.iter().filter_map(|step| match step {
            Step::Fault(fault) => Some(*fault),
            _ => None,
        })
    }

    /// Returns the number of block steps.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| matches!(step, Step::Block(_)))
            .count()
    }

    /// Returns the number of transactions that are offered to the mempool.
    #[must_use]
    pub fn submitted(&self) -> usize {
        let submitted = self.steps.iter().map(|step| match step {
            Step::Submit(recipes) => recipes.len(),
            _ => 0,
        });
        submitted.sum()
    }

    /// Returns the number of transactions in block steps.
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

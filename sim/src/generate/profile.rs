//! Profile of a scenario: sizes, and weights of kinds of transaction and fault, drawn first.

use std::fmt;

use super::dimension::Tail;
use super::faults::{FaultMix, FaultTurn};
use lockstep_harness::choice::Choices;

/// Upper bounds of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Maximum number of blocks.
    pub blocks: u64,
    /// Maximum number of transactions in a block, exceeded by a few that belong together.
    pub transactions: u64,
    /// Maximum number of accounts in the genesis.
    pub accounts: u64,
}

impl Size {
    /// Bounds of a campaign.
    pub const CAMPAIGN: Size = Size {
        blocks: 16,
        transactions: 250,
        accounts: 40,
    };
    /// Bounds of a fuzzer and of unit tests.
    pub const SMALL: Size = Size {
        blocks: 4,
        transactions: 8,
        accounts: 5,
    };
}

/// Parameters that a scenario is drawn with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Number of new blocks.
    pub blocks: u64,
    /// Maximum number of transactions in a block, exceeded by a few that belong together.
    pub transactions: u64,
    /// Number of accounts in the genesis.
    pub accounts: u32,
    /// Number of assets in the genesis, the native one included.
    pub assets: u32,
    /// Maximum size of a block, in bytes.
    pub max_block_bytes: u64,
    /// True if the supply of an asset may come close to `u64::MAX`.
    pub is_huge: bool,
    /// Probability of a rewind at each of two opportunities before a block, in percent.
    pub rewinds: u64,
    /// Probability of a reopening at each of two opportunities before a block, in percent.
    pub reopens: u64,
    /// Share of blocks with a flaw, in percent.
    pub block_flaws: u64,
    /// Weight of each kind of transaction.
    pub weights: Vec<(TransactionKind, u64)>,
    /// Rate and weights of faults.
    pub faults: FaultMix,
    /// Sizes of a run that is extreme in one dimension.
    pub tail: Tail,
    /// The kind of fault that every step has, if the run is the turn of one.
    pub fault_turn: Option<FaultTurn>,
    /// Number of blocks of exact edges behind the others.
    pub extra_blocks: u64,
}

/// A kind of transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransactionKind {
    /// One transfer that should be applied.
    Plain,
    /// Up to 255 transfers in one transaction.
    ManyTransfers,
    /// A transfer whose source is its destination.
    SelfTransfer,
    /// Transfers from A to B to C, each spending the one before.
    Chain,
    /// A transfer to account 0, which all such transfers share.
    HotAccount,
    /// A transfer to an account that does not exist yet.
    NewAccount,
    /// Transfers by and to the block's miner.
    Miner,
    /// A new account that receives and spends within a block.
    InAndOut,
    /// A burn.
    Burn,
    /// A multisig that is set, changed or removed.
    Multisig,
    /// A transfer whose multisig is not satisfied.
    MissingCosigner,
    /// A nonce that was used, that leaves a gap, or that is the largest.
    Nonce,
    /// An exact copy of an earlier transaction of the block.
    Duplicate,
    /// A transfer or burn of more than the balance, often by one.
    Overspend,
    /// Transfers of which a later one is not covered.
    PartialFailure,
    /// Amounts whose sum overflows.
    SumOverflow,
    /// Counts, amounts and thresholds that are never valid.
    Malformed,
    /// Signatures that do not verify, or that verify without a secret key.
    Forged,
    /// A sender that does not exist.
    UnknownSender,
    /// A transfer, a burn or a fee that leaves exactly nothing of a balance.
    Drained,
    /// The miner of the block spends what only this block gives.
    MinerAhead,
    /// The miner of this block, or of the one before, spends all that it has.
    MinerDrained,
    /// An amount, a fee or a nonce at one of its ends.
    AmountEnd,
}

impl TransactionKind {
    /// The kinds of exact edges, which only extras are made of.
    pub const EDGES: [TransactionKind; 4] = [
        TransactionKind::Drained,
        TransactionKind::MinerAhead,
        TransactionKind::MinerDrained,
        TransactionKind::AmountEnd,
    ];

    /// Every other kind. Their number is a number of choices, and seeds keep their meaning while it
    /// stays.
    pub const ALL: [TransactionKind; 19] = [
        TransactionKind::Plain,
        TransactionKind::ManyTransfers,
        TransactionKind::SelfTransfer,
        TransactionKind::Chain,
        TransactionKind::HotAccount,
        TransactionKind::NewAccount,
        TransactionKind::Miner,
        TransactionKind::InAndOut,
        TransactionKind::Burn,
        TransactionKind::Multisig,
        TransactionKind::MissingCosigner,
        TransactionKind::Nonce,
        TransactionKind::Duplicate,
        TransactionKind::Overspend,
        TransactionKind::PartialFailure,
        TransactionKind::SumOverflow,
        TransactionKind::Malformed,
        TransactionKind::Forged,
        TransactionKind::UnknownSender,
    ];

    /// Its name in the profile that a run prints.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            TransactionKind::Plain => "plain",
            TransactionKind::ManyTransfers => "many-transfers",
            TransactionKind::SelfTransfer => "self-transfer",
            TransactionKind::Chain => "chain",
            TransactionKind::HotAccount => "hot-account",
            TransactionKind::NewAccount => "new-account",
            TransactionKind::Miner => "miner",
            TransactionKind::InAndOut => "in-and-out",
            TransactionKind::Burn => "burn",
            TransactionKind::Multisig => "multisig",
            TransactionKind::MissingCosigner => "missing-cosigner",
            TransactionKind::Nonce => "nonce",
            TransactionKind::Duplicate => "duplicate",
            TransactionKind::Overspend => "overspend",
            TransactionKind::PartialFailure => "partial-failure",
            TransactionKind::SumOverflow => "sum-overflow",
            TransactionKind::Malformed => "malformed",
            TransactionKind::Forged => "forged",
            TransactionKind::UnknownSender => "unknown-sender",
            TransactionKind::Drained => "drained",
            TransactionKind::MinerAhead => "miner-ahead",
            TransactionKind::MinerDrained => "miner-drained",
            TransactionKind::AmountEnd => "amount-end",
        }
    }
}

impl fmt::Display for TransactionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Profile {
    /// Gives a kind of transaction another weight; nothing where the profile does not have the kind.
    pub fn set_weight(&mut self, of: TransactionKind, to: u64) {
        for (kind, weight) in &mut self.weights {
            if *kind == of {
                *weight = to;
            }
        }
    }

    /// Draws a profile without faults.
    pub fn draw(choices: &mut impl Choices, size: Size) -> Self {
        let mut weights: Vec<(TransactionKind, u64)> = TransactionKind::ALL
            .into_iter()
            .map(|kind| {
                let weight = choices.pick(&[0, 0, 1, 2, 4, 8]);
                (kind, weight)
            })
            .collect();
        // Plain transfers are always there, or the state never leaves the genesis.
        weights[0].1 = choices.pick(&[2, 8, 32, 64]);
        Profile {
            blocks: choices.between(1, size.blocks),
            transactions: choices
                .pick(&[
                    size.transactions / 16,
                    size.transactions / 2,
                    size.transactions,
                ])
                .max(1),
            accounts: u32::try_from(choices.between(2, size.accounts))
                .expect("a scenario has few accounts"),
            assets: choices.pick(&[1, 1, 2, 5]),
            max_block_bytes: choices.pick(&[4 << 20, 4 << 20, 4 << 20, 16 << 10]),
            is_huge: choices.chance(1, 4),
            rewinds: choices.pick(&[0, 5, 20]),
            reopens: choices.pick(&[0, 5, 15]),
            block_flaws: choices.pick(&[0, 20, 60]),
            weights,
            // Drawn by the caller that wants faults: streams of choices without them do not change.
            faults: FaultMix::none(),
            tail: Tail::NONE,
            fault_turn: None,
            extra_blocks: 0,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "blocks {}, transactions {}, accounts {}, assets {}, supply {}, block size {} KiB, \
             rewinds {}%, reopens {}%, flaws {}%;",
            self.blocks,
            self.transactions,
            self.accounts,
            self.assets,
            if self.is_huge { "huge" } else { "ordinary" },
            self.max_block_bytes >> 10,
            self.rewinds,
            self.reopens,
            self.block_flaws,
        )?;
        let drawn = self.weights.iter().filter(|(_, weight)| *weight > 0);
        for (index, (kind, weight)) in drawn.enumerate() {
            let separator = if index > 0 { "," } else { "" };
            write!(f, "{separator} {kind} {weight}")?;
        }
        write!(f, "; {}", self.faults)?;
        if self.extra_blocks > 0 {
            write!(f, "; blocks of edges {}", self.extra_blocks)?;
        }
        if let Some(turn) = self.fault_turn {
            write!(f, "; {turn}")?;
        }
        match self.tail.dimension {
            Some(dimension) => write!(f, "; tail of {dimension}: {}", self.tail.most),
            None => Ok(()),
        }
    }
}

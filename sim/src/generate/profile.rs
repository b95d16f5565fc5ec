//! What a scenario is like, drawn before anything else of it.

use std::fmt;

use super::faults::FaultMix;
use lockstep_harness::choice::Choices;

/// How large scenarios may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The most blocks.
    pub blocks: u64,
    /// The most transactions of a block, or a few more.
    pub transactions: u64,
    /// The most accounts at the beginning.
    pub accounts: u64,
}

impl Size {
    /// What a campaign draws.
    pub const CAMPAIGN: Size = Size {
        blocks: 16,
        transactions: 250,
        accounts: 40,
    };
    /// What a fuzzer or a unit test draws.
    pub const SMALL: Size = Size {
        blocks: 4,
        transactions: 8,
        accounts: 5,
    };
}

/// What a scenario is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Blocks that arrive for the first time.
    pub blocks: u64,
    /// The most transactions of a block, or a few more.
    pub transactions: u64,
    /// Accounts at the beginning.
    pub accounts: u32,
    /// Assets at the beginning, the native one among them.
    pub assets: u32,
    /// The most bytes of a block.
    pub max_block_bytes: u64,
    /// Whether there is about as much of an asset as there can be.
    pub is_huge: bool,
    /// In how many of 100 moments, two before each block, blocks are undone.
    pub rewinds: u64,
    /// In how many of 100 moments, two before each block, the ledger is closed and opened.
    pub reopens: u64,
    /// How many of 100 blocks are flawed.
    pub block_flaws: u64,
    /// How often what kind of transaction comes.
    pub weights: Vec<(TransactionKind, u64)>,
    /// How often what goes wrong.
    pub faults: FaultMix,
}

/// A kind of transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransactionKind {
    /// A transfer that should be applied.
    Plain,
    /// Up to 255 of them in one transaction.
    ManyTransfers,
    /// Source and destination are one.
    SelfTransfer,
    /// A to B to X.
    Chain,
    /// Everybody to account 0.
    HotAccount,
    /// To somebody who was never there.
    NewAccount,
    /// By and to the block's miner.
    Miner,
    /// In and out within a block.
    InAndOut,
    /// A burn.
    Burn,
    /// A multisig set, changed, used, removed.
    Multisig,
    /// A multisig that is not satisfied.
    MissingCosigner,
    /// Double and missing nonces.
    Nonce,
    /// The very same transaction again.
    Duplicate,
    /// More than there is, often by one.
    Overspend,
    /// Good transfers before a bad one.
    PartialFailure,
    /// Amounts that overflow in sum.
    SumOverflow,
    /// Counts, amounts and thresholds that cannot be.
    Malformed,
    /// Signatures that do not verify, or do though nobody signed.
    Forged,
    /// A source that was never there.
    UnknownSender,
}

impl TransactionKind {
    /// Every kind.
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
        }
    }
}

impl fmt::Display for TransactionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Profile {
    /// Draws one.
    pub fn draw(choices: &mut impl Choices, size: Size) -> Self {
        let mut weights: Vec<(TransactionKind, u64)> = TransactionKind::ALL
            .into_iter()
            .map(|kind| {
                let weight = choices.pick(&[0, 0, 1, 2, 4, 8]);
                (kind, weight)
            })
            .collect();
        // Something must succeed, or the state never leaves its beginning.
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
            // Drawn by whoever wants any: a stream of choices without them stays what it was.
            faults: FaultMix::none(),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} blocks of {} transactions, {} accounts, {} assets{}, {} KiB, rewinds {}%, reopens {}%, \
             flaws {}%;",
            self.blocks,
            self.transactions,
            self.accounts,
            self.assets,
            if self.is_huge { " up to u64::MAX" } else { "" },
            self.max_block_bytes >> 10,
            self.rewinds,
            self.reopens,
            self.block_flaws,
        )?;
        for (kind, weight) in self.weights.iter().filter(|(_, weight)| *weight > 0) {
            write!(f, " {kind} {weight}")?;
        }
        write!(f, "; {}", self.faults)
    }
}

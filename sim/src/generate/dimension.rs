//! The dimensions of a scenario in which a run can be extreme, their turns in a campaign, and the sizes of such
//! a run.

use std::fmt;

use lockstep_harness::campaign::{RunId, Turns};

/// A dimension of a scenario in which a run can be extreme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// Transactions of a block, of every kind, between few accounts.
    Transactions,
    /// Cells that a block writes: many transactions, between many accounts.
    Cells,
    /// Blocks, each with few transactions.
    Blocks,
    /// Assets.
    Assets,
    /// Participants of a multisig, and cosigners of a transaction.
    Participants,
    /// Blocks that one rewind undoes.
    Rewinds,
    /// Accounts of the genesis.
    Accounts,
    /// Workers of the subjects.
    Workers,
    /// Transfers of a transaction.
    Transfers,
    /// Bytes of a block, up to the limit of the ledger and one beyond.
    Bytes,
}

impl Dimension {
    /// Every one, in order.
    pub const ALL: [Dimension; 10] = [
        Dimension::Transactions,
        Dimension::Cells,
        Dimension::Blocks,
        Dimension::Assets,
        Dimension::Participants,
        Dimension::Rewinds,
        Dimension::Accounts,
        Dimension::Workers,
        Dimension::Transfers,
        Dimension::Bytes,
    ];

    /// Its name in the profile that a run prints.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Dimension::Transactions => "transactions",
            Dimension::Cells => "cells",
            Dimension::Blocks => "blocks",
            Dimension::Assets => "assets",
            Dimension::Participants => "participants",
            Dimension::Rewinds => "rewinds",
            Dimension::Accounts => "accounts",
            Dimension::Workers => "workers",
            Dimension::Transfers => "transfers",
            Dimension::Bytes => "bytes",
        }
    }

    /// True if its blocks have thousands of transactions.
    pub(super) const fn is_of_large_blocks(self) -> bool {
        matches!(self, Dimension::Transactions | Dimension::Cells)
    }

    /// Returns the dimension in which a run of a campaign is extreme; `None` for an ordinary run.
    #[must_use]
    pub fn of_run(run: RunId) -> Option<Dimension> {
        TURNS.of_run(run).map(|turn| turn.value)
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One run of seven is extreme in a dimension, and one other is the turn of a kind of fault.
pub(super) const EVERY: u64 = 7;

/// The turns of the dimensions. Those that cost little have two.
pub(super) const TURNS: Turns<Dimension> = Turns {
    every: EVERY,
    first: 4,
    of: &OF_DIMENSIONS,
};

const OF_DIMENSIONS: [Dimension; 13] = [
    Dimension::Workers,
    Dimension::Cells,
    Dimension::Assets,
    Dimension::Participants,
    Dimension::Blocks,
    Dimension::Transactions,
    Dimension::Rewinds,
    Dimension::Accounts,
    Dimension::Bytes,
    Dimension::Transfers,
    Dimension::Participants,
    Dimension::Workers,
    Dimension::Assets,
];

/// The sizes of one run beyond those of [`Size`](super::Size).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The dimension in which the run is extreme; `None` for an ordinary run.
    pub dimension: Option<Dimension>,
    /// The extreme size.
    pub most: u64,
    /// Exact number of transactions of the first blocks; drawn where there is none.
    pub lengths: Vec<u64>,
    /// Maximum number of participants of a multisig.
    pub participants: u64,
    /// Maximum number of blocks that one rewind undoes.
    pub depth: u64,
    /// Number of workers of the subjects; `None` for the usual ones.
    pub workers: Option<u32>,
    /// Number of bytes by which the limit of a block is less than the length of one of the drawn blocks.
    pub bytes_below_block: Option<u64>,
}

impl Tail {
    /// An ordinary run.
    pub const NONE: Tail = Tail {
        dimension: None,
        most: 0,
        lengths: Vec::new(),
        participants: 4,
        depth: 4,
        workers: None,
        bytes_below_block: None,
    };
}

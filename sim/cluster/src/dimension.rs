//! The dimensions in which a cluster can be extreme, and their turns in a campaign.

use std::fmt;

use lockstep_harness::campaign::{RunId, Turns};

/// A dimension in which a run can be extreme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// Blocks of the chain, each with few transactions.
    Blocks,
    /// Blocks of a branch that competes with the chain, and so the depth of a reorganisation.
    Branches,
    /// Transactions of a block.
    Transactions,
    /// Participants of a multisig, and cosigners of a transaction.
    Participants,
    /// Nodes.
    Nodes,
    /// Workers of each node.
    Workers,
}

/// The turns of the dimensions.
pub(super) const TURNS: Turns<Dimension> = Turns {
    every: 7,
    first: 3,
    of: &OF_DIMENSIONS,
};

const OF_DIMENSIONS: [Dimension; 7] = [
    Dimension::Branches,
    Dimension::Workers,
    Dimension::Blocks,
    Dimension::Transactions,
    Dimension::Nodes,
    Dimension::Participants,
    Dimension::Branches,
];

/// The dimension in which a run is extreme, and its size there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodesTail {
    /// The dimension.
    pub dimension: Dimension,
    /// The extreme size.
    pub most: u64,
}

impl Dimension {
    /// Returns the dimension in which a run of a campaign is extreme; `None` for an ordinary run.
    #[must_use]
    pub fn of_run(run: RunId) -> Option<Dimension> {
        TURNS.of_run(run).map(|turn| turn.value)
    }

    const fn name(self) -> &'static str {
        match self {
            Dimension::Blocks => "blocks",
            Dimension::Branches => "branches",
            Dimension::Transactions => "transactions",
            Dimension::Participants => "participants",
            Dimension::Nodes => "nodes",
            Dimension::Workers => "workers",
        }
    }
}

impl fmt::Display for NodesTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tail of {}: {}", self.dimension.name(), self.most)
    }
}

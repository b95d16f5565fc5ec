//! The dimensions in which a cluster can be extreme, and their turns in a campaign.

use std::fmt;

use lockstep_harness::campaign::RunId;

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

/// One run of N has a tail.
const EVERY: u64 = 7;
/// The first run of seed 0 with a tail.
const FIRST: u64 = 3;

/// The turns of the dimensions, a prime number of them: every shard gets its share of each.
pub(super) const TURNS: [Dimension; 7] = [
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
        let at = run.seed.wrapping_add(run.run);
        let turn = usize::try_from(at / EVERY % TURNS.len() as u64).expect("turns are few");
        (at % EVERY == FIRST).then_some(TURNS[turn])
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_dimension_has_its_turn_within_49_runs_of_any_seed_and_any_shard() {
        for seed in 0..20 {
            for of in [1, 2, 3, 4, 5, 6, 8] {
                for index in 0..of {
                    let runs = (0..EVERY * TURNS.len() as u64).map(|at| at * of + index);
                    let seen: BTreeSet<Dimension> = runs
                        .filter_map(|run| Dimension::of_run(RunId { seed, run }))
                        .collect();
                    assert_eq!(seen.len(), 6, "shard {index}/{of}");
                }
            }
        }
    }
}

//! Heavy tails of clusters: rare runs that are extreme in one dimension and small in all others.
//!
//! Every node executes every block, so an ordinary run has few and small ones. Every seventh run of a
//! campaign has a tail, and the dimensions take turns: a campaign of 49 runs has had each.

use lockstep_harness::choice::Choices;
use lockstep_sim::generate::{self, Profile, Size, TransactionKind};

use super::dimension::{Dimension, NodesTail};
use super::draw::{self, NodesProfile};
use super::scenario::NodesScenario;

/// Bounds in every other dimension.
const SMALL: Size = Size {
    blocks: 8,
    transactions: 8,
    accounts: 6,
};

/// Draws a profile that is extreme in this dimension, and a run of that profile.
pub fn scenario(choices: &mut impl Choices, dimension: Dimension) -> (NodesProfile, NodesScenario) {
    let mut ledger = Profile::draw(choices, SMALL);
    ledger.is_huge = false;
    ledger.max_block_bytes = 16 << 20;
    ledger.block_flaws = ledger.block_flaws.min(10);
    ledger.rewinds = choices.pick(&[0, 10, 25]);
    let most = stretch(&mut ledger, dimension, choices);
    let (genesis, grown) = generate::tree_of(choices, &ledger);
    let mut profile = NodesProfile::draw(choices, ledger);
    match dimension {
        Dimension::Nodes => profile.nodes = most,
        // Each message of each block would have a fault.
        Dimension::Blocks | Dimension::Branches => {
            profile.lost = profile.lost.min(2);
            profile.late = profile.late.min(2);
            profile.twice = profile.twice.min(2);
        }
        _ => {}
    }
    profile.tail = Some(NodesTail { dimension, most });
    let mut scenario = draw::of_profile(choices, &profile, genesis, grown);
    if dimension == Dimension::Workers {
        scenario.set_workers(usize::try_from(most).expect("workers are few"));
    }
    (profile, scenario)
}

/// Makes a small profile of the blocks extreme in one dimension, and returns the size there.
fn stretch(ledger: &mut Profile, dimension: Dimension, choices: &mut impl Choices) -> u64 {
    match dimension {
        Dimension::Blocks => {
            let most = choices.between(80, 140);
            ledger.blocks = most;
            ledger.transactions = 2;
            ledger.rewinds = 1;
            ledger.block_flaws = 0;
            most
        }
        Dimension::Branches => {
            let most = choices.between(12, 24);
            ledger.blocks = 2 * most;
            ledger.transactions = 2;
            ledger.rewinds = 12;
            ledger.tail.depth = most;
            most
        }
        Dimension::Transactions => {
            let most = choices.between(256, 600);
            ledger.blocks = 3;
            ledger.block_flaws = 0;
            ledger.tail.lengths = vec![most, most / 2];
            ledger.set_weight(TransactionKind::ManyTransfers, 0);
            most
        }
        Dimension::Participants => {
            let most = choices.between(66, 255);
            ledger.accounts = ledger.accounts.min(4);
            ledger.tail.participants = most;
            ledger.tail.lengths = vec![8, 8, 8];
            ledger.block_flaws = 0;
            ledger.set_weight(TransactionKind::Multisig, 32);
            ledger.set_weight(TransactionKind::MissingCosigner, 8);
            ledger.set_weight(TransactionKind::Malformed, 0);
            most
        }
        Dimension::Nodes => choices.between(8, 16),
        Dimension::Workers => {
            let most = choices.between(16, 32);
            ledger.tail.lengths = vec![most * 4, most];
            most
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dimension::TURNS;
    use super::*;
    use lockstep_harness::choice::Seeded;

    #[test]
    fn a_run_with_a_tail_is_extreme_in_its_dimension_alone() {
        for dimension in TURNS.of.iter().copied() {
            let (profile, scenario) = scenario(&mut Seeded::new(4, 0), dimension);
            let longest = scenario
                .blocks
                .iter()
                .map(|mined| mined.block.transactions.len())
                .max();
            let sizes = [
                (Dimension::Blocks, scenario.blocks.len() > 64),
                (Dimension::Transactions, longest > Some(255)),
                (Dimension::Nodes, scenario.nodes.len() > 7),
                (
                    Dimension::Workers,
                    scenario.nodes.iter().all(|node| node.workers > 15),
                ),
            ];
            for (one, is_extreme) in sizes {
                assert_eq!(is_extreme, one == dimension, "{one:?} of {profile}");
            }
            assert_eq!(scenario.check(), Ok(()), "{profile}");
        }
    }
}

//! Heavy tails: rare runs that are extreme in one dimension and small in all others.
//!
//! An ordinary run stays well inside the sizes at which core changes its ways
//! ([`lockstep_core::sizes`]), because many small runs find more than few large ones. So every
//! seventh run of a campaign has a tail. Its dimension is not drawn: the dimensions take turns, and
//! a campaign of 91 runs has had each. The size in that dimension is drawn: in some turns at one of core's
//! sizes or one beside it, in the others far beyond, so that three turns have had all of a dimension.

use lockstep_harness::choice::Choices;

use super::dimension::{Dimension, Tail};
use super::profile::{Profile, TransactionKind};
use super::wallet::encoded_bytes;
use super::{FaultMix, Generator, Size};
use crate::scenario::{Scenario, Step};

/// Bounds of the runs with a tail, in every other dimension.
const SMALL: Size = Size {
    blocks: 3,
    transactions: 16,
    accounts: 8,
};

impl Tail {
    /// Draws the profile of a turn of this dimension, which had `turn` of them before.
    pub(super) fn draw(dimension: Dimension, turn: u64, choices: &mut impl Choices) -> Profile {
        let mut profile = Profile::draw(choices, SMALL);
        profile.is_huge = false;
        profile.faults = FaultMix::none();
        let most = extreme(dimension, turn, choices);
        profile.tail = Tail {
            dimension: Some(dimension),
            most,
            ..Tail::NONE
        };
        stretch(&mut profile, dimension, most, choices);
        if dimension == Dimension::Bytes {
            profile.tail.bytes_below_block = Some(turn % 2);
        }
        profile
    }
}

/// Draws a size at, or one beside, one of these.
fn beside(choices: &mut impl Choices, sizes: &[u64]) -> u64 {
    let size = choices.pick(sizes);
    choices.pick(&[size - 1, size, size + 1])
}

/// Draws the size of a tail. The turns of a dimension draw from different ranges.
fn extreme(dimension: Dimension, turn: u64, choices: &mut impl Choices) -> u64 {
    match (dimension, turn % 6) {
        (Dimension::Transactions, 1 | 3 | 5) => beside(choices, &[1_024, 4_096]),
        (Dimension::Transactions, _) => choices.between(4_097, 5_500),
        // A transfer writes four cells, and a few more are written for all.
        (Dimension::Cells, 2 | 5) => beside(choices, &[1_023, 1_024]),
        (Dimension::Cells, _) => choices.between(1_300, 1_700),
        (Dimension::Blocks, 1 | 4) => choices.between(101, 160),
        (Dimension::Blocks, 2 | 5) => beside(choices, &[64, 128]),
        (Dimension::Blocks, _) => choices.between(257, 320),
        (Dimension::Assets, 2 | 5) => beside(choices, &[8, 16]),
        (Dimension::Assets, _) => choices.between(18, 64),
        (Dimension::Participants, 1 | 4) => choices.pick(&[254, 255]),
        (Dimension::Participants, 2) => beside(choices, &[8, 64, 128]),
        (Dimension::Participants, _) => choices.between(66, 255),
        (Dimension::Rewinds, _) => choices.between(12, 48),
        (Dimension::Accounts, 2 | 5) => beside(choices, &[1_024, 4_096]),
        (Dimension::Accounts, _) => choices.between(4_200, 8_000),
        (Dimension::Workers, 2 | 5) => choices.between(1, 15),
        (Dimension::Workers, _) => choices.between(16, 32),
        (Dimension::Transfers, 1 | 3 | 5) => choices.pick(&[128, 254]),
        (Dimension::Transfers, _) => 255,
        (Dimension::Bytes, _) => choices.between(1, 200),
    }
}

/// Makes a small profile extreme in one dimension.
fn stretch(profile: &mut Profile, dimension: Dimension, most: u64, choices: &mut impl Choices) {
    // A transaction of each of these kinds is as large as hundreds of others.
    if dimension.is_of_large_blocks() {
        profile.max_block_bytes = 64 << 20;
        profile.block_flaws = 0;
        profile.set_weight(TransactionKind::ManyTransfers, 0);
        profile.set_weight(TransactionKind::Malformed, 0);
    }
    let small = |number: u64| u32::try_from(number).expect("sizes are small numbers");
    match dimension {
        Dimension::Transactions => {
            profile.accounts = small(choices.between(8, 200));
            profile.blocks = 2;
            profile.rewinds = choices.pick(&[0, 40]);
            profile.tail.lengths = vec![beside(choices, &[8, 48, 128, 256, 512]), most];
            profile.set_weight(TransactionKind::ManyTransfers, 1);
            profile.set_weight(TransactionKind::Malformed, 1);
            profile.set_weight(TransactionKind::Plain, 512);
            profile.set_weight(TransactionKind::Chain, 16);
        }
        Dimension::Cells => {
            // Nearly every transaction has a source of its own.
            profile.accounts = small(most * 4);
            profile.assets = 1;
            profile.blocks = 1;
            profile.reopens = 0;
            profile.tail.lengths = vec![most];
            profile.set_weight(TransactionKind::Plain, 16);
            profile.set_weight(TransactionKind::NewAccount, 1_024);
        }
        Dimension::Blocks => {
            profile.blocks = most;
            profile.transactions = 2;
            profile.accounts = profile.accounts.min(4);
            profile.rewinds = 1;
            profile.reopens = 0;
            profile.block_flaws = 0;
            profile.set_weight(TransactionKind::ManyTransfers, 0);
            profile.set_weight(TransactionKind::Malformed, 0);
        }
        Dimension::Assets => {
            profile.assets = small(most);
            profile.accounts = profile.accounts.min(4);
            profile.blocks = 3;
            profile.tail.lengths = vec![12, 12];
            profile.set_weight(TransactionKind::ManyTransfers, 64);
            profile.set_weight(TransactionKind::Burn, 16);
        }
        Dimension::Participants => {
            profile.tail.participants = most;
            profile.tail.lengths = vec![6, 12, 6];
            profile.blocks = 3;
            profile.accounts = profile.accounts.min(4);
            profile.max_block_bytes = 4 << 20;
            profile.block_flaws = 0;
            profile.set_weight(TransactionKind::Multisig, 32);
            profile.set_weight(TransactionKind::MissingCosigner, 8);
            profile.set_weight(TransactionKind::Plain, 32);
        }
        Dimension::Rewinds => {
            profile.blocks = most;
            profile.tail.depth = most;
            profile.transactions = 3;
            profile.rewinds = 8;
            profile.reopens = profile.reopens.min(2);
            profile.block_flaws = profile.block_flaws.min(20);
            profile.set_weight(TransactionKind::ManyTransfers, 0);
            profile.set_weight(TransactionKind::Malformed, 0);
        }
        Dimension::Accounts => {
            profile.accounts = small(most);
            profile.assets = 1;
            profile.blocks = 1;
            profile.tail.lengths = vec![32];
            profile.rewinds = choices.pick(&[0, 40]);
            profile.reopens = profile.reopens.min(5);
        }
        Dimension::Workers => {
            profile.tail.workers = Some(small(most));
            profile.blocks = profile.blocks.max(2);
            profile.tail.lengths = vec![beside(choices, &[most * 8, 256])];
        }
        Dimension::Transfers => {
            profile.tail.lengths = vec![4, 4];
            profile.set_weight(TransactionKind::ManyTransfers, 64);
        }
        Dimension::Bytes => {
            profile.transactions = most;
            profile.blocks = 3;
            profile.block_flaws = 0;
        }
    }
}

/// Number of blocks below which a rewind is not deep.
const DEEP: u64 = 9;

impl<C: Choices> Generator<'_, C> {
    /// Appends what a run of this dimension must not lack: a rewind of a long chain, and a block behind it.
    pub(super) fn last_of_tail(&mut self, dimension: Dimension, steps: &mut Vec<Step>) {
        let depth = match dimension {
            Dimension::Rewinds => DEEP..=u64::MAX,
            Dimension::Blocks => 1..=DEEP,
            _ => return,
        };
        // Earlier rewinds and flaws may have left a short chain. Bounded: every block may have a flaw.
        for _ in 0..4 * DEEP {
            if self.wallet.height() as u64 > DEEP {
                break;
            }
            let block = self.block();
            steps.push(Step::Block(block));
        }
        let height = self.wallet.height() as u64;
        let most = height.min(*depth.end());
        let depth = self.choices.between((*depth.start()).min(most), most);
        self.undone = self.wallet.rewind(depth);
        steps.push(Step::Rewind(depth));
        let block = self.block();
        steps.push(Step::Block(block));
    }
}

/// Lowers the limit of a block to the length of one of the drawn blocks, or to fewer bytes: of the
/// blocks that are longer than the limit each must be refused.
pub(super) fn limit_bytes(scenario: &mut Scenario, less: u64, choices: &mut impl Choices) {
    let lengths: Vec<u64> = scenario
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Block(block) => Some(encoded_bytes(block)),
            _ => None,
        })
        .collect();
    if !lengths.is_empty() {
        scenario.genesis.max_block_bytes = choices.pick(&lengths) - less;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::dimension::TURNS;
    use super::*;
    use lockstep_harness::campaign::RunId;

    #[test]
    fn every_dimension_has_a_turn() {
        let of: BTreeSet<Dimension> = TURNS.of.iter().copied().collect();
        assert_eq!(of, Dimension::ALL.into());
    }

    #[test]
    fn one_run_of_seven_has_a_tail() {
        let tails = (0..700).filter(|run| {
            let run = RunId { seed: 3, run: *run };
            Dimension::of_run(run).is_some()
        });
        assert_eq!(tails.count(), 100);
    }
}

//! Blocks that come and go.

use lockstep_core::model::{Block, Cell, Genesis, Height, Value};
use lockstep_core::storage::MemoryStorage;

use lockstep_harness::choice::{Choices, FromBytes};
use lockstep_sim::from_bytes;
use lockstep_sim::generate::Size;
use lockstep_sim::oracle::Oracle;
use lockstep_sim::scenario::build::{self, Keys};
use lockstep_sim::scenario::{BlockRecipe, Scenario, Step};
use lockstep_sim::subject::{Core, Subject, SubjectError};
use lockstep_sim::world::World;

const SIZE: Size = Size {
    blocks: 3,
    transactions: 2,
    accounts: 3,
};

/// Signatures that are verified for one input: a block that comes again is executed again.
const SIGNATURES: usize = 2;

/// Steps of one input.
const MOST_STEPS: u64 = 10;

/// After any sequence of blocks, rewinds and restarts the ledger is, in everything that can be seen
/// of it and in every byte that it keeps, what it was when it had that height before; the block that
/// was undone is taken again and leads to the same; and at each height below the tip the history
/// says what the ledger was then.
///
/// # Panics
///
/// On a finding.
pub fn rewind(data: &[u8]) {
    is_a_stack_of_states(data, Core::in_memory, in_history);
}

/// Value of a cell at a height, from core's history.
fn in_history(
    core: &Core<MemoryStorage>,
    cell: Cell,
    height: Height,
) -> Result<Option<Value>, SubjectError> {
    Ok(core.chain()?.value_at(cell, height)?)
}

/// A ledger at one height, as it was there first.
struct Level {
    world: World,
    bytes: blake3::Hash,
    /// The block of that height; the genesis has none.
    block: Option<Block>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Move {
    /// The next block of the scenario.
    Add,
    /// A block without a transaction, by this miner.
    AddEmpty(u32),
    /// Number of blocks to undo, as far as there are.
    Rewind(usize),
    /// Number of the blocks that were undone to add again.
    Again(usize),
    /// A rewind to where nothing ever was.
    AboveTip,
    Reopen,
}

/// Draws the moves, the depth to which history is compared after each, and the scenario whose blocks
/// are added.
pub(super) fn drawn(choices: &mut impl Choices) -> (Vec<Move>, usize, Scenario) {
    let moves = moves(choices);
    let looks_back = usize::try_from(choices.below(4)).expect("it is small");
    (
        moves,
        looks_back,
        from_bytes::scenario(choices, SIZE, SIGNATURES),
    )
}

fn moves(choices: &mut impl Choices) -> Vec<Move> {
    let count = choices.between(1, MOST_STEPS);
    let mut some = |most| usize::try_from(choices.between(1, most)).expect("it is small");
    (0..count)
        .map(|_| match some(16) {
            1..=4 => Move::Add,
            number @ 5..=8 => Move::AddEmpty(u32::try_from(number - 5).expect("it is small")),
            number @ 9..=11 => Move::Rewind(number - 8),
            12 => Move::Rewind(some(16)),
            number @ 13..=14 => Move::Again(number - 12),
            15 => Move::AboveTip,
            _ => Move::Reopen,
        })
        .collect()
}

fn is_a_stack_of_states<S: Subject>(
    data: &[u8],
    subject: impl Fn(&Genesis, u64) -> Result<S, SubjectError>,
    in_history: impl Fn(&S, Cell, Height) -> Result<Option<Value>, SubjectError>,
) {
    let (moves, looks_back, scenario) = drawn(&mut FromBytes(data));
    let mut keys = Keys::default();
    let genesis = build::genesis(&scenario.genesis, &mut keys);
    let Ok(oracle) = Oracle::new(&genesis) else {
        return;
    };
    let subject = subject(&genesis, scenario.hash_seed).expect("a possible genesis is taken");
    let recipes = scenario.steps.into_iter().filter_map(|step| match step {
        Step::Block(recipe) => Some(recipe),
        _ => None,
    });
    let mut recipes = recipes.collect::<Vec<_>>().into_iter();
    let mut ledgers = Ledgers::new(genesis, oracle, subject);
    for step in moves {
        match step {
            Move::Add => {
                if let Some(recipe) = recipes.next() {
                    ledgers.arrive(&recipe, &mut keys);
                }
            }
            Move::AddEmpty(miner) => {
                let recipe = BlockRecipe {
                    miner,
                    later_ms: 1,
                    flaw: None,
                    transactions: Vec::new(),
                };
                ledgers.arrive(&recipe, &mut keys);
            }
            Move::Rewind(depth) => ledgers.rewind(depth),
            Move::Again(count) => ledgers.again(count),
            Move::AboveTip => ledgers.above_the_tip(),
            Move::Reopen => ledgers.subject.reopen().expect("memory does not fail"),
        }
        ledgers.compare(&format!("{step:?}"));
        ledgers.compare_history(looks_back, &in_history);
    }
}

struct Ledgers<S> {
    genesis: Genesis,
    oracle: Oracle,
    subject: S,
    /// From the genesis to the tip.
    stack: Vec<Level>,
    /// Levels that were undone since the last other block, the highest first.
    undone: Vec<Level>,
    signatures_left: usize,
}

impl<S: Subject> Ledgers<S> {
    fn new(genesis: Genesis, oracle: Oracle, subject: S) -> Self {
        let world = oracle.world().clone();
        let bytes = subject.bytes_kept().expect("memory does not fail");
        Ledgers {
            genesis,
            oracle,
            subject,
            stack: vec![Level {
                world,
                bytes,
                block: None,
            }],
            undone: Vec::new(),
            // Each of them once more.
            signatures_left: 2 * SIGNATURES,
        }
    }

    fn arrive(&mut self, recipe: &BlockRecipe, keys: &mut Keys) {
        let bytes = build::block(recipe, &self.genesis.rules, self.oracle.world(), keys);
        if let Ok(block) = lockstep_core::codec::decode_block(&bytes, u64::MAX)
            && self.add(&block)
        {
            self.undone.clear();
            self.stack.push(Level {
                world: self.oracle.world().clone(),
                bytes: self.subject.bytes_kept().expect("memory does not fail"),
                block: Some(block),
            });
        }
    }

    /// True if a block was accepted, on which both must agree.
    fn add(&mut self, block: &Block) -> bool {
        let signatures = block.transactions.iter();
        let signatures = signatures.map(|one| 1 + one.cosignatures.len()).sum();
        let Some(left) = self.signatures_left.checked_sub(signatures) else {
            return false;
        };
        self.signatures_left = left;
        let expected = self.oracle.add_block(block);
        match self.subject.add_block(block) {
            Ok(got) => {
                assert_eq!(Ok(got), expected, "a block does what it does serially");
                true
            }
            Err(SubjectError::Refused(refusal)) => {
                assert_eq!(Err(refusal), expected, "a block is refused as it should be");
                false
            }
            Err(error) => panic!("a block is taken or refused: {error}"),
        }
    }

    fn rewind(&mut self, depth: usize) {
        let depth = depth.min(self.stack.len() - 1);
        let height = Height((self.stack.len() - 1 - depth) as u64);
        self.oracle
            .rewind_to(height)
            .expect("the height is not above the tip");
        self.subject
            .rewind_to(height)
            .expect("memory does not fail");
        let undone = self.stack.split_off(self.stack.len() - depth);
        self.undone.extend(undone.into_iter().rev());
    }

    fn again(&mut self, count: usize) {
        for _ in 0..count {
            let Some(level) = self.undone.pop() else {
                return;
            };
            let block = level.block.clone().expect("the genesis is never undone");
            if !self.add(&block) {
                // Too much was verified already.
                self.undone.push(level);
                return;
            }
            self.stack.push(level);
            self.compare("again");
        }
    }

    fn above_the_tip(&mut self) {
        let above = self.subject.rewind_to(Height(self.stack.len() as u64));
        assert!(above.is_err(), "there is no height above the tip to go to");
    }

    fn compare(&self, step: &str) {
        let level = self.stack.last().expect("the genesis is never undone");
        assert_eq!(
            &level.world,
            self.oracle.world(),
            "the oracle is where it was"
        );
        let world = self.subject.world().expect("what is kept makes sense");
        assert_eq!(world, level.world, "after {step} the ledger is what it was");
        let bytes = self.subject.bytes_kept().expect("memory does not fail");
        assert_eq!(
            bytes, level.bytes,
            "after {step} the ledger keeps what it kept at height {}",
            level.world.height
        );
    }

    fn compare_history(
        &self,
        looks_back: usize,
        in_history: impl Fn(&S, Cell, Height) -> Result<Option<Value>, SubjectError>,
    ) {
        let now = self.stack.last().expect("the genesis is never undone");
        let then = &self.stack[self.stack.len() - 1 - looks_back.min(self.stack.len() - 1)];
        for cell in now.world.cells.keys() {
            let value = in_history(&self.subject, *cell, then.world.height);
            assert_eq!(
                value.expect("what is kept makes sense").as_ref(),
                then.world.newest(*cell),
                "the history says what {cell:?} was at height {}",
                then.world.height
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_harness::choice::Seeded;
    use lockstep_sim::canary::{Canary, CanaryBug};

    fn bytes(run: u64) -> Vec<u8> {
        let mut choices = Seeded::new(0, run);
        (0..200)
            .map(|_| u8::try_from(choices.below(256)).expect("a byte is below 256"))
            .collect()
    }

    #[test]
    fn core_violates_nothing() {
        for run in 0..40 {
            rewind(&bytes(run));
        }
    }

    #[test]
    #[should_panic(expected = "the ledger is what it was")]
    fn a_rewind_that_does_nothing_is_found() {
        for run in 0..40 {
            is_a_stack_of_states(
                &bytes(run),
                |genesis, _| Canary::new(genesis, CanaryBug::RewindForgotten),
                |canary, cell, height| {
                    let world = canary.world()?;
                    let versions = world.cells.get(&cell).into_iter().flatten();
                    let version = versions.rev().find(|version| version.height <= height);
                    Ok(version.map(|version| version.value.clone()))
                },
            );
        }
    }

    #[test]
    #[should_panic(expected = "the history says what")]
    fn a_history_that_only_knows_today_is_found() {
        for run in 0..40 {
            is_a_stack_of_states(&bytes(run), Core::in_memory, |core, cell, _| {
                in_history(core, cell, Height(u64::MAX))
            });
        }
    }
}

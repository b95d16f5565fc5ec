//! A chain of blocks, one of which is the target of crashes.

use std::fmt;

use lockstep_core::codec;
use lockstep_core::model::{Block, Genesis};

use crate::disk::CrashPoint;
use crate::generate::{self, Size};
use crate::oracle::Oracle;
use crate::reproducer::Reproducer;
use crate::scenario::build::{self, Keys};
use crate::scenario::{BlockRecipe, Fault, GenesisRecipe, Scenario, Step, TransactionRecipe};
use crate::world::{BlockResult, World};
use lockstep_harness::choice::Seeded;

/// A chain with the oracle's results of its blocks.
#[derive(Clone, Debug)]
pub struct Chain {
    pub(super) genesis: Genesis,
    pub(super) hash_seed: u64,
    recipe: GenesisRecipe,
    recipes: Vec<BlockRecipe>,
    blocks: Vec<Block>,
    results: Vec<BlockResult>,
    /// Worlds at each height, from the genesis on.
    worlds: Vec<World>,
    /// Number of the target block, counted from 0.
    target_block: usize,
}

/// Number of chains from which the best is chosen.
const CANDIDATES: usize = 8;

/// Size of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainSize {
    /// Number of transactions in each block.
    pub transactions: usize,
    /// Number of blocks before the target.
    pub before: usize,
    /// Number of blocks after the target.
    pub after: usize,
}

impl ChainSize {
    /// Default of `lockstep crash`.
    pub const DEFAULT: ChainSize = ChainSize {
        transactions: 20,
        before: 3,
        after: 3,
    };
    /// Enough for a seeded bug.
    pub const SMALL: ChainSize = ChainSize {
        transactions: 4,
        before: 1,
        after: 1,
    };
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target_block = &self.results[self.target_block];
        write!(
            f,
            "blocks {}, target block {}, transactions {}, applied {}, cells changed {}",
            self.blocks.len(),
            self.target_block + 1,
            target_block.receipts.len(),
            self.applied(),
            target_block.state_diff.len(),
        )
    }
}

impl Chain {
    /// Draws transactions as a campaign does, and cuts them into blocks of one size. Of several
    /// such chains returns the one whose target block applies the most.
    ///
    /// # Panics
    ///
    /// Panics if a block is to have no transactions.
    #[must_use]
    pub fn drawn(seed: u64, size: ChainSize) -> Self {
        assert!(size.transactions > 0, "a target block has transactions");
        let ChainSize {
            transactions,
            before,
            after,
        } = size;
        let needed = transactions * (before + 1 + after);
        let chains = (0..)
            .map(|run| one(seed, run, needed))
            .filter(|(_, all)| all.len() >= needed)
            .map(|(scenario, all)| {
                let recipes = all
                    .chunks(transactions)
                    .take(before + 1 + after)
                    .zip(0..)
                    .map(|(chunk, number)| BlockRecipe {
                        miner: number,
                        later_ms: 1,
                        flaw: None,
                        transactions: chunk.to_vec(),
                    });
                Chain::of(scenario, recipes.collect(), before)
            });
        chains
            .take(CANDIDATES)
            .max_by_key(Chain::applied)
            .expect("there are candidates")
    }

    /// Number of applied transactions of the target block.
    fn applied(&self) -> usize {
        let receipts = &self.results[self.target_block].receipts;
        receipts.iter().filter(|of| of.is_applied()).count()
    }

    fn of(scenario: Scenario, recipes: Vec<BlockRecipe>, target_block: usize) -> Self {
        let mut keys = Keys::default();
        let mut recipe = scenario.genesis;
        // Room for every block: the drawn limit does not apply.
        recipe.max_block_bytes = u64::MAX;
        let genesis = build::genesis(&recipe, &mut keys);
        let mut oracle = Oracle::new(&genesis).expect("a drawn genesis is possible");
        let (mut blocks, mut results) = (Vec::new(), Vec::new());
        let mut worlds = vec![oracle.world().clone()];
        for recipe in &recipes {
            let bytes = build::block(recipe, &genesis.rules, oracle.world(), &mut keys);
            let block = codec::decode_block(&bytes, u64::MAX).expect("it has no flaw");
            let result = oracle.add_block(&block).expect("it has no flaw");
            blocks.push(block);
            results.push(result);
            worlds.push(oracle.world().clone());
        }
        Chain {
            genesis,
            hash_seed: scenario.hash_seed,
            recipe,
            recipes,
            blocks,
            results,
            worlds,
            target_block,
        }
    }

    /// Returns the genesis.
    #[must_use]
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Returns all blocks, the lowest first.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Returns the number of the target block, counted from 0.
    #[must_use]
    pub const fn target_number(&self) -> usize {
        self.target_block
    }

    /// Returns the target block.
    #[must_use]
    pub fn target_block(&self) -> &Block {
        &self.blocks[self.target_block]
    }

    /// Returns the blocks before the target.
    #[must_use]
    pub fn before(&self) -> &[Block] {
        &self.blocks[..self.target_block]
    }

    /// Returns the oracle's result of a block.
    #[must_use]
    pub fn result(&self, number: usize) -> &BlockResult {
        &self.results[number]
    }

    /// Returns the world before the target block.
    #[must_use]
    pub fn world_before(&self) -> &World {
        &self.worlds[self.target_block]
    }

    /// Returns the world after a block.
    #[must_use]
    pub fn world_after(&self, number: usize) -> &World {
        &self.worlds[number + 1]
    }

    /// Index of the step of [`Chain::with_a_crash`] that adds a block.
    pub(super) const fn step_of(&self, number: usize) -> usize {
        // The crash is a step before the target block.
        if number < self.target_block {
            number
        } else {
            number + 1
        }
    }

    /// Returns the chain as a run with one crash.
    pub(super) fn with_a_crash(&self, point: CrashPoint, invariant: &str) -> Reproducer {
        let CrashPoint { at, loss, .. } = point;
        self.with_a_fault(Fault::Crash { at, loss }, invariant)
    }

    /// Returns the chain as a run with a fault that is never reached: only a run with faults has a ledger on
    /// a simulated disk.
    pub(super) fn without_a_crash(&self, invariant: &str) -> Reproducer {
        self.with_a_fault(Fault::ReadFails { at: u64::MAX }, invariant)
    }

    fn with_a_fault(&self, fault: Fault, invariant: &str) -> Reproducer {
        let mut steps: Vec<Step> = self.recipes.iter().cloned().map(Step::Block).collect();
        steps.insert(self.target_block, Step::Fault(fault));
        Reproducer::new(
            invariant,
            Scenario {
                genesis: self.recipe.clone(),
                hash_seed: self.hash_seed,
                workers: None,
                steps,
            },
        )
    }
}

/// Draws a scenario, and collects the transactions of its blocks without a flaw; none of a scenario
/// that rewinds, after which their nonces would be used.
fn one(seed: u64, run: u64, needed: usize) -> (Scenario, Vec<TransactionRecipe>) {
    let size = Size {
        blocks: 16,
        transactions: needed as u64,
        accounts: 24,
    };
    let (_, scenario) = generate::scenario(&mut Seeded::new(seed, run), size);
    let rewinds = |step: &Step| matches!(step, Step::Rewind(_));
    if scenario.steps.iter().any(rewinds) {
        return (scenario, Vec::new());
    }
    let all = scenario
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Block(block) if block.flaw.is_none() => Some(&block.transactions),
            _ => None,
        })
        .flatten()
        .cloned()
        .collect();
    (scenario, all)
}

//! The block tree of a run, with the oracle's answer to each block.
//!
//! The oracle knows no branches: it is driven through the tree depth first, rewound to where a branch
//! forks and then along it. Every node must give the same answers, in whatever order blocks reach it.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep_core::codec;
use lockstep_core::model::{Block, Genesis, Hash, Height, Refusal};

use super::coverage::point;
use super::scenario::NodesScenario;
use lockstep_harness::coverage::Coverage;
use lockstep_sim::oracle::Oracle;
use lockstep_sim::scenario::build::{self, Keys};
use lockstep_sim::world::{BlockResult, World};

/// All blocks of a run, with the expected answers.
pub(super) struct Tree {
    pub(super) genesis: Genesis,
    /// The ledger at height 0.
    pub(super) beginning: World,
    /// The blocks, in the order of the scenario.
    pub(super) blocks: Vec<Answered>,
    /// Index of a block, by the hash of its bytes.
    by_bytes: BTreeMap<Hash, usize>,
    /// Index of a block, by the hash of its header.
    by_hash: BTreeMap<Hash, usize>,
}

/// A block as it is sent, with the oracle's answer.
pub(super) struct Answered {
    pub(super) name: u32,
    pub(super) bytes: Arc<[u8]>,
    /// The decoded block; `None` if the bytes do not decode.
    pub(super) block: Option<Arc<Block>>,
    /// Hash of the header; zero if the bytes do not decode.
    pub(super) hash: Hash,
    /// The result; `None` if the block is refused or does not decode.
    pub(super) accepted: Option<AcceptedBlock>,
    /// The refusal, on its intended parent.
    pub(super) refusal: Option<Refusal>,
    /// Index of its intended parent; `None` for the genesis.
    parent: Option<usize>,
}

/// The result of a block that is accepted.
pub(super) struct AcceptedBlock {
    pub(super) result: BlockResult,
    /// The ledger after it.
    pub(super) world: World,
}

impl Tree {
    /// Builds, signs and executes every block.
    ///
    /// # Errors
    ///
    /// If the oracle refuses the genesis; the message says why.
    pub(super) fn new(scenario: &NodesScenario, coverage: &mut Coverage) -> Result<Tree, String> {
        let mut keys = Keys::default();
        let genesis = build::genesis(&scenario.genesis, &mut keys);
        let mut oracle = Oracle::new(&genesis)?;
        let beginning = oracle.world().clone();
        let (parents, children) = family(scenario);

        let mut answered: BTreeMap<usize, Answered> = BTreeMap::new();
        let mut waiting: Vec<usize> = roots(&parents);
        while let Some(index) = waiting.pop() {
            waiting.extend(children[index].iter().rev());
            let parent = accepted_ancestor(&answered, &parents, index);
            let height = parent.map_or(Height::GENESIS, |parent| height_of(&answered[&parent]));
            oracle
                .rewind_to(height)
                .expect("a parent is on the oracle's chain while its children are executed");
            let mined = &scenario.blocks[index];
            let bytes = build::block(&mined.block, &genesis.rules, oracle.world(), &mut keys);
            let block = codec::decode_block(&bytes, u64::MAX).ok();
            coverage.count(point!("block: mined"));
            let answer = block.as_ref().map(|block| oracle.add_block(block));
            let (accepted, refusal) = match answer {
                Some(Ok(result)) => {
                    let world = oracle.world().clone();
                    (Some(AcceptedBlock { result, world }), None)
                }
                Some(Err(refusal)) => (None, Some(refusal)),
                None => {
                    coverage.count(point!("block: mined without a valid encoding"));
                    (None, None)
                }
            };
            let hash = |block: &Block| codec::block_hash(&block.header);
            answered.insert(
                index,
                Answered {
                    name: mined.name,
                    bytes: bytes.into(),
                    hash: block.as_ref().map_or(Hash::ZERO, hash),
                    block: block.map(Arc::new),
                    accepted,
                    refusal,
                    parent,
                },
            );
        }
        Ok(Tree::of(genesis, beginning, answered))
    }

    fn of(genesis: Genesis, beginning: World, answered: BTreeMap<usize, Answered>) -> Tree {
        let blocks: Vec<Answered> = answered.into_values().collect();
        let (mut by_bytes, mut by_hash) = (BTreeMap::new(), BTreeMap::new());
        for (index, answered) in blocks.iter().enumerate() {
            by_bytes.entry(of_bytes(&answered.bytes)).or_insert(index);
            // Of two bodies under one header the accepted one is the block.
            if answered.accepted.is_some() {
                by_hash.insert(answered.hash, index);
            } else if answered.block.is_some() {
                by_hash.entry(answered.hash).or_insert(index);
            }
        }
        Tree {
            genesis,
            beginning,
            blocks,
            by_bytes,
            by_hash,
        }
    }

    /// Returns the block with these bytes.
    pub(super) fn sent_as(&self, bytes: &[u8]) -> Option<&Answered> {
        self.by_bytes
            .get(&of_bytes(bytes))
            .map(|index| &self.blocks[*index])
    }

    /// Returns the block with this hash; `None` for the genesis and for a block that was not mined.
    pub(super) fn named(&self, hash: Hash) -> Option<&Answered> {
        self.by_hash.get(&hash).map(|index| &self.blocks[*index])
    }

    /// Returns the name of a block, 0 for the genesis; `None` for a block that was not mined.
    pub(super) fn name(&self, hash: Hash) -> Option<u32> {
        if hash == self.beginning.hash {
            return Some(0);
        }
        self.named(hash).map(|answered| answered.name)
    }

    /// Returns the ledger after the block with this hash, or at the genesis.
    pub(super) fn world(&self, hash: Hash) -> Option<&World> {
        if hash == self.beginning.hash {
            return Some(&self.beginning);
        }
        Some(&self.named(hash)?.accepted.as_ref()?.world)
    }

    /// Returns the ledger at the tip that all nodes must end at: the highest, and of several the one with
    /// the smallest hash.
    pub(super) fn best(&self) -> &World {
        let accepted = self
            .blocks
            .iter()
            .filter_map(|answered| Some(&answered.accepted.as_ref()?.world));
        accepted
            .chain([&self.beginning])
            .min_by_key(|world| (std::cmp::Reverse(world.height), world.hash))
            .expect("the genesis is always there")
    }
}

/// Returns the hash by which bytes are identified.
pub(super) fn of_bytes(bytes: &[u8]) -> Hash {
    Hash(blake3::hash(bytes).into())
}

/// Returns each block's parent and children, as indices.
fn family(scenario: &NodesScenario) -> (Vec<Option<usize>>, Vec<Vec<usize>>) {
    let mut names: BTreeMap<u32, usize> = BTreeMap::new();
    let mut parents: Vec<Option<usize>> = Vec::new();
    let mut children = vec![Vec::new(); scenario.blocks.len()];
    for (index, mined) in scenario.blocks.iter().enumerate() {
        let parent = names.get(&mined.parent).copied();
        if let Some(parent) = parent {
            children[parent].push(index);
        }
        parents.push(parent);
        names.insert(mined.name, index);
    }
    (parents, children)
}

fn roots(parents: &[Option<usize>]) -> Vec<usize> {
    (0..parents.len())
        .rev()
        .filter(|index| parents[*index].is_none())
        .collect()
}

/// Returns the nearest ancestor that is accepted; `None` for the genesis.
fn accepted_ancestor(
    answered: &BTreeMap<usize, Answered>,
    parents: &[Option<usize>],
    index: usize,
) -> Option<usize> {
    let parent = parents[index]?;
    match &answered[&parent] {
        Answered {
            accepted: Some(_), ..
        } => Some(parent),
        refused => refused.parent,
    }
}

fn height_of(answered: &Answered) -> Height {
    let accepted = answered.accepted.as_ref();
    accepted.map_or(Height::GENESIS, |accepted| accepted.world.height)
}

//! The generator of runs of several nodes. It is swarm testing: each run has its own mix of faults, and
//! some have none.

use std::collections::BTreeSet;
use std::fmt;

use super::dimension::NodesTail;
use super::scenario::{
    ExecutionMode, Fault, Mined, NodeRecipe, NodesScenario, Operation, StorageKind,
};
use lockstep_harness::choice::Choices;
use lockstep_sim::disk::Loss;
use lockstep_sim::generate::{self, Grown, Profile, Size};
use lockstep_sim::scenario::GenesisRecipe;

/// Size of the ledgers of nodes: many blocks, so that branches are deep, and small ones, for every
/// node executes all of them.
pub const SIZE: Size = Size {
    blocks: 30,
    transactions: 24,
    accounts: 12,
};

/// The profile of a run: sizes and the weights of its faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodesProfile {
    /// Profile of the blocks.
    pub ledger: Profile,
    /// Number of nodes.
    pub nodes: u64,
    /// Latency of a message, in milliseconds.
    pub latency_ms: u64,
    /// Percentage of messages with a block that are dropped.
    pub lost: u64,
    /// Percentage of them that are duplicated.
    pub twice: u64,
    /// Percentage of them that are delayed.
    pub late: u64,
    /// Number of partitions.
    pub partitions: u64,
    /// Number of cuts of one direction of a link.
    pub cuts: u64,
    /// Number of clean restarts of a node.
    pub restarts: u64,
    /// Number of power losses between two operations of a node.
    pub crashes: u64,
    /// Number of power losses within an operation.
    pub power_cuts: u64,
    /// Number of storage calls that fail.
    pub storage_failures: u64,
    /// The dimension in which the run is extreme; `None` for an ordinary run.
    pub tail: Option<NodesTail>,
}

impl NodesProfile {
    pub(super) fn draw(choices: &mut impl Choices, ledger: Profile) -> Self {
        // One in eight has no faults at all.
        let is_calm = choices.chance(1, 8);
        let mut draw = |among: &[u64]| match is_calm {
            true => 0,
            false => choices.pick(among),
        };
        NodesProfile {
            ledger,
            lost: draw(&[0, 0, 5, 20]),
            twice: draw(&[0, 0, 5, 10]),
            late: draw(&[0, 5, 10, 30]),
            partitions: draw(&[0, 0, 1, 2]),
            cuts: draw(&[0, 0, 1, 3]),
            restarts: draw(&[0, 1, 3]),
            crashes: draw(&[0, 0, 1, 3]),
            power_cuts: draw(&[0, 2, 6, 12]),
            storage_failures: draw(&[0, 6, 24]),
            nodes: choices.between(3, 7),
            latency_ms: choices.pick(&[1, 10, 40]),
            tail: None,
        }
    }
}

impl fmt::Display for NodesProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "nodes {}, latency {} ms, dropped {}%, duplicated {}%, delayed {}%, partitions {}, cuts {}, \
             restarts {}, crashes {}, power losses {}, storage failures {}; {}",
            self.nodes,
            self.latency_ms,
            self.lost,
            self.twice,
            self.late,
            self.partitions,
            self.cuts,
            self.restarts,
            self.crashes,
            self.power_cuts,
            self.storage_failures,
            self.ledger
        )?;
        match &self.tail {
            Some(tail) => write!(f, "; {tail}"),
            None => Ok(()),
        }
    }
}

/// Draws a profile, and a run of that profile.
pub fn scenario(choices: &mut impl Choices, size: Size) -> (NodesProfile, NodesScenario) {
    let (ledger, genesis, grown) = generate::tree(choices, size);
    let profile = NodesProfile::draw(choices, ledger);
    let scenario = of_profile(choices, &profile, genesis, grown);
    (profile, scenario)
}

/// Draws the run of a profile, on a tree of blocks.
pub(super) fn of_profile(
    choices: &mut impl Choices,
    profile: &NodesProfile,
    genesis: GenesisRecipe,
    grown: Vec<Grown>,
) -> NodesScenario {
    let nodes: Vec<NodeRecipe> = (1..=profile.nodes)
        .map(|name| node(choices, small(name)))
        .collect();
    let blocks = mined(choices, grown, &nodes);
    let faults = faults(choices, profile, &nodes, &blocks);
    NodesScenario {
        genesis,
        latency_ms: profile.latency_ms,
        nodes,
        blocks,
        faults,
    }
}

fn node(choices: &mut impl Choices, name: u32) -> NodeRecipe {
    let threshold = usize::try_from(choices.pick(&[1, 2, 4, 10, 20])).unwrap_or(1);
    NodeRecipe {
        name,
        // The first three differ whatever is drawn.
        storage: match name {
            1 => StorageKind::Memory,
            2 => StorageKind::Disk,
            3 => StorageKind::File,
            // A file waits for a real disk, and one of them is enough.
            _ => choices.pick(&[StorageKind::Memory, StorageKind::Disk, StorageKind::Disk]),
        },
        mode: choices.pick(&[
            ExecutionMode::Serial,
            ExecutionMode::ParallelValidation,
            ExecutionMode::Graph,
            ExecutionMode::Graph,
            ExecutionMode::ParallelValidationFrom(threshold),
            ExecutionMode::GraphFrom(threshold),
            ExecutionMode::GraphFrom(threshold),
            ExecutionMode::TestMode,
        ]),
        workers: usize::try_from(choices.pick(&[1, 2, 3, 8])).unwrap_or(1),
        hash_seed: choices.below(1 << 32),
        seeded_bug: None,
    }
}

/// Draws the node and the time at which each block is mined. A branch is mined by one node, mostly, and
/// now and then all at once.
fn mined(choices: &mut impl Choices, grown: Vec<Grown>, nodes: &[NodeRecipe]) -> Vec<Mined> {
    let mut at_ms = 0;
    let mut branch = None;
    let mut by = nodes[0].name;
    let mut gap_ms = 0;
    let named = |index: usize| u32::try_from(index + 1).expect("blocks are few");
    grown
        .into_iter()
        .enumerate()
        .map(|(index, grown)| {
            if branch != Some(grown.branch) || choices.chance(1, 4) {
                by = any(choices, nodes);
                gap_ms = choices.pick(&[1, 20, 60, 150]);
                branch = Some(grown.branch);
            }
            at_ms += gap_ms;
            Mined {
                name: named(index),
                parent: grown.parent.map_or(0, named),
                at_ms,
                by,
                block: grown.block,
            }
        })
        .collect()
}

fn faults(
    choices: &mut impl Choices,
    profile: &NodesProfile,
    nodes: &[NodeRecipe],
    blocks: &[Mined],
) -> Vec<Fault> {
    let end_ms = blocks.last().map_or(1, |last| last.at_ms) + 200;
    let mut faults = Vec::new();
    for block in blocks.iter().map(|mined| mined.name) {
        for (from, to) in links(nodes) {
            if choices.chance(profile.lost, 100) {
                faults.push(Fault::Lost { block, from, to });
            }
            if choices.chance(profile.late, 100) {
                let by_ms = choices.between(1, 400);
                faults.push(Fault::Late {
                    block,
                    from,
                    to,
                    by_ms,
                });
            }
            if choices.chance(profile.twice, 100) {
                let after_ms = choices.between(0, 400);
                faults.push(Fault::Duplicated {
                    block,
                    from,
                    to,
                    after_ms,
                });
            }
        }
    }
    for _ in 0..profile.partitions {
        let side: Vec<u32> = nodes
            .iter()
            .map(|node| node.name)
            .filter(|_| choices.chance(1, 2))
            .collect();
        let since_ms = choices.below(end_ms);
        faults.push(Fault::Partition {
            side,
            since_ms,
            until_ms: since_ms + choices.pick(&[50, 300, 1_000]),
        });
    }
    for _ in 0..profile.cuts {
        let from = any(choices, nodes);
        let to = any(choices, nodes);
        let since_ms = choices.below(end_ms);
        faults.push(Fault::Cut {
            from,
            to,
            since_ms,
            until_ms: since_ms + choices.pick(&[50, 300, 1_000]),
        });
    }
    for _ in 0..profile.restarts {
        faults.push(Fault::Restart {
            node: any(choices, nodes),
            at_ms: choices.below(end_ms),
            down_ms: choices.pick(&[0, 30, 500]),
        });
    }
    let on_disks: Vec<NodeRecipe> = nodes
        .iter()
        .filter(|node| node.storage == StorageKind::Disk)
        .cloned()
        .collect();
    for _ in 0..profile.crashes {
        faults.push(Fault::Crash {
            node: any(choices, &on_disks),
            at_ms: choices.below(end_ms),
            down_ms: choices.pick(&[0, 30, 500]),
            loss: loss(choices),
        });
    }
    for _ in 0..profile.power_cuts {
        faults.push(Fault::PowerCut {
            node: any(choices, &on_disks),
            operation: operation(choices, blocks),
            call: {
                // A small block takes 10 calls, a large one about 100.
                let bound = choices.pick(&[4, 10, 30, 90]);
                choices.below(bound)
            },
            down_ms: choices.pick(&[0, 30, 500]),
            loss: loss(choices),
        });
    }
    for _ in 0..profile.storage_failures {
        faults.push(Fault::StorageFails {
            node: any(choices, nodes),
            operation: operation(choices, blocks),
            call: choices.below(6),
        });
    }
    faults
}

/// Returns every ordered pair of nodes.
fn links(nodes: &[NodeRecipe]) -> Vec<(u32, u32)> {
    nodes
        .iter()
        .flat_map(|from| nodes.iter().map(move |to| (from.name, to.name)))
        .filter(|(from, to)| from != to)
        .collect()
}

fn any(choices: &mut impl Choices, nodes: &[NodeRecipe]) -> u32 {
    let index = choices.below(nodes.len() as u64);
    nodes[usize::try_from(index).expect("nodes are few")].name
}

/// Draws an operation: adding a block, or a rewind to a block at which branches fork.
fn operation(choices: &mut impl Choices, blocks: &[Mined]) -> Operation {
    let mut forks = BTreeSet::new();
    let mut parents = BTreeSet::new();
    for mined in blocks {
        if !parents.insert(mined.parent) {
            forks.insert(mined.parent);
        }
    }
    let forks: Vec<u32> = forks.into_iter().collect();
    if !forks.is_empty() && choices.chance(1, 3) {
        return Operation::RewindingTo(choices.pick(&forks));
    }
    Operation::Adding(small(choices.between(1, blocks.len() as u64)))
}

fn loss(choices: &mut impl Choices) -> Loss {
    match choices.below(8) {
        0 => Loss::Nothing,
        1 => Loss::All,
        2 => Loss::Last,
        3 => Loss::AllButLast,
        4 => Loss::Lengths,
        5 => Loss::TornLast(choices.below(64)),
        6 => Loss::Reordered(choices.below(1 << 16)),
        _ => Loss::Torn(choices.below(1 << 16)),
    }
}

fn small(number: u64) -> u32 {
    u32::try_from(number).expect("nodes and blocks are few")
}

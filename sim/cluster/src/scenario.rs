//! A run of several nodes as plain data: who they are, which blocks there are, what goes wrong.
//!
//! Everything is named by numbers that stay when something else is taken away: a node and a block
//! by a name, a message by the block that it carries and the two nodes, anything else by the time.
//! So a fault goes on meaning the same while a run is shrunk or edited. Any value can be run: what
//! names somebody who is not there happens to nobody.

use std::collections::BTreeSet;
use std::fmt;

use lockstep_core::config::{Config, ExecutionPath, HashSeed, ParallelConfig};
use lockstep_core::model::Network;
use serde::{Deserialize, Serialize};

use super::seeded_bugs::NodeBug;
use lockstep_sim::disk::Loss;
use lockstep_sim::scenario::{BlockRecipe, GenesisRecipe};

/// When all faults are over at the latest.
const LATEST_MS: u64 = 10 * 60 * 1_000;

/// A whole run of several nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodesScenario {
    /// The beginning, the same for all.
    pub genesis: GenesisRecipe,
    /// How long a message is under way where no fault says otherwise, in milliseconds.
    pub latency_ms: u64,
    /// Who takes part.
    pub nodes: Vec<NodeRecipe>,
    /// What is mined, parents before their children.
    pub blocks: Vec<Mined>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

/// One node and what its operator chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecipe {
    /// Its name.
    pub name: u32,
    /// What it keeps its ledger in.
    pub storage: StorageKind,
    /// How it executes blocks.
    #[serde(alias = "path")]
    pub mode: ExecutionMode,
    /// On how many workers, where it has any.
    pub workers: usize,
    /// The seed of its hash maps.
    pub hash_seed: u64,
    /// What is wrong with it, on purpose.
    #[serde(default, alias = "planted", skip_serializing_if = "Option::is_none")]
    pub seeded_bug: Option<NodeBug>,
}

/// What a ledger is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StorageKind {
    /// Memory, which a restart keeps.
    Memory,
    /// A redb file.
    File,
    /// redb on a simulated disk, the only place that a crash can hurt.
    Disk,
}

/// How a node executes blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutionMode {
    /// On one thread.
    Serial,
    /// The stateless checks of every block on the workers.
    #[serde(alias = "Spread")]
    ParallelValidation,
    /// Everything of every block on the workers.
    Graph,
    /// The stateless checks on the workers, from so many transactions on.
    #[serde(alias = "SpreadFrom")]
    ParallelValidationFrom(usize),
    /// Everything on the workers, from so many transactions on.
    GraphFrom(usize),
    /// In all ways, compared by core itself.
    Compared,
}

/// A block, and when and where it comes into the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mined {
    /// Its name, 1 and above.
    pub name: u32,
    /// The block that it is built on; 0 for the genesis, as is a name that no earlier block has. One
    /// that is no block of the chain stands for its own parent.
    pub parent: u32,
    /// When, in milliseconds since the run began.
    pub at_ms: u64,
    /// The node that has it first; the first node where there is no such. It gets it again after
    /// each restart, from whoever mined it.
    pub by: u32,
    /// What it is.
    pub block: BlockRecipe,
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The first message with a block from a node to another does not arrive.
    Lost {
        /// The block.
        block: u32,
        /// Who sent it.
        from: u32,
        /// Who does not get it.
        to: u32,
    },
    /// It arrives, and so much later again.
    Twice {
        /// The block.
        block: u32,
        /// Who sent it.
        from: u32,
        /// Who gets it.
        to: u32,
        /// How much later the second one comes.
        after_ms: u64,
    },
    /// It arrives later, and what was sent after it overtakes it.
    Late {
        /// The block.
        block: u32,
        /// Who sent it.
        from: u32,
        /// Who gets it.
        to: u32,
        /// How much later.
        by_ms: u64,
    },
    /// In one direction of one link nothing is sent for a while.
    Cut {
        /// Whose messages are lost.
        from: u32,
        /// Who does not get them.
        to: u32,
        /// From when on.
        since_ms: u64,
        /// Until when.
        until_ms: u64,
    },
    /// Between these nodes and the others nothing is sent for a while.
    Partition {
        /// One of the sides.
        side: Vec<u32>,
        /// From when on.
        since_ms: u64,
        /// Until when it heals.
        until_ms: u64,
    },
    /// A node is closed and opened again later. What it did not keep in its ledger it forgets.
    Restart {
        /// Which.
        node: u32,
        /// When it is closed.
        at_ms: u64,
        /// For how long.
        down_ms: u64,
    },
    /// A node's machine loses its power, and is started again later. A ledger that is on no simulated
    /// disk is closed before.
    Crash {
        /// Which node.
        node: u32,
        /// When.
        at_ms: u64,
        /// For how long it is down.
        down_ms: u64,
        /// What its disk loses.
        loss: Loss,
    },
    /// The same, in the middle of a call to its disk. Without a simulated disk it does not happen.
    PowerCut {
        /// Which node.
        node: u32,
        /// What it does for the first time.
        #[serde(alias = "doing")]
        operation: Operation,
        /// Which call, counted from 0 in what it does. Where there are fewer it does not happen.
        call: u64,
        /// For how long it is down.
        down_ms: u64,
        /// What its disk loses.
        loss: Loss,
    },
    /// One call of a node's storage fails. Afterwards the storage works again.
    StorageFails {
        /// Which node.
        node: u32,
        /// What it does for the first time.
        #[serde(alias = "doing")]
        operation: Operation,
        /// Which call, counted from 0 in what it does, those of one kind in a row as one. Where there
        /// are fewer, none fails.
        call: u64,
    },
}

/// What a node does with its ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// It adds this block.
    Adding(u32),
    /// It goes back to this block, or to the genesis, which is 0.
    RewindingTo(u32),
}

impl NodesScenario {
    /// How many transactions there are in all blocks.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.blocks
            .iter()
            .map(|mined| mined.block.transactions.len())
            .sum()
    }

    /// When the last block was mined and the last thing went wrong.
    #[must_use]
    pub fn calm_at_ms(&self) -> u64 {
        let mined = self.blocks.iter().map(|mined| mined.at_ms);
        let faults = self.faults.iter().map(Fault::ends_at_ms);
        mined.chain(faults).max().unwrap_or(0)
    }

    /// The node with a name.
    #[must_use]
    pub fn node(&self, name: u32) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// Lets every node execute with so many workers.
    pub fn set_workers(&mut self, workers: usize) {
        for node in &mut self.nodes {
            node.workers = workers;
        }
    }

    /// Gives every node another seed for its hash maps.
    pub fn change_hash_seeds(&mut self, by: u64) {
        for node in &mut self.nodes {
            node.hash_seed ^= by;
        }
    }

    /// Lets one node have a bug: the second one, which a drawn run keeps on a simulated disk.
    pub fn inject_bug(&mut self, bug: NodeBug) {
        let index = 1.min(self.nodes.len() - 1);
        let node = &mut self.nodes[index];
        node.seeded_bug = Some(bug);
        if bug == NodeBug::WorkerCountSemantics && node.workers == 1 {
            node.workers = 3;
        }
    }

    /// No two nodes have one name, there are at least two, and the last fault is over within ten
    /// minutes: nodes go on talking until then.
    ///
    /// # Errors
    ///
    /// Says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for node in &self.nodes {
            if !names.insert(node.name) {
                return Err(format!(
                    "two nodes have the name {}; give one another",
                    node.name
                ));
            }
        }
        if self.nodes.len() < 2 {
            return Err(format!(
                "{} nodes are no network; two are the least",
                self.nodes.len()
            ));
        }
        let end_ms = self.calm_at_ms();
        if end_ms > LATEST_MS {
            return Err(format!(
                "the last block or fault is at {end_ms} ms; {LATEST_MS} ms is the latest"
            ));
        }
        Ok(())
    }
}

impl Fault {
    /// When it is over. What happens to a message, or in the middle of something, happens once.
    #[must_use]
    pub fn ends_at_ms(&self) -> u64 {
        match self {
            Fault::Lost { .. }
            | Fault::Twice { .. }
            | Fault::Late { .. }
            | Fault::PowerCut { .. }
            | Fault::StorageFails { .. } => 0,
            Fault::Cut { until_ms, .. } | Fault::Partition { until_ms, .. } => *until_ms,
            Fault::Restart { at_ms, down_ms, .. } | Fault::Crash { at_ms, down_ms, .. } => {
                at_ms.saturating_add(*down_ms)
            }
        }
    }
}

impl NodeRecipe {
    /// What core is told.
    #[must_use]
    pub fn config(&self, network: Network) -> Config {
        /// What a transaction must be believed to cost to be scheduled over the graph.
        const DEAR_NS: u64 = 1_000_000;
        let mut parallel = ParallelConfig {
            workers: Some(self.workers),
            ..ParallelConfig::for_network(network)
        };
        match self.mode {
            ExecutionMode::Serial => parallel.enabled = false,
            ExecutionMode::ParallelValidation => {
                parallel.forced = Some(ExecutionPath::ParallelValidation)
            }
            ExecutionMode::Graph => parallel.forced = Some(ExecutionPath::Graph),
            ExecutionMode::ParallelValidationFrom(threshold) => parallel.threshold = threshold,
            ExecutionMode::GraphFrom(threshold) => {
                parallel.threshold = threshold;
                parallel.stateful_ns = DEAR_NS;
            }
            ExecutionMode::Compared => parallel.test_mode = true,
        }
        Config {
            parallel,
            hash_seed: HashSeed::Fixed(self.hash_seed),
            ..Config::for_network(network)
        }
    }
}

impl fmt::Display for StorageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StorageKind::Memory => "memory",
            StorageKind::File => "redb file",
            StorageKind::Disk => "redb on a simulated disk",
        })
    }
}

impl fmt::Display for ExecutionMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExecutionMode::Serial => f.write_str("serial"),
            ExecutionMode::ParallelValidation => f.write_str("checks spread"),
            ExecutionMode::Graph => f.write_str("graph"),
            ExecutionMode::ParallelValidationFrom(threshold) => {
                write!(f, "checks spread from {threshold} on")
            }
            ExecutionMode::GraphFrom(threshold) => write!(f, "graph from {threshold} on"),
            ExecutionMode::Compared => f.write_str("test mode"),
        }
    }
}

impl fmt::Display for NodeRecipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "node {} ({}, {}, workers {}, hash seed {}",
            self.name, self.storage, self.mode, self.workers, self.hash_seed
        )?;
        if let Some(bug) = self.seeded_bug {
            write!(f, ", seeded_bug: {bug}")?;
        }
        f.write_str(")")
    }
}

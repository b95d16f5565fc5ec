//! A run of several nodes as plain data: the nodes, the blocks, the faults.
//!
//! Everything is named by numbers that stay when something else is removed: a node and a block by a
//! name, a message by the block that it carries and the two nodes, anything else by the time. So a
//! fault goes on meaning the same while a run is shrunk or edited. Any value can be run: a fault that
//! names a node or block that does not exist has no effect.

use std::collections::BTreeSet;
use std::fmt;

use lockstep_core::config::{Config, ExecutionPath, HashSeed, ParallelConfig};
use lockstep_core::model::Network;
use serde::{Deserialize, Serialize};

use super::seeded_bugs::NodeBug;
use lockstep_sim::disk::Loss;
use lockstep_sim::scenario::{BlockRecipe, GenesisRecipe};

/// The latest time at which a fault may end, in milliseconds since the run began.
const LATEST_MS: u64 = 10 * 60 * 1_000;

/// A whole run of several nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodesScenario {
    /// The genesis, the same for all nodes.
    pub genesis: GenesisRecipe,
    /// Latency of a message without a fault, in milliseconds.
    pub latency_ms: u64,
    /// The nodes, at least 2.
    pub nodes: Vec<NodeRecipe>,
    /// The blocks, parents before their children.
    pub blocks: Vec<Mined>,
    /// The faults, in any order.
    pub faults: Vec<Fault>,
}

/// One node and the settings that its operator chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecipe {
    /// Name of the node.
    pub name: u32,
    /// Storage of its ledger.
    pub storage: StorageKind,
    /// Mode in which it executes blocks.
    #[serde(alias = "path")]
    pub mode: ExecutionMode,
    /// Number of workers, at least 1; the serial mode uses none.
    pub workers: usize,
    /// Seed of its hash maps.
    pub hash_seed: u64,
    /// The seeded bug of this node, if it has one.
    #[serde(default, alias = "planted", skip_serializing_if = "Option::is_none")]
    pub seeded_bug: Option<NodeBug>,
}

/// The storage of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StorageKind {
    /// Memory that survives a restart.
    Memory,
    /// A redb file.
    File,
    /// redb on a simulated disk, the only storage that can lose something in a crash.
    Disk,
}

/// The mode in which a node executes blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutionMode {
    /// All of every block on one thread.
    Serial,
    /// The stateless checks of every block on the workers, the rest in block order.
    #[serde(alias = "Spread")]
    ParallelValidation,
    /// All of every block on the workers, over the dependency graph.
    Graph,
    /// [`ParallelValidation`](Self::ParallelValidation) for blocks of at least this many transactions.
    #[serde(alias = "SpreadFrom")]
    ParallelValidationFrom(usize),
    /// [`Graph`](Self::Graph) for blocks of at least this many transactions.
    GraphFrom(usize),
    /// Test mode: every path, compared by core itself.
    #[serde(alias = "Compared")]
    TestMode,
}

/// A mined block: when it appears, at which node, and on which parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mined {
    /// Name of the block, at least 1.
    pub name: u32,
    /// Name of the parent; 0, or a name that no earlier block has, is the genesis. A parent that is
    /// refused stands for its own parent.
    pub parent: u32,
    /// Time at which it is mined, in milliseconds since the run began.
    pub at_ms: u64,
    /// Name of the node that gets it first, and again after each restart; the first node where no node
    /// has this name.
    pub by: u32,
    /// Contents of the block.
    pub block: BlockRecipe,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The first message that carries this block over this link is dropped.
    Lost {
        /// Name of the block.
        block: u32,
        /// Name of the sender.
        from: u32,
        /// Name of the receiver.
        to: u32,
    },
    /// That message is duplicated: it arrives, and once more later.
    #[serde(alias = "Twice")]
    Duplicated {
        /// Name of the block.
        block: u32,
        /// Name of the sender.
        from: u32,
        /// Name of the receiver.
        to: u32,
        /// Time between the two arrivals, in milliseconds.
        after_ms: u64,
    },
    /// That message is delayed, so that messages sent after it may overtake it.
    Late {
        /// Name of the block.
        block: u32,
        /// Name of the sender.
        from: u32,
        /// Name of the receiver.
        to: u32,
        /// Delay in addition to the latency, in milliseconds.
        by_ms: u64,
    },
    /// One direction of one link is cut for a while: what is sent over it is lost.
    Cut {
        /// Name of the sender.
        from: u32,
        /// Name of the receiver.
        to: u32,
        /// Start, in milliseconds since the run began.
        since_ms: u64,
        /// End, in milliseconds since the run began.
        until_ms: u64,
    },
    /// The network is partitioned for a while: messages between the two sides are lost.
    Partition {
        /// Names of the nodes of one side.
        side: Vec<u32>,
        /// Start, in milliseconds since the run began.
        since_ms: u64,
        /// End, in milliseconds since the run began.
        until_ms: u64,
    },
    /// A node is closed cleanly and opened again later. It forgets everything outside its ledger.
    Restart {
        /// Name of the node.
        node: u32,
        /// Time at which it is closed, in milliseconds since the run began.
        at_ms: u64,
        /// Time until it is opened again, in milliseconds.
        down_ms: u64,
    },
    /// A node crashes by power loss between two operations, and is started again later. A ledger on no
    /// simulated disk is closed cleanly instead.
    Crash {
        /// Name of the node.
        node: u32,
        /// Time of the crash, in milliseconds since the run began.
        at_ms: u64,
        /// Time until it is started again, in milliseconds.
        down_ms: u64,
        /// The writes that its disk loses.
        loss: Loss,
    },
    /// A power loss in the middle of a call to the disk. It has no effect without a simulated disk.
    PowerCut {
        /// Name of the node.
        node: u32,
        /// The operation, the first time that the node does it.
        #[serde(alias = "doing")]
        operation: Operation,
        /// Index of the disk call within the operation. No effect if there are fewer calls.
        call: u64,
        /// Time until it is started again, in milliseconds.
        down_ms: u64,
        /// The writes that its disk loses.
        loss: Loss,
    },
    /// One call of a node's storage fails. Afterwards the storage works again.
    StorageFails {
        /// Name of the node.
        node: u32,
        /// The operation, the first time that the node does it.
        #[serde(alias = "doing")]
        operation: Operation,
        /// Index of the storage call within the operation, consecutive calls of one kind counted as
        /// one. No effect if there are fewer.
        call: u64,
    },
}

/// An operation of a node on its ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Adds the block of this name.
    Adding(u32),
    /// Rewinds to the block of this name, or to the genesis, which is 0.
    RewindingTo(u32),
}

impl NodesScenario {
    /// Counts the transactions of all blocks.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.blocks
            .iter()
            .map(|mined| mined.block.transactions.len())
            .sum()
    }

    /// Returns the time, in milliseconds, from which on nothing is mined and no fault lasts.
    #[must_use]
    pub fn calm_at_ms(&self) -> u64 {
        let mined = self.blocks.iter().map(|mined| mined.at_ms);
        let faults = self.faults.iter().map(Fault::ends_at_ms);
        mined.chain(faults).max().unwrap_or(0)
    }

    /// Returns the index of the node with this name.
    #[must_use]
    pub fn node(&self, name: u32) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// Sets the number of workers of every node.
    pub fn set_workers(&mut self, workers: usize) {
        for node in &mut self.nodes {
            node.workers = workers;
        }
    }

    /// Changes the hash seed of every node, by exclusive or with `by`.
    pub fn change_hash_seeds(&mut self, by: u64) {
        for node in &mut self.nodes {
            node.hash_seed ^= by;
        }
    }

    /// Gives a seeded bug to the second node, which is on a simulated disk in a drawn run.
    pub fn inject_bug(&mut self, bug: NodeBug) {
        let index = 1.min(self.nodes.len() - 1);
        let node = &mut self.nodes[index];
        node.seeded_bug = Some(bug);
        if bug == NodeBug::WorkerCountSemantics && node.workers == 1 {
            node.workers = 3;
        }
    }

    /// Checks that the scenario can be run.
    ///
    /// # Errors
    ///
    /// If two nodes have one name, there are fewer than two nodes, or the last block or fault is later
    /// than ten minutes: nodes exchange messages until then. The message says which.
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
    /// Returns the time at which it is over, in milliseconds; 0 for a fault of one message or of one
    /// call, which happens once.
    #[must_use]
    pub fn ends_at_ms(&self) -> u64 {
        match self {
            Fault::Lost { .. }
            | Fault::Duplicated { .. }
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
    /// Returns the configuration of core for this node.
    #[must_use]
    pub fn config(&self, network: Network) -> Config {
        /// Estimated cost of a transaction, high enough that blocks are scheduled over the graph.
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
            ExecutionMode::TestMode => parallel.test_mode = true,
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
            ExecutionMode::ParallelValidation => f.write_str("parallel validation"),
            ExecutionMode::Graph => f.write_str("graph"),
            ExecutionMode::ParallelValidationFrom(threshold) => {
                write!(f, "parallel validation from {threshold} transactions")
            }
            ExecutionMode::GraphFrom(threshold) => write!(f, "graph from {threshold} transactions"),
            ExecutionMode::TestMode => f.write_str("test mode"),
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
            write!(f, ", seeded bug {bug}")?;
        }
        f.write_str(")")
    }
}

//! Deterministic simulation of several nodes, each a real ledger with settings of its own, on a network
//! that drops, delays, duplicates and partitions, through restarts, crashes and reorganisations.
//!
//! A run is a [`NodesScenario`]: the nodes, the blocks mined on each branch, the faults. It is
//! [drawn](scenario()) from a stream of choices, one of seven with a [tail](NodesTail), [run](run()), and, on a violation,
//! [shrunk](shrink()) and written to a [file](NodesReproducer). [`Clusters`] are the workload of a
//! [campaign](lockstep_harness::campaign), which looks for a [seeded bug](NodeBug) first.
//!
//! The answer of the [oracle](lockstep_sim::oracle) to a block on its branch is the only answer that any
//! node may give, so two nodes cannot differ and both pass; the bytes that they store are compared with
//! each other. After the last fault all nodes must reach one tip within a number of events that depends
//! on the numbers of nodes and blocks alone. Gossip and fork choice are no part of core; they are here,
//! and as simple as they can be.
//!
//! Time is virtual, and all events stand in one queue and happen one at a time, on one thread (a ledger
//! may have workers of its own). The queue is fifty lines of our own and no framework: a ledger is
//! synchronous, so there is no future whose polling would have to be made deterministic; turmoil is
//! deterministic only with `biased` in every `select!` or under a compiler flag of tokio, did a sixteenth
//! of the runs a second with redb when it was tried, and its crash runs destructors, so that a database
//! closes cleanly just when it should not; madsim replaces tokio and refuses threads. Here a crash is a
//! disk that is switched off in the middle of a chosen call.

mod campaign;
pub mod coverage;
mod dimension;
mod draw;
mod export;
mod invariants;
mod judge;
mod ledger;
mod network;
mod pool;
mod queue;
mod reproducer;
mod run;
mod scenario;
mod seeded_bugs;
mod shrink;
mod tails;
mod tree;

pub use campaign::Clusters;
pub use dimension::{Dimension, NodesTail};
pub use draw::{NodesProfile, SIZE, scenario};
pub use export::as_test;
pub use invariants::{BEFORE_OR_AFTER, NODES_CONVERGE};
pub use reproducer::{ClusterRun, NodesReproducer};
pub use run::{Observed, run};
pub use scenario::{
    ExecutionMode, Fault, Mined, NodeRecipe, NodesScenario, Operation, StorageKind,
};
pub use seeded_bugs::NodeBug;
pub use shrink::{BUDGET, Judge, Shrunk, shrink, shrink_by};
pub use tails::scenario as scenario_with_tail;

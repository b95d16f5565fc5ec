//! Several nodes: each a real ledger with settings of its own, on a network that loses, delays,
//! repeats and parts, through restarts, crashes and reorganisations. Nobody may ever differ.
//!
//! A run is a [`NodesScenario`]: who takes part, which blocks are mined on which branch, what goes
//! wrong. It is [drawn](scenario()) from a stream of choices, [run](run()), and, where it fails,
//! [shrunk](shrink()) and written to a [file](NodesReproducer). [`Clusters`] are the workload of a
//! [campaign](lockstep_harness::campaign), which looks for a [seeded bug](NodeBug) first.
//!
//! What the [oracle](lockstep_sim::oracle) says of a block on its branch is what every node must say of it,
//! so that no two can differ and both pass; what they keep is compared byte for byte. After the last
//! fault all must get to one tip within a number of events that depends on nodes and blocks alone.
//! How nodes talk and which branch they prefer is not core's affair; it is here, and as simple as it
//! can be.
//!
//! Time is virtual and everything happens in one queue of events, one at a time, on one thread (the
//! workers of a ledger are its own affair). The queue is fifty lines of our own and no framework:
//! what runs here is a synchronous ledger, so there is no future whose polling would have to be tamed;
//! turmoil is deterministic only with `biased` in every `select!` or under a compiler flag of tokio,
//! reached a sixteenth of the runs a second with redb when it was tried, and its crash runs
//! destructors, so that a database closes cleanly just when it should not; madsim replaces tokio and
//! refuses threads. Here a crash is a disk that is switched off in the middle of a chosen call.

mod campaign;
pub mod coverage;
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
mod tree;

pub use campaign::Clusters;
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

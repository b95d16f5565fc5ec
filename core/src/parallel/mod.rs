//! Parallel execution of blocks, in order or over the dependency graph: the serial result, to the byte.
//!
//! # The algorithm
//!
//! 1. Identities, stateless checks and the loading of cells depend on nothing: the workers take them in
//!    pieces, whatever the conflicts. They are most of the work of a signed block.
//! 2. If the stateful part is cheap, it runs in block order, one piece at a time, beside the checks of
//!    later pieces ([`Pipeline`]). Otherwise it runs over the dependency [graph](crate::schedule), which
//!    is one of the jobs of step 1 or is made while the first transactions run ([`GraphOverlap`]).
//! 3. A [`Run`] is a mutex around the ready set. A worker locks it, reports the transactions that it has
//!    finished, takes some that are ready (one if the critical path is what matters, at most 64), and
//!    executes them without the lock. With nothing ready it spins for a while and then sleeps. No
//!    barrier separates levels.
//! 4. [`execute_one`] passes a [`TransactionView`] of the [`ParallelChainState`] to the same
//!    [`transition`](crate::transition::transition) as the serial path, and writes the effects into the
//!    accounts' entries of a concurrent map.
//! 5. Fees and burns are summed from the outcomes, the miner is credited, and each cell that differs
//!    from the storage goes into the write set, in cell order.
//!
//! # Correctness
//!
//! A transaction reads only its source's nonce, multisig and balances, all of them exclusive
//! accesses: by the graph, all writes to them that precede it in the block are done, and none that
//! follows has begun. By induction in block order it reads what it would serially, so it has the same
//! outcome. Credits that run at the same time add under the lock of their entry, and commute. The
//! hand-over is a happens-before: a predecessor finishes and a successor is given out under one
//! mutex. A cell that is loaded late is left alone if it is known by then, and the storage must not
//! change during a block: a [`Chain`](crate::chain::Chain) holds its permit to write meanwhile. No
//! deadlock: an entry is held neither during a read of the storage nor while another one is taken.
//! After a failure or a panic the state is dropped; nothing was committed, and the block is executed
//! once more on the serial path if it was a panic.
//!
//! # Cost
//!
//! Beside the transactions about 50 ns each and the graph; a lock for each batch that a worker takes; an
//! entry of the map for each account. The graph pays from about a microsecond of stateful work a
//! transaction on ([`GRAPH_PAYS_NS`](crate::config::GRAPH_PAYS_NS)), which bare transfers do not take.
//! A chain of conflicts runs on one thread.
//!
//! # Not covered
//!
//! Accesses that are not declared: nothing is validated and executed again, as Block-STM does
//! (Gelashvili et al., arXiv 2203.06871), and no versions are kept, as BOHM does (Faleiro and Abadi,
//! VLDB 2015). One block executes at a time. [`execute_one`] trusts its caller that no transaction in
//! conflict runs.
//!
//! # One source, three mounts
//!
//! These files are compiled once over the real primitives and once more under each interleaving
//! checker. They name a primitive only as `super::sync::...`, hold no test, and know no thread but
//! the workers of `sync`. Plain data stays outside, one type for all. Loom's workers do everything on
//! their caller, so that its tests drive [`Run`], [`GraphOverlap`] and [`Pipeline`] with threads of
//! their own; whole blocks are executed under shuttle.

pub(crate) mod block_executor;
mod in_order;
mod parallel_executor;
pub(crate) mod parallel_state;
pub(crate) mod parallelism;
pub(crate) mod pipeline;
pub(crate) mod run;

pub use parallel_executor::{BatchError, ParallelExecutor, execute_one};
pub use parallel_state::{ParallelChainState, TransactionView};
pub use pipeline::Pipeline;
pub use run::{GraphOverlap, Run, Stopped, run, run_block};

pub use super::sync::{NoWorkers, Workers};
pub use crate::execution::Checked;

use super::sync;

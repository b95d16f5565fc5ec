//! Schedule exploration: whole blocks of the generator executed under drawn thread schedules, and
//! judged against the serial result.
//!
//! **Execution.** The executor is compiled over [shuttle](https://docs.rs/shuttle)'s locks, atomics and
//! threads in place of the real ones (`lockstep-sync`, its module `shuttle`). Its workers then run one at
//! a time, and at every step, a call to a primitive, a scheduler chooses the thread that continues. This
//! workspace has no unsafe code, so threads communicate through these calls alone, and a schedule decides
//! the order of all their communication. What a processor may do beyond an order of steps is not covered,
//! see below. The concurrent map is a model of dashmap
//! over the same primitives.
//!
//! **Schedulers** ([`SCHEDULERS`]), none of which suffices alone; each draws N schedules for each block:
//! - *random*: a uniformly random choice among the runnable threads, at each step anew. Reaches
//!   interleavings of many switches and starves no thread for long, but seldom those in which a short
//!   thread acts late.
//! - *uniform walk* (URW; Zhao, Wolff, Mathur, Roychoudhury, "Selectively Uniform Concurrency Testing",
//!   ASPLOS 2025): weights each thread by the steps that it and the threads it will spawn have left,
//!   which would sample all interleavings uniformly if the counts were exact. Here they come from one execution at the beginning
//!   of a scenario, so they are estimates.
//! - *pct 2*, *pct 3* (Burckhardt, Kothari, Musuvathi, Nagarakatte, "A Randomized Scheduler with
//!   Probabilistic Guarantees of Finding Bugs", ASPLOS 2010): random priorities, lowered at d - 1 random
//!   steps. With n threads and k steps one schedule shows a bug of depth d, one that takes d ordering
//!   constraints, with a probability of at least 1 / (n * k^(d - 1)). Shuttle's version learns k from
//!   the executions before and lowers a thread that yields, for which the paper promises nothing.
//!
//! The first draw of *uniform walk* and of each *pct* in a scenario only measures: a random walk, and the
//! oldest thread first.
//!
//! Before them comes one schedule without preemption: a block that it executes wrongly needs no other,
//! and one without two runnable threads is not explored further.
//!
//! **Verdict.** Each block is first executed serially, outside of shuttle. Every schedule must give the
//! same result, receipts and stored bytes included; beside a concurrent request, those of one of the two
//! serial orders. Two schedules are not compared with each other: they may be wrong alike. The first
//! result that differs is what the [trial](crate::trial) sees, so that its invariants name the bug, and
//! the oracle judges the serial result as well. A deadlock, and an execution beyond two million steps,
//! are violations of `always-ends`.
//!
//! **Recording and replay.** A recorded schedule is the list of its
//! [switches](lockstep_harness::schedule::Schedule): the steps at which it departs from the default,
//! under which a thread runs until it blocks or yields. The replaying scheduler follows them and skips those that
//! name a thread that is not runnable, so any subset is a schedule too. [`minimise`] removes switches
//! until none can be missed, and [`simplest_schedule`] does so for several seeds and keeps the schedule
//! with the fewest preemptions.
//!
//! **Cost.** One execution of the block per schedule, 1 + 4N of them per block, all on one core; about
//! s log s replays to minimise s switches of which few matter.
//!
//! **Not covered.**
//! - Weak memory: every atomic is sequentially consistent here. `loom-tests` explores weaker orders, on
//!   smaller pieces.
//! - Exhaustiveness: an exploration that passes is a sample.
//! - Threads of other pools, such as rayon's or tokio's, and core's asynchronous front: only primitives
//!   of `lockstep-sync`, or shuttle's own, are steps.
//! - Concurrent requests of core: [`CoreLedger`] supports none; they are explored with the buggy executor.
//!   Of faults, core is explored with a failing read, one panic at a read of cells, and cancellation. A block
//!   that a fault ended is added again in the same execution, and must give the serial result then.
//! - Time and crashes: the ledger is in memory, and each block is executed by one that was just opened.

mod answers;
mod campaign;
mod core_ledger;
mod explorable;
mod faults;
mod portfolio;
mod scheduler;
mod search;
mod subject;

pub use campaign::{Exploration, SYSTEM, Schedules};
pub use core_ledger::CoreLedger;
pub use explorable::{Added, Explorable, LedgerState, MetBy};
pub use faults::FaultCounts;
pub use portfolio::SCHEDULERS;
pub use scheduler::Preemption;
pub use search::{
    Explored, Finding, SearchPlan, explore, install_shuttle_panic_hook, minimise, replay, shrink,
    simplest_schedule,
};

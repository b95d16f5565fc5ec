//! Trials of an executor of blocks whose rules this crate does not know.
//!
//! A block executed in parallel must be indistinguishable from the same block executed one transaction
//! after another. An [`Adapter`] says what that means for one executor: how a case is drawn, what its
//! transactions are, how the *reference* executes them, and how the *contender*, the parallel executor
//! under test, does. Everything else is here:
//!
//! | module | contents |
//! |---|---|
//! | [`adapter`] | the trait that an executor's author implements |
//! | [`observation`] | what is compared: parts, keys, values |
//! | [`roles`], [`access`] | a few names that every role shares; ready-made conflict patterns |
//! | [`case`](mod@case) | a drawn case as plain data, and as the content of a reproducer |
//! | [`answer`], [`child`] | the contender's answers, from this process or from a child process |
//! | [`entrance`] | the first call of a program, which serves if it is a child |
//! | [`trial`], [`class`] | one case executed and judged; the class of a finding, which shrinking keeps |
//! | [`shrinking`] | smaller cases of the same class |
//! | [`workload`] | trials as the workload of a [campaign](crate::campaign) |
//! | [`program`] | a program of one's own from its `main`, and a `#[test]` |
//! | [`fuzz`] | a fuzzer's bytes as a case |
//! | [`registers`] | a small executor with seeded bugs, for the self-check of every campaign |
//!
//! *Isolation.* A hang is the commonest finding in executors, and no thread can be freed from one. So the
//! contender runs in a long-lived child process of the same program: cases reach it through a socket that
//! is its standard input, so that whatever it prints disturbs nothing. Its own watchdog reports a case that
//! does not end, and the child is replaced. A fuzzer that wants everything in one process uses
//! [`answer::InProcess`].
//!
//! *Vacuity.* Executors fall back to their serial path below thresholds of their own, so parallelism is
//! measured where the contender tells it. Transactions that do not conflict test nothing, so two
//! neighbours are swapped under the reference in half of the cases; a campaign in which no swap
//! changed anything is vacuous.
//!
//! *Not covered.* The reference runs in the process of the campaign. If it does not end, the campaign does,
//! with the run and the exit code 13.

pub mod access;
pub mod adapter;
pub mod answer;
pub mod case;
pub mod child;
pub mod class;
pub mod entrance;
pub mod fuzz;
pub mod observation;
pub mod program;
pub mod registers;
pub mod roles;
pub mod shrinking;
pub mod trial;
pub mod workload;

pub use access::Access;
pub use adapter::{Adapter, Broken, Independence, Size};
pub use case::Case;
pub use entrance::serve_if_child;
pub use observation::{Entry, Executed, Key, Observation, Part};
pub use program::main;
pub use roles::RolePool;
pub use workload::{Settings, Trials};

/// The name under which the coverage points of trials are registered, those of an adapter included.
pub const SYSTEM: &str = "executor";

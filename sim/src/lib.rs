//! The Lockstep ledger under the simulation harness: scenarios are drawn, executed on systems under
//! test, and judged step by step.
//!
//! [`generate`] turns a stream of [choices](lockstep_harness::choice) into a [`scenario`]:
//! everything that a run depends on, as plain data. A [`trial`] executes it on [subjects](subject)
//! and on the [`oracle`], and checks the [`invariants`] after every step. A [`campaign`] is many of
//! them, as a workload of [`lockstep_harness`], which counts [coverage points](coverage) and
//! detects seeded bugs first ([`canary`]). A violation is shrunk ([`mod@shrink`]) and becomes a
//! [`reproducer`], or a test ([`mod@export`]). [`stress`] executes one large block of one
//! [`conflict_pattern`] in place of many small ones, [`crash`] simulates power loss in every call
//! to the disk. Built with the feature `shuttle`, `explore` executes blocks under drawn
//! [schedules](lockstep_harness::schedule).
//!
//! ```
//! use lockstep_harness::choice::Seeded;
//! use lockstep_sim::generate::{self, Size};
//! use lockstep_sim::subject::{Core, Subject};
//! use lockstep_harness::coverage::Coverage;
//! use lockstep_sim::trial;
//!
//! let (profile, scenario) = generate::scenario(&mut Seeded::new(7, 0), Size::SMALL);
//! let outcome = trial::run(
//!     &scenario,
//!     &|genesis, hash_seed| {
//!         Ok(vec![Box::new(Core::in_memory(genesis, hash_seed)?) as Box<dyn Subject>])
//!     },
//!     &mut Coverage::default(),
//! );
//! assert!(outcome.is_ok(), "{profile}: {outcome:?}");
//! ```

pub mod conflict_pattern;
pub mod generate;
pub mod scenario;

pub mod disk;
pub mod entries;
pub mod faulty;
pub mod oracle;
pub mod reads;
pub mod subject;
pub mod verdicts;
pub mod world;

pub mod invariants;
pub mod trial;

pub mod buggy_core;
pub mod campaign;
pub mod canary;
pub mod coverage;

pub mod crash;
#[cfg(feature = "shuttle")]
pub mod explore;
pub mod stress;

pub mod export;
pub mod from_bytes;
pub mod reproducer;
pub mod shrink;

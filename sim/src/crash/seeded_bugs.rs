//! Defects that a crash must bring to light: whoever lets them pass is blind.

use std::fmt;

use crate::disk::{CrashPoint, Disk};
use lockstep_harness::campaign::SelfCheckFailed;
use lockstep_harness::invariant::Invariant;

use super::{Chain, Report, Shape, Unrecovered, every_crash_of};
use crate::faulty::{CommitForEachWrite, InTwoCommits};
use crate::invariants::CRASH_LEAVES_BEFORE_OR_AFTER;
use crate::subject::Execution;

/// A defect around core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// The storage is [`InTwoCommits`].
    BatchInTwoCommits,
    /// The storage is [`CommitForEachWrite`].
    CommitForEachWrite,
    /// The disk says that all is durable, and nothing is.
    DiskLiesAboutSyncs,
}

impl fmt::Display for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Planted::BatchInTwoCommits => "a batch in two commits",
            Planted::CommitForEachWrite => "a commit for each write",
            Planted::DiskLiesAboutSyncs => "a disk that lies about syncs",
        })
    }
}

impl Planted {
    /// Every one.
    pub const ALL: [Planted; 3] = [
        Planted::BatchInTwoCommits,
        Planted::CommitForEachWrite,
        Planted::DiskLiesAboutSyncs,
    ];

    /// The invariant that must name each.
    pub const CAUGHT_BY: &'static Invariant = &CRASH_LEAVES_BEFORE_OR_AFTER;

    /// Looks for it in every crash of a small chain; gives the crash that brought it to light.
    ///
    /// # Errors
    ///
    /// [`SelfCheckFailed`], where no crash does, or another invariant is violated.
    pub fn check(self, seed: u64) -> Result<CrashPoint, SelfCheckFailed> {
        match self.every_crash(&Chain::drawn(seed, Shape::SMALL)) {
            Err(Unrecovered::Found(found)) if found.violation.invariant == Planted::CAUGHT_BY => {
                Ok(found.point)
            }
            other => Err(SelfCheckFailed {
                bug: self.to_string(),
                found_by: Planted::CAUGHT_BY.name.to_owned(),
                said: format!("{other:?}"),
            }),
        }
    }

    /// As [`super::every_crash`], with this defect in it.
    ///
    /// # Errors
    ///
    /// As [`super::every_crash`], and what it must find.
    pub fn every_crash(self, chain: &Chain) -> Result<Report, Unrecovered> {
        let disk = Disk::default();
        match self {
            Planted::BatchInTwoCommits => {
                every_crash_of(chain, Execution::Serial, disk, InTwoCommits)
            }
            Planted::CommitForEachWrite => {
                every_crash_of(chain, Execution::Serial, disk, CommitForEachWrite)
            }
            Planted::DiskLiesAboutSyncs => {
                disk.lie_about_syncs();
                every_crash_of(chain, Execution::Serial, disk, |plain| plain)
            }
        }
    }
}

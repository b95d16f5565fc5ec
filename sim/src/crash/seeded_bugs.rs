//! Seeded bugs that the crashes of one block must detect before their report counts.

use lockstep_harness::campaign::SelfCheckFailed;
use lockstep_harness::invariant::Invariant;

use super::{Chain, ChainSize, Report, Unrecovered, every_crash_of};
use crate::disk::CrashPoint;
use crate::faulty::OnDiskBug;
use crate::invariants::CRASH_LEAVES_BEFORE_OR_AFTER;
use crate::subject::Execution;

lockstep_harness::seeded_bugs! {
    /// A seeded bug around core that shows in a crash.
    pub enum CrashBug in "crash": "one block of core on such a disk, with a crash in every call" {
        /// In a storage.
        MergeBesideBlock as OnDiskBug::MergeBesideBlock, named by [CRASH_LEAVES_BEFORE_OR_AFTER];
        /// In a storage.
        MergeNotAtomic as OnDiskBug::MergeNotAtomic, named by [CRASH_LEAVES_BEFORE_OR_AFTER];
        /// In a disk.
        LyingDisk as OnDiskBug::LyingDisk, named by [CRASH_LEAVES_BEFORE_OR_AFTER];
    }
}

impl CrashBug {
    /// Returns whether this invariant is one of those that must detect the bug.
    #[must_use]
    pub fn is_named_by(self, invariant: &Invariant) -> bool {
        self.seeding().named_by.contains(&invariant)
    }

    /// Searches every crash of a small chain for the bug; returns the crash that detects it.
    ///
    /// # Errors
    ///
    /// [`SelfCheckFailed`] if no crash does, or if another invariant is violated.
    pub fn check(self, seed: u64) -> Result<CrashPoint, SelfCheckFailed> {
        match self.every_crash(&Chain::drawn(seed, ChainSize::SMALL)) {
            Err(Unrecovered::Found(found)) if self.is_named_by(found.violation.invariant) => {
                Ok(found.point)
            }
            other => Err(SelfCheckFailed {
                bug: self.to_string(),
                found_by: CRASH_LEAVES_BEFORE_OR_AFTER.name.to_owned(),
                got: format!("{other:?}"),
            }),
        }
    }

    /// Crashes as [`super::every_crash`] does, with this bug around core.
    ///
    /// # Errors
    ///
    /// As [`super::every_crash`]; [`Unrecovered::Found`] is what it must return.
    pub fn every_crash(self, chain: &Chain) -> Result<Report, Unrecovered> {
        let bug = OnDiskBug::named(self.id()).expect("each refers to one of those");
        every_crash_of(chain, Execution::Serial, bug.disk(), bug.storage())
    }
}

//! Seeded bugs that the crashes of one block must bring to light, or whoever looks at them sees nothing.

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
    /// Whether this is how it must be detected.
    #[must_use]
    pub fn is_named_by(self, invariant: &Invariant) -> bool {
        self.seeding().named_by.contains(&invariant)
    }

    /// Looks for it in every crash of a small chain; gives the crash that brought it to light.
    ///
    /// # Errors
    ///
    /// [`SelfCheckFailed`], where no crash does, or another invariant is violated.
    pub fn check(self, seed: u64) -> Result<CrashPoint, SelfCheckFailed> {
        match self.every_crash(&Chain::drawn(seed, ChainSize::SMALL)) {
            Err(Unrecovered::Found(found)) if self.is_named_by(found.violation.invariant) => {
                Ok(found.point)
            }
            other => Err(SelfCheckFailed {
                bug: self.to_string(),
                found_by: CRASH_LEAVES_BEFORE_OR_AFTER.name.to_owned(),
                said: format!("{other:?}"),
            }),
        }
    }

    /// As [`super::every_crash`], with this bug around core.
    ///
    /// # Errors
    ///
    /// As [`super::every_crash`], and what it must find.
    pub fn every_crash(self, chain: &Chain) -> Result<Report, Unrecovered> {
        let bug = OnDiskBug::named(self.id()).expect("each refers to one of those");
        every_crash_of(chain, Execution::Serial, bug.disk(), bug.storage())
    }
}

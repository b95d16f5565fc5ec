//! The seeded bugs around core on a simulated disk; `seeded_bugs` and `unreliable_storage` have their code.

use crate::invariants::{
    CANCELLED_LEAVES_NO_TRACE, COMMIT_PANIC_LEAVES_BEFORE_OR_AFTER, CRASH_LEAVES_BEFORE_OR_AFTER,
    FAILURE_IS_NO_REJECTION, FAILURE_LEAVES_BEFORE_OR_AFTER, NO_FAILURE_WITHOUT_FAULT,
    NO_SWALLOWED_PANIC, ONE_PANIC_STILL_GIVES_THE_BLOCK,
};

lockstep_harness::seeded_bugs! {
    /// A seeded bug around core.
    pub enum OnDiskBug in "core on disk":
        "core on a simulated disk, with a disk, a storage or a ledger around it that is wrong"
    {
        MergeBesideBlock = "merge-beside-block" in Storage:
            "the cells are one commit and the rest of the block another",
            named by [CRASH_LEAVES_BEFORE_OR_AFTER, FAILURE_LEAVES_BEFORE_OR_AFTER];
        MergeNotAtomic = "merge-not-atomic" in Storage:
            "the merge is many writes, and a crash leaves some of them",
            named by [CRASH_LEAVES_BEFORE_OR_AFTER, FAILURE_LEAVES_BEFORE_OR_AFTER];
        IoErrorIsRejection = "io-error-is-rejection" in Storage:
            "a storage that cannot be read changes a result",
            named by [FAILURE_IS_NO_REJECTION, FAILURE_LEAVES_BEFORE_OR_AFTER];
        NotCancelSafe = "not-cancel-safe" in Storage:
            "a block that was given up is kept and was never executed",
            named by [CANCELLED_LEAVES_NO_TRACE];
        SwallowedPanic = "swallowed-panic" in Scheduling:
            "a worker that loads cells panics on one that does not exist, and the serial path rescues every such block",
            named by [NO_SWALLOWED_PANIC];
        FallbackFailsToo = "fallback-fails-too" in Scheduling:
            "the failure of the parallel path cancels the serial execution that is to rescue it",
            named by [ONE_PANIC_STILL_GIVES_THE_BLOCK];
        /// The commit of a block with more than 12 changes does not fit a buffer.
        ErrorWithoutFault = "error-without-fault" in Storage:
            "a limit of the program is reported as a failure of the medium",
            named by [NO_FAILURE_WITHOUT_FAULT, ONE_PANIC_STILL_GIVES_THE_BLOCK];
        PoisonedByPanic = "poisoned-by-panic" in Storage:
            "a panic inside a commit poisons a lock, and every later commit fails",
            named by [NO_FAILURE_WITHOUT_FAULT];
        /// Reads are answered from them until the next commit.
        HalfACommit = "half-a-commit" in Storage:
            "the cells of a commit that panicked stay in a cache",
            named by [COMMIT_PANIC_LEAVES_BEFORE_OR_AFTER];
        LyingDisk = "lying-disk" in Invented:
            "the disk says that all is durable and makes nothing so",
            named by [CRASH_LEAVES_BEFORE_OR_AFTER];
    }
}

impl OnDiskBug {
    /// True if it shows when the storage panics, or when it fails by itself.
    #[must_use]
    pub const fn is_of_panics(self) -> bool {
        matches!(
            self,
            OnDiskBug::SwallowedPanic
                | OnDiskBug::FallbackFailsToo
                | OnDiskBug::ErrorWithoutFault
                | OnDiskBug::PoisonedByPanic
                | OnDiskBug::HalfACommit
        )
    }
}

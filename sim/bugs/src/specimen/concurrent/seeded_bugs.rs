//! What can be wrong where the specimen's workers are threads, each by itself.

use crate::specimen::seeded_bugs::defects;

defects! {
    /// Whether a nonce fits is looked at while the batch before is still executed.
    NonceCheckThenAct = "nonce-check-then-act",
    /// What a worker's panic held up is filed after all others, which move up.
    ResultIndexLost = "result-index-lost",
    /// Receivers are left out of what a transaction is said to touch.
    ConflictMissed = "conflict-missed",
    /// What was loaded late overwrites what was written meanwhile.
    LateInsert = "late-insert",
    /// The sender's balance is held while the receiver's is taken.
    ShardGuard = "shard-guard",
    /// Who asks for a balance holds it while others run on the same thread.
    GuardAcrossAwait = "guard-across-await",
    /// The ledger is locked for writing while its workers want to read it.
    SelfDeadlock = "self-deadlock",
    /// A rewind does not wait for the block that is executed.
    OpenWindow = "open-window",
    /// The merge walks the balances when all results are there, and the last writes may not be.
    TornIteration = "torn-iteration",
    /// The sum of fees is loaded, added to and stored.
    FeeReadModifyWrite = "fee-read-modify-write",
    /// There are as many workers as transactions.
    UnboundedTasks = "unbounded-tasks",
    /// A batch is said to be finished when the last one of it that was begun is.
    DoneFlagLatched = "done-flag-latched",
}

impl Defect {
    /// Whether it ends in nobody going on, so that real threads wait for ever.
    #[must_use]
    pub const fn hangs(self) -> bool {
        matches!(
            self,
            Defect::ShardGuard | Defect::GuardAcrossAwait | Defect::SelfDeadlock
        )
    }
}

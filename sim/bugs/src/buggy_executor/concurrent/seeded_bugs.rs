//! The seeded bugs of the buggy executor whose workers are threads, each by itself.

lockstep_harness::seeded_bugs! {
    /// A seeded bug of the buggy executor with threads.
    pub enum ThreadBug in "buggy executor with threads":
        "the same with workers that are threads, real ones or a checker's"
    {
        /// Whether it fits is looked at while the batch before is still executed.
        NonceCheckThenAct = "nonce-check-then-act" in Authorization:
            "a nonce is read under one guard and used under another";
        /// What the panic held up is filed after all others, which move up.
        ResultIndexLost = "result-index-lost" in Authorization:
            "after a worker's panic, results belong to other transactions";
        /// As with one thread.
        ConflictMissed as crate::buggy_executor::ExecutorBug::ConflictMissed;
        LateInsert = "late-insert" in Scheduling:
            "what was loaded late overwrites what was written meanwhile";
        /// The sender's balance is held while the receiver's is taken.
        ShardGuard = "shard-guard" in Scheduling:
            "two entries are held at once, of one shard or in opposite orders";
        /// On the same thread.
        GuardAcrossAwait = "guard-across-await" in Scheduling:
            "a guard of a map is held while others run";
        /// The ledger is locked for writing while its workers want to read it.
        SelfDeadlock = "self-deadlock" in Scheduling:
            "a read lock is waited for under one's own write lock";
        OpenWindow = "open-window" in Scheduling: "a rewind gets in while a block is executed";
        /// It begins when all results are there, and the last writes may not be.
        TornIteration = "torn-iteration" in Scheduling:
            "the merge walks the map while a worker writes";
        FeeReadModifyWrite = "fee-read-modify-write" in Scheduling:
            "a sum is loaded, added to and stored by two workers";
        /// There are as many workers as transactions.
        UnboundedTasks = "unbounded-tasks" in Scheduling: "the limit of workers is ignored";
        /// A batch is finished when the last one of it that was begun is.
        DoneFlagLatched = "done-flag-latched" in Scheduling:
            "a batch is finished although a worker still validates";
    }
}

impl ThreadBug {
    /// Whether it ends in a deadlock, so that real threads wait for ever.
    #[must_use]
    pub const fn hangs(self) -> bool {
        matches!(
            self,
            ThreadBug::ShardGuard | ThreadBug::GuardAcrossAwait | ThreadBug::SelfDeadlock
        )
    }
}

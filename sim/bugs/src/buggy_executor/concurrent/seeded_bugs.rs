//! The seeded bugs of the buggy executor with threads.

lockstep_harness::seeded_bugs! {
    /// A seeded bug of the buggy executor with threads.
    pub enum ThreadBug in "buggy executor with threads":
        "the same executor with threads as workers, native or of a model checker"
    {
        /// It is checked while the previous batch is still executed.
        NonceCheckThenAct = "nonce-check-then-act" in Authorization:
            "a nonce is read under one guard and used under another";
        /// The result of the retried transaction is appended after all others, which move up.
        ResultIndexLost = "result-index-lost" in Authorization:
            "after a panic of a worker, results are assigned to other transactions";
        /// The same bug as on one thread.
        ConflictMissed as crate::buggy_executor::ExecutorBug::ConflictMissed;
        LateInsert = "late-insert" in Scheduling:
            "a value that is loaded late overwrites a concurrent write";
        /// The guard of the sender's balance is held while the receiver's is acquired.
        ShardGuard = "shard-guard" in Scheduling:
            "two guards of a map are held at once, of one shard or in opposite orders";
        /// Another task of the same thread needs the entry.
        GuardAcrossAwait = "guard-across-await" in Scheduling:
            "a guard of a map is held across an await";
        /// The ledger is locked for writing while its workers read it.
        SelfDeadlock = "self-deadlock" in Scheduling:
            "a thread waits for a read lock under its own write lock";
        OpenWindow = "open-window" in Scheduling: "a rewind runs while a block is executed";
        /// It begins when all results are filed, but the last writes may be outstanding.
        TornIteration = "torn-iteration" in Scheduling:
            "the merge iterates over the map while a worker writes";
        FeeReadModifyWrite = "fee-read-modify-write" in Scheduling:
            "a sum is loaded, added to and stored in separate steps by two workers";
        /// A worker is spawned for every transaction.
        UnboundedTasks = "unbounded-tasks" in Scheduling: "the limit of workers is ignored";
        /// The queue of the others is not stopped.
        PanicNotTold = "panic-not-told" in Scheduling:
            "the panic of a worker is not told to those who wait for it";
        /// A transaction occupies a place while it waits for that of its load.
        PoolWaitsForItself = "pool-waits-for-itself" in Scheduling:
            "those who wait occupy the pool that their work needs";
        /// A batch counts as finished when its last transaction is.
        DoneFlagLatched = "done-flag-latched" in Scheduling:
            "a batch counts as finished while a worker still validates";
        /// Only the thread that adds the block ends it with the error.
        WorkerFailureRejects = "worker-failure-rejects" in Invented:
            "a read that fails in a worker rejects its transaction";
        /// The caller returns without joining them, and adds the block again.
        CancelledWorkerWrites = "cancelled-worker-writes" in Invented:
            "a block that was given up returns while a worker still writes";
    }
}

impl ThreadBug {
    /// True if it shows after a fault alone: loom ends a model at its first panic, and no other fault is injected
    /// there.
    #[must_use]
    pub const fn takes_a_fault(self) -> bool {
        matches!(
            self,
            ThreadBug::ResultIndexLost
                | ThreadBug::PanicNotTold
                | ThreadBug::WorkerFailureRejects
                | ThreadBug::CancelledWorkerWrites
        )
    }

    /// True if it ends in a deadlock, so that native threads wait for ever.
    #[must_use]
    pub const fn hangs(self) -> bool {
        matches!(
            self,
            ThreadBug::ShardGuard
                | ThreadBug::GuardAcrossAwait
                | ThreadBug::SelfDeadlock
                | ThreadBug::PanicNotTold
                | ThreadBug::PoolWaitsForItself
        )
    }
}

//! Seeded bugs of nodes, which a run of several nodes must find.
//!
//! Core has no switches: a seeded bug is a subject around it, a storage or a disk under it, or a node that
//! exchanges messages in a wrong way. Most are bugs that real executors had.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use lockstep_core::model::{Amount, Block, Height};
use lockstep_harness::invariant::FINISHES_IN_TIME;
use serde::{Deserialize, Serialize};

use super::invariants::{BEFORE_OR_AFTER, NODES_CONVERGE};
use lockstep_sim::entries::StoredEntry;
use lockstep_sim::faulty::OnDiskBug;
use lockstep_sim::invariants::{
    NO_FAILURE_WITHOUT_FAULT, NONCES_ADVANCE_BY_APPLIED, READS_BACK, RECEIPTS_EXPLAIN_BALANCES,
    REJECTED_LEAVES_NO_TRACE, SAME_AS_SERIAL,
};
use lockstep_sim::subject::{StoredBlock, Subject, SubjectError};
use lockstep_sim::trial::{MAKES_SENSE, SAME_ON_EVERY_STORAGE};
use lockstep_sim::world::{BlockResult, World};

lockstep_harness::seeded_bugs! {
    /// A seeded bug of a node.
    #[derive(Serialize, Deserialize)]
    pub enum NodeBug in "node": "a node of a cluster, with a ledger of its own" {
        /// Fees are divided among the workers, and the remainder is lost.
        WorkerCountSemantics = "worker-count-semantics" in Scheduling:
            "the number of workers changes a result",
            named by [RECEIPTS_EXPLAIN_BALANCES, REJECTED_LEAVES_NO_TRACE];
        /// A rewind does not delete the older versions of what it undid.
        ReorgNotUndone = "reorg-not-undone" in Storage:
            "a rewind deletes the versions of another height",
            named by [SAME_ON_EVERY_STORAGE];
        /// The hash seed decides the order of a block's state diff.
        MergeOrder = "merge-order" in Scheduling: "the order of a hash map decides the order of writes",
            named by [SAME_AS_SERIAL];
        SkipsAfterRestart = "skips-after-restart" in Invented:
            "the first block after a restart is executed, but not stored",
            named by [RECEIPTS_EXPLAIN_BALANCES, READS_BACK, NONCES_ADVANCE_BY_APPLIED];
        /// A cell that cannot be read counts as absent.
        #[serde(alias = "ErrorBecomesRejection")]
        IoErrorIsRejection as OnDiskBug::IoErrorIsRejection,
            named by [
                RECEIPTS_EXPLAIN_BALANCES,
                SAME_AS_SERIAL,
                MAKES_SENSE,
                NONCES_ADVANCE_BY_APPLIED,
            ];
        StuckAfterError = "stuck-after-error" in Invented:
            "a single storage failure prevents all writes until the next restart",
            named by [NO_FAILURE_WITHOUT_FAULT];
        /// The disk of the node acknowledges syncs and makes nothing durable.
        LyingDisk as OnDiskBug::LyingDisk, named by [BEFORE_OR_AFTER];
        TakesAgain = "takes-again" in Invented:
            "a repeated block undoes the blocks above it, and is executed again",
            named by [SAME_AS_SERIAL, REJECTED_LEAVES_NO_TRACE];
        AsksForNothing = "asks-for-nothing" in Invented:
            "a block that arrives before its parent is dropped, and the parent is never requested",
            named by [NODES_CONVERGE];
        NeverEnds = "never-ends" in Invented:
            "the second transaction of a sender in a block waits for ever for the first",
            named by [FINISHES_IN_TIME];
    }
}

/// A subject that is correct but for one seeded bug.
pub(super) struct BuggyLedger<S> {
    inner: S,
    bug: NodeBug,
    workers: u64,
    hash_seed: u64,
    is_reopened: bool,
    is_stuck: bool,
}

impl<S: Subject> BuggyLedger<S> {
    /// Wraps the subject of a node with this many workers and this hash seed.
    pub(super) fn new(inner: S, bug: NodeBug, workers: usize, hash_seed: u64) -> Self {
        BuggyLedger {
            inner,
            bug,
            workers: workers as u64,
            hash_seed,
            is_reopened: false,
            is_stuck: false,
        }
    }
}

impl<S: Subject> Subject for BuggyLedger<S> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        if self.is_stuck {
            return Err(SubjectError::Failed(
                "the storage failed before, and only reads since".to_owned(),
            ));
        }
        let height = block.header.height;
        if self.bug == NodeBug::TakesAgain
            && let Some((kept, _)) = self.inner.stored(height)?
            && kept == *block
        {
            self.inner.rewind_to(Height(height.0 - 1))?;
        }
        let added = self.inner.add_block(block);
        self.is_stuck =
            self.bug == NodeBug::StuckAfterError && matches!(added, Err(SubjectError::Failed(_)));
        let mut result = added?;
        match self.bug {
            NodeBug::WorkerCountSemantics => {
                let fees = result.fees.0;
                result.fees = Amount(fees - fees % self.workers.max(1));
            }
            NodeBug::MergeOrder => {
                let changes = result.state_diff.len().max(1) as u64;
                let by = usize::try_from(self.hash_seed % changes);
                result
                    .state_diff
                    .rotate_left(by.expect("what is below a length is a usize"));
            }
            NodeBug::SkipsAfterRestart if self.is_reopened => {
                self.is_reopened = false;
                let before = Height(block.header.height.0 - 1);
                self.inner.rewind_to(before)?;
            }
            NodeBug::SkipsAfterRestart
            | NodeBug::ReorgNotUndone
            | NodeBug::IoErrorIsRejection
            | NodeBug::StuckAfterError
            | NodeBug::LyingDisk
            | NodeBug::TakesAgain
            | NodeBug::AsksForNothing => {}
            NodeBug::NeverEnds => {
                let mut senders = BTreeSet::new();
                let mut transactions = block.transactions.iter();
                if !transactions.all(|transaction| senders.insert(transaction.source)) {
                    loop {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            }
        }
        Ok(result)
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.inner.rewind_to(height)
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.is_reopened = true;
        self.is_stuck = false;
        self.inner.reopen()
    }

    fn world(&self) -> Result<World, SubjectError> {
        self.inner.world()
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        self.inner.stored(height)
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        self.inner.bytes_kept()
    }

    fn entries(&self) -> Result<Option<Vec<StoredEntry>>, SubjectError> {
        self.inner.entries()
    }

    fn take_recovered_panic(&mut self) -> Option<String> {
        self.inner.take_recovered_panic()
    }
}

//! Nodes with a known defect, to see that a run of several nodes finds it.
//!
//! Core has no switches: a defect is a subject around it, a storage or a disk under it, or a node that
//! talks with the others as it should not. Most are among those that real executors had.

use std::fmt;

use lockstep_core::model::{Amount, Block, Height};
use serde::{Deserialize, Serialize};

use super::scenario::NodeRecipe;
use lockstep_sim::subject::{StoredBlock, Subject, SubjectError};
use lockstep_sim::world::{BlockResult, World};

/// What is wrong with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Defect {
    /// Fees are shared out among the workers, and what does not divide is lost.
    WorkerCountSemantics,
    /// A rewind leaves the older versions of what it undid where they were.
    ReorgNotUndone,
    /// The hash seed decides the order of a block's changes.
    MergeOrder,
    /// The first block after a restart is executed and not kept.
    SkipsAfterRestart,
    /// A cell that cannot be read counts as one that is not there.
    ErrorBecomesRejection,
    /// After the storage failed once, nothing is written until the next restart.
    StuckAfterError,
    /// The disk says that all is durable and makes nothing so.
    LyingDisk,
    /// A block that comes again undoes what was built on it, and is executed again.
    TakesAgain,
    /// A block that comes before its parent is forgotten, and its parent never asked for.
    AsksForNothing,
}

impl Defect {
    /// Every one.
    pub const ALL: [Defect; 9] = [
        Defect::WorkerCountSemantics,
        Defect::ReorgNotUndone,
        Defect::MergeOrder,
        Defect::SkipsAfterRestart,
        Defect::ErrorBecomesRejection,
        Defect::StuckAfterError,
        Defect::LyingDisk,
        Defect::TakesAgain,
        Defect::AsksForNothing,
    ];

    /// As a command line spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Defect::WorkerCountSemantics => "worker-count-semantics",
            Defect::ReorgNotUndone => "reorg-not-undone",
            Defect::MergeOrder => "merge-order",
            Defect::SkipsAfterRestart => "skips-after-restart",
            Defect::ErrorBecomesRejection => "io-error-is-rejection",
            Defect::StuckAfterError => "stuck-after-error",
            Defect::LyingDisk => "lying-disk",
            Defect::TakesAgain => "takes-again",
            Defect::AsksForNothing => "asks-for-nothing",
        }
    }

    /// The defect with a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Defect::ALL.into_iter().find(|defect| defect.name() == name)
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A subject that is right but for one defect.
pub(super) struct Planted<S> {
    inner: S,
    defect: Defect,
    workers: u64,
    hash_seed: u64,
    is_reopened: bool,
    is_stuck: bool,
}

impl<S: Subject> Planted<S> {
    pub(super) fn new(inner: S, defect: Defect, recipe: &NodeRecipe) -> Self {
        Planted {
            inner,
            defect,
            workers: recipe.workers as u64,
            hash_seed: recipe.hash_seed,
            is_reopened: false,
            is_stuck: false,
        }
    }
}

impl<S: Subject> Subject for Planted<S> {
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
        if self.defect == Defect::TakesAgain
            && let Some((kept, _)) = self.inner.stored(height)?
            && kept == *block
        {
            self.inner.rewind_to(Height(height.0 - 1))?;
        }
        let added = self.inner.add_block(block);
        self.is_stuck =
            self.defect == Defect::StuckAfterError && matches!(added, Err(SubjectError::Failed(_)));
        let mut result = added?;
        match self.defect {
            Defect::WorkerCountSemantics => {
                let fees = result.fees.0;
                result.fees = Amount(fees - fees % self.workers.max(1));
            }
            Defect::MergeOrder => {
                let changes = result.changes.len().max(1) as u64;
                let by = usize::try_from(self.hash_seed % changes);
                result
                    .changes
                    .rotate_left(by.expect("what is below a length is a usize"));
            }
            Defect::SkipsAfterRestart if self.is_reopened => {
                self.is_reopened = false;
                let before = Height(block.header.height.0 - 1);
                self.inner.rewind_to(before)?;
            }
            Defect::SkipsAfterRestart
            | Defect::ReorgNotUndone
            | Defect::ErrorBecomesRejection
            | Defect::StuckAfterError
            | Defect::LyingDisk
            | Defect::TakesAgain
            | Defect::AsksForNothing => {}
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
}

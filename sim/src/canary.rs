//! Canary: the oracle as a subject with a seeded bug, for the self-check of every campaign. A judge
//! that accepts it detects nothing, and the campaign fails.

use lockstep_core::model::{Amount, Block, Cell, Genesis, Height, Outcome, Value};

use lockstep_harness::invariant::Invariant;

use crate::invariants::{READS_BACK, RECEIPTS_EXPLAIN_BALANCES, REWIND_RESTORES};
use crate::oracle::Oracle;
use crate::subject::{StoredBlock, Subject, SubjectError};
use crate::world::{BlockResult, World};

lockstep_harness::seeded_bugs! {
    /// A seeded bug of a canary.
    pub enum CanaryBug in "canary": "the oracle as a subject, for the self-check of every campaign" {
        UnitLost = "unit-lost" in Invented: "the first balance of a world is one too small",
            named by [RECEIPTS_EXPLAIN_BALANCES];
        FeeMisreported = "fee-misreported" in Invented:
            "the last receipt of a block says another fee",
            named by [READS_BACK];
        RewindForgotten = "rewind-forgotten" in Invented: "a rewind does nothing",
            named by [REWIND_RESTORES];
    }
}

impl CanaryBug {
    /// Returns the invariant that must be violated.
    #[must_use]
    pub const fn named_by(self) -> &'static Invariant {
        self.seeding().named_by[0]
    }
}

/// A subject that is correct but for one seeded bug.
///
/// It wraps the oracle: around core, a bug of core would look like one of the judge.
pub struct Canary {
    oracle: Oracle,
    /// The blocks of the chain, from height 1.
    blocks: Vec<Block>,
    bug: CanaryBug,
}

impl Canary {
    /// Creates a canary with this bug.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis is impossible.
    pub fn new(genesis: &Genesis, bug: CanaryBug) -> Result<Self, SubjectError> {
        Ok(Canary {
            oracle: Oracle::new(genesis).map_err(SubjectError::Damaged)?,
            blocks: Vec::new(),
            bug,
        })
    }
}

impl Subject for Canary {
    fn name(&self) -> &str {
        "canary"
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let mut result = self
            .oracle
            .add_block(block)
            .map_err(SubjectError::Refused)?;
        self.blocks.push(block.clone());
        if self.bug == CanaryBug::FeeMisreported
            && let Some(last) = result.receipts.last_mut()
            && let Outcome::Applied { fee, .. } = &mut last.outcome
        {
            *fee = Amount(fee.0 ^ 1);
        }
        Ok(result)
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        if self.bug == CanaryBug::RewindForgotten {
            return Ok(());
        }
        self.oracle
            .rewind_to(height)
            .map_err(SubjectError::Damaged)?;
        let left = usize::try_from(height.0).expect("as many blocks are there");
        self.blocks.truncate(left);
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        Ok(())
    }

    fn world(&self) -> Result<World, SubjectError> {
        let mut world = self.oracle.world().clone();
        if self.bug == CanaryBug::UnitLost && world.height > Height::GENESIS {
            let first = world.cells.iter_mut().find_map(|(cell, versions)| {
                match (cell, versions.last_mut().map(|version| &mut version.value)) {
                    (Cell::Balance(..), Some(Value::Balance(amount))) if amount.0 > 0 => {
                        Some(amount)
                    }
                    _ => None,
                }
            });
            if let Some(amount) = first {
                amount.0 -= 1;
            }
        }
        Ok(world)
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        let receipts = self.oracle.result(height).map(|result| &result.receipts);
        let block = self
            .blocks
            .iter()
            .find(|block| block.header.height == height);
        Ok(block.cloned().zip(receipts.cloned()))
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        Ok(blake3::hash(b"it keeps no bytes"))
    }
}

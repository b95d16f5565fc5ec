//! A subject with a known defect, to be caught in every campaign: a judge that lets it pass is
//! blind, whatever else it says.

use lockstep_core::model::{Amount, Block, Cell, Height, Outcome, Value};

use crate::subject::{StoredBlock, Subject, SubjectError};
use crate::world::{BlockResult, World};

/// What is wrong with a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// The first balance of a world is one too small.
    UnitLost,
    /// The last receipt of a block says another fee.
    FeeMisreported,
    /// A rewind does nothing.
    RewindForgotten,
}

impl Defect {
    /// Every one.
    pub const ALL: [Defect; 3] = [
        Defect::UnitLost,
        Defect::FeeMisreported,
        Defect::RewindForgotten,
    ];

    /// The invariant that must name it.
    #[must_use]
    pub const fn caught_by(self) -> &'static str {
        match self {
            Defect::UnitLost => "receipts-explain-balances",
            Defect::FeeMisreported => "reads-back",
            Defect::RewindForgotten => "rewind-restores",
        }
    }
}

/// A subject that looks as it should but for one defect.
pub struct Canary<S> {
    inner: S,
    defect: Defect,
}

impl<S: Subject> Canary<S> {
    /// Plants a defect.
    pub const fn new(inner: S, defect: Defect) -> Self {
        Canary { inner, defect }
    }
}

impl<S: Subject> Subject for Canary<S> {
    fn name(&self) -> &str {
        "canary"
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let mut result = self.inner.add_block(block)?;
        if self.defect == Defect::FeeMisreported
            && let Some(last) = result.receipts.last_mut()
            && let Outcome::Applied { fee, .. } = &mut last.outcome
        {
            *fee = Amount(fee.0 ^ 1);
        }
        Ok(result)
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        match self.defect {
            Defect::RewindForgotten => Ok(()),
            _ => self.inner.rewind_to(height),
        }
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.inner.reopen()
    }

    fn world(&self) -> Result<World, SubjectError> {
        let mut world = self.inner.world()?;
        if self.defect == Defect::UnitLost && world.height > Height::GENESIS {
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
        self.inner.stored(height)
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        self.inner.bytes_kept()
    }
}

//! The specimen over shuttle's primitives, for an exploration.

#[path = "../shared/mod.rs"]
mod shared;

use std::sync::{Arc, Mutex, PoisonError};

use lockstep_core::config::{Config, HashSeed};
use lockstep_core::model::{Block, Genesis, Height};
use lockstep_sync::shuttle as sync;

use self::shared::{Ledger, Settings};
use super::checked::Checked;
use super::panics::Panics;
use super::{Defect, can_rival, native};
use crate::specimen::Kept;
use lockstep_sim::explore::{Added, Explorable};
use lockstep_sim::faulty::RivalAct;
use lockstep_sim::scenario::Fault;
use lockstep_sim::subject::{StoredBlock, SubjectError};
use lockstep_sim::world::{BlockResult, World};

/// The specimen with workers that a scheduler drives, with a defect or without.
#[derive(Debug)]
pub struct Explored {
    defect: Option<Defect>,
    /// The block that was executed last: the same one comes again and again.
    last: Mutex<Option<Arc<Checked>>>,
}

impl Explored {
    /// `None` for the one that is right.
    #[must_use]
    pub const fn new(defect: Option<Defect>) -> Self {
        Explored {
            defect,
            last: Mutex::new(None),
        }
    }

    fn checked(&self, block: &Block) -> Arc<Checked> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(checked) if checked.block == *block => Arc::clone(checked),
            _ => Arc::clone(last.insert(Arc::new(Checked::new(block)))),
        }
    }
}

impl Explorable for Explored {
    type Kept = Kept;

    fn name(&self) -> &str {
        "specimen"
    }

    fn add_block(
        &self,
        kept: Kept,
        config: &Config,
        block: &Block,
        rival: Option<RivalAct>,
    ) -> Result<Added<Kept>, SubjectError> {
        let hash_seed = match config.hash_seed {
            HashSeed::Fixed(seed) => seed,
            HashSeed::Random => 0,
        };
        let settings = Settings {
            workers: config.parallel.workers(),
            hash_seed,
            defect: self.defect,
        };
        let ledger = Ledger::new(kept, settings);
        let panics = Arc::new(Panics::planned(None));
        let added = ledger.add(&self.checked(block), rival, &panics);
        let result = match (added.result, &added.rival) {
            (Err(error), None) => return Err(error),
            (result, _) => result,
        };
        Ok(Added {
            result,
            kept: ledger.kept(),
            rival: added.rival,
            at_work: Some(added.at_work),
        })
    }

    fn can_meet(&self, fault: Fault) -> bool {
        can_rival(fault)
    }
}

impl lockstep_sim::explore::Kept for Kept {
    fn of_genesis(genesis: &Genesis, _: &Config) -> Result<Self, SubjectError> {
        Kept::at_genesis(genesis, None)
    }

    fn add_serially(&self, _: &Config, block: &Block) -> Result<(BlockResult, Self), SubjectError> {
        let (result, kept) = native::alone(self.clone(), block);
        Ok((result?, kept))
    }

    fn rewound_to(&self, _: &Config, height: Height) -> Result<Self, SubjectError> {
        let mut kept = self.clone();
        kept.rewind_to(height);
        Ok(kept)
    }

    fn world(&self, _: &Config) -> Result<World, SubjectError> {
        Ok(self.as_world())
    }

    fn stored(&self, _: &Config, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        Ok(self.block(height))
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        Ok(blake3::hash(b"it keeps no bytes"))
    }
}

//! The buggy executor over shuttle's primitives, for an exploration of schedules.

#[path = "../shared/mod.rs"]
mod shared;

use std::sync::{Arc, Mutex, PoisonError};

use lockstep_core::config::{Config, HashSeed};
use lockstep_core::model::{Block, Genesis, Height};
use lockstep_sync::shuttle as sync;

use self::shared::{Ledger, Settings};
use super::checked::Checked;
use super::injection::{Injection, can_be_injected};
use super::{ThreadBug, can_be_concurrent, native};
use crate::buggy_executor::CommittedState;
use lockstep_sim::explore::{Added, Explorable, MetBy};
use lockstep_sim::faulty::ConcurrentAct;
use lockstep_sim::scenario::Fault;
use lockstep_sim::subject::{StoredBlock, SubjectError};
use lockstep_sim::world::{BlockResult, World};

/// The buggy executor with workers under a scheduler of shuttle, with a seeded bug or without.
#[derive(Debug)]
pub struct Explored {
    bug: Option<ThreadBug>,
    /// The block that was executed last, which is usually the next one as well.
    last: Mutex<Option<Arc<Checked>>>,
}

impl Explored {
    /// Creates an executor, correct if `bug` is `None`.
    #[must_use]
    pub const fn new(bug: Option<ThreadBug>) -> Self {
        Explored {
            bug,
            last: Mutex::new(None),
        }
    }

    fn add(
        &self,
        committed: CommittedState,
        config: &Config,
        block: &Block,
        concurrent: Option<ConcurrentAct>,
        fault: Option<Fault>,
    ) -> Added<CommittedState> {
        let hash_seed = match config.hash_seed {
            HashSeed::Fixed(seed) => seed,
            HashSeed::Random => 0,
        };
        let settings = Settings {
            workers: config.parallel.workers(),
            hash_seed,
            bug: self.bug,
        };
        let ledger = Ledger::new(committed, settings);
        let (checked, injection) = (self.checked(block), Arc::new(Injection::of(fault, block)));
        let added = ledger.add(&checked, concurrent, &injection);
        let met_by = injection.has_happened().then_some(MetBy::Caller);
        let committed = ledger.committed();
        let again = (met_by.is_some() && added.result.is_err()).then(|| {
            let again = ledger.add(&checked, None, &Arc::new(Injection::none()));
            (again.result, ledger.committed())
        });
        Added {
            result: added.result,
            ledger: committed,
            concurrent: added.concurrent,
            at_work: Some(added.at_work),
            met_by,
            again,
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
    type LedgerState = CommittedState;

    fn name(&self) -> &str {
        "buggy executor"
    }

    fn add_block(
        &self,
        committed: CommittedState,
        config: &Config,
        block: &Block,
        concurrent: Option<ConcurrentAct>,
    ) -> Result<Added<CommittedState>, SubjectError> {
        let added = self.add(committed, config, block, concurrent, None);
        match added {
            Added {
                result: Err(error),
                concurrent: None,
                ..
            } => Err(error),
            added => Ok(added),
        }
    }

    fn add_block_under(
        &self,
        fault: Fault,
        committed: CommittedState,
        config: &Config,
        block: &Block,
    ) -> Result<Added<CommittedState>, SubjectError> {
        match self.add(committed, config, block, None, Some(fault)) {
            Added {
                result: Err(error),
                met_by: None,
                ..
            } => Err(error),
            added => Ok(added),
        }
    }

    fn supports(&self, fault: Fault) -> bool {
        can_be_concurrent(fault) || can_be_injected(fault)
    }
}

impl lockstep_sim::explore::LedgerState for CommittedState {
    fn of_genesis(genesis: &Genesis, _: &Config) -> Result<Self, SubjectError> {
        CommittedState::at_genesis(genesis, None)
    }

    fn add_serially(&self, _: &Config, block: &Block) -> Result<(BlockResult, Self), SubjectError> {
        let (result, committed) = native::alone(self.clone(), block);
        Ok((result?, committed))
    }

    fn rewound_to(&self, _: &Config, height: Height) -> Result<Self, SubjectError> {
        let mut committed = self.clone();
        committed.rewind_to(height);
        Ok(committed)
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

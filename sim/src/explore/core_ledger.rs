//! Core over shuttle's primitives, on a storage in memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use lockstep_core::chain::Chain;
use lockstep_core::clock::Clock;
use lockstep_core::config::Config;
use lockstep_core::model::{Block, Genesis, Height, Timestamp};
use lockstep_core::signature::Verifier;
use lockstep_core::storage::MemoryStorage;
use lockstep_core::under_shuttle::chain as explored;
use lockstep_sync::shuttle as sync;

use super::explorable::{Added, Explorable, LedgerState};
use super::faults::{self, FaultyStorage, Reads};
use super::scheduler::with;
use crate::faulty::ConcurrentAct;
use crate::scenario::{Fault, InjectionPoint};
use crate::subject::{self, Core, StoredBlock, Subject, SubjectError};
use crate::verdicts::Verdicts;
use crate::world::{BlockResult, World};

/// Core's own ledger over shuttle's primitives.
#[derive(Clone, Copy, Debug, Default)]
pub struct CoreLedger;

impl Explorable for CoreLedger {
    type LedgerState = MemoryStorage;

    fn name(&self) -> &str {
        "core"
    }

    fn add_block(
        &self,
        ledger: MemoryStorage,
        config: &Config,
        block: &Block,
        _: Option<ConcurrentAct>,
    ) -> Result<Added<MemoryStorage>, SubjectError> {
        let chain = explored::Chain::open_existing(ledger, config.clone(), clock())?
            .with_verifier(verdicts());
        let added = chain.add_block(block)?;
        Ok(Added::alone(subject::result(added), chain.into_storage()))
    }

    fn add_block_under(
        &self,
        fault: Fault,
        ledger: MemoryStorage,
        config: &Config,
        block: &Block,
    ) -> Result<Added<MemoryStorage>, SubjectError> {
        let reads: Arc<Mutex<Reads>> = Arc::default();
        let storage = FaultyStorage::new(ledger, Arc::clone(&reads));
        let chain = explored::Chain::open_existing(storage, config.clone(), clock())?
            .with_verifier(verdicts());
        with(&reads, |reads| reads.arm(fault, sync::current_thread()));
        let steps = AtomicU64::new(0);
        let is_cancelled = || {
            let step = InjectionPoint::Step(steps.fetch_add(1, Ordering::Relaxed));
            let is_now = fault == Fault::Cancel(step);
            if is_now {
                with(&reads, |reads| reads.note());
            }
            is_now
        };
        let added = chain.add_block_unless(block, is_cancelled);
        let result = added.map(subject::result).map_err(SubjectError::from);
        let met_by = with(&reads, |reads| reads.disarm());
        let Err(error) = result else {
            let ledger = chain.into_storage().into_inner();
            return Ok(Added {
                met_by,
                ..Added::of(result, ledger)
            });
        };
        if met_by.is_none() {
            return Err(error);
        }
        let ledger = sync::read(&chain.storage()).inner().clone();
        let again = chain.add_block(block);
        let again = again.map(subject::result).map_err(SubjectError::from);
        Ok(Added {
            met_by,
            again: Some((again, chain.into_storage().into_inner())),
            ..Added::of(Err(error), ledger)
        })
    }

    fn supports(&self, fault: Fault) -> bool {
        faults::is_explored(fault)
    }

    fn control_subjects(
        &self,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
        Ok(vec![Box::new(Core::in_memory(genesis, hash_seed)?)])
    }
}

impl LedgerState for MemoryStorage {
    fn of_genesis(genesis: &Genesis, config: &Config) -> Result<Self, SubjectError> {
        let chain = Chain::open(MemoryStorage::new(), genesis, config.clone(), clock())?;
        Ok(chain.into_storage())
    }

    fn add_serially(
        &self,
        config: &Config,
        block: &Block,
    ) -> Result<(BlockResult, Self), SubjectError> {
        let chain = opened(self, config)?;
        let added = chain.add_block(block)?;
        Ok((subject::result(added), chain.into_storage()))
    }

    fn rewound_to(&self, config: &Config, height: Height) -> Result<Self, SubjectError> {
        let chain = opened(self, config)?;
        chain.rewind_to(height)?;
        Ok(chain.into_storage())
    }

    fn world(&self, config: &Config) -> Result<World, SubjectError> {
        subject::world(&opened(self, config)?)
    }

    fn stored(&self, config: &Config, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        subject::stored(&opened(self, config)?, height)
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        subject::bytes_kept(self)
    }
}

fn opened(storage: &MemoryStorage, config: &Config) -> Result<Chain<MemoryStorage>, SubjectError> {
    let chain = Chain::open_existing(storage.clone(), config.clone(), clock())?;
    Ok(chain.with_verifier(verdicts()))
}

/// Returns the verifier of explored ledgers, which verifies each signature once: a block has the same ones
/// under every schedule, and verifying them takes no step.
fn verdicts() -> Arc<dyn Verifier> {
    Arc::new(Verdicts::of_this_thread())
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(|| Timestamp(0))
}

//! The buggy executor over the real primitives, as the subject of a trial.

#[path = "../shared/mod.rs"]
mod shared;

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use lockstep_core::model::{Block, Genesis, Height, PublicKey, Transaction};
use lockstep_sync::real as sync;

use self::shared::{Ledger, Settings};
use super::checked::Checked;
use super::injection::{Injection, can_be_injected};
use super::{Added, ThreadBug};
use crate::buggy_executor::CommittedState;
use lockstep_sim::faulty::{Aftermath, ConcurrentAct, Faulty, Template, happened};
use lockstep_sim::scenario::Fault;
use lockstep_sim::subject::{AtWork, StoredBlock, Subject, SubjectError};
use lockstep_sim::world::{BlockResult, World};

/// A ledger whose blocks are executed by native threads, with a seeded bug or without.
pub struct Concurrent {
    ledger: Arc<Ledger>,
    hang_after: Duration,
    armed: Option<Fault>,
    aftermath: Aftermath,
    at_work: Option<AtWork>,
}

impl Concurrent {
    /// Time after which a block counts as hanging; a correct one takes milliseconds.
    pub const HANG_AFTER: Duration = Duration::from_secs(5);

    /// Creates a ledger at height 0 with this number of workers, correct if `bug` is `None`.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis allocates more than there can be, or than the limit.
    pub fn new(
        genesis: &Genesis,
        hash_seed: u64,
        workers: usize,
        bug: Option<ThreadBug>,
        hang_after: Duration,
    ) -> Result<Self, SubjectError> {
        let settings = Settings {
            workers,
            hash_seed,
            bug,
        };
        Ok(Concurrent {
            ledger: Ledger::new(CommittedState::at_genesis(genesis, None)?, settings),
            hang_after,
            armed: None,
            aftermath: Aftermath::default(),
            at_work: None,
        })
    }

    /// Adds a block on a thread of its own, which cannot be killed and is left sleeping if it hangs.
    fn within_time_limit(
        &self,
        block: &Block,
        concurrent: Option<ConcurrentAct>,
        injection: &Arc<Injection>,
    ) -> Result<Added, SubjectError> {
        let (answers, answer) = channel();
        let (ledger, injection) = (Arc::clone(&self.ledger), Arc::clone(injection));
        let block = Arc::new(Checked::new(block));
        let adding = thread::spawn(move || {
            // The receiver is gone if this took too long.
            let _ = answers.send(ledger.add(&block, concurrent, &injection));
        });
        match answer.recv_timeout(self.hang_after) {
            Ok(added) => Ok(added),
            Err(RecvTimeoutError::Timeout) => {
                let reason = format!("no end in {:?}, expected one", self.hang_after);
                Err(SubjectError::Stuck(reason))
            }
            Err(RecvTimeoutError::Disconnected) => match adding.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => unreachable!("the adding thread answers before it ends"),
            },
        }
    }
}

impl Subject for Concurrent {
    fn name(&self) -> &str {
        "buggy executor with threads"
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let concurrent = match self.armed {
            Some(Fault::ConcurrentRequest(_, wants)) => {
                let height = self.ledger.committed().height();
                Some(ConcurrentAct::of(wants, height, block))
            }
            _ => None,
        };
        let injection = Arc::new(Injection::of(self.armed, block));
        let added = self.within_time_limit(block, concurrent, &injection)?;
        self.at_work = Some(added.at_work);
        if (added.concurrent.is_some() || injection.has_happened())
            && let Some(fault) = &self.armed
        {
            self.aftermath.events = happened(fault);
        }
        self.aftermath.concurrent = added.concurrent;
        added.result
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.ledger.rewind_to(height);
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        Ok(())
    }

    fn world(&self) -> Result<World, SubjectError> {
        Ok(self.ledger.committed().as_world())
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        Ok(self.ledger.committed().block(height))
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        Ok(blake3::hash(b"it keeps no bytes"))
    }

    fn at_work(&self) -> Option<AtWork> {
        self.at_work
    }

    fn faulty(&mut self) -> Option<&mut dyn Faulty> {
        Some(self)
    }
}

impl Faulty for Concurrent {
    fn arm(&mut self, fault: Fault) -> bool {
        let can =
            self.armed.is_none() && (super::can_be_concurrent(fault) || can_be_injected(fault));
        if can {
            self.armed = Some(fault);
        }
        can
    }

    fn recover(&mut self) -> Result<Aftermath, SubjectError> {
        self.armed = None;
        Ok(std::mem::take(&mut self.aftermath))
    }

    fn template(
        &mut self,
        _: &[Transaction],
        _: PublicKey,
        _: i64,
    ) -> Result<Template, SubjectError> {
        Err(SubjectError::Failed(
            "the buggy executor makes no templates".to_owned(),
        ))
    }
}

/// Adds a block with one worker and no concurrent request. Returns the result and the state after it.
///
/// # Errors
///
/// The inner error is [`SubjectError::Refused`] if the block does not extend the chain; then the state is
/// unchanged.
pub fn alone(
    committed: CommittedState,
    block: &Block,
) -> (Result<BlockResult, SubjectError>, CommittedState) {
    let settings = Settings {
        workers: 1,
        hash_seed: 0,
        bug: None,
    };
    let ledger = Ledger::new(committed, settings);
    let block = Arc::new(Checked::new(block));
    let added = ledger.add(&block, None, &Arc::new(Injection::none()));
    (added.result, ledger.committed())
}

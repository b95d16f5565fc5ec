//! The buggy executor over the real primitives, for a trial.

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
use super::panics::Panics;
use super::{Added, ThreadBug};
use crate::buggy_executor::CommittedState;
use lockstep_sim::faulty::{Aftermath, ConcurrentAct, Faulty, Template, happened};
use lockstep_sim::scenario::Fault;
use lockstep_sim::subject::{AtWork, StoredBlock, Subject, SubjectError};
use lockstep_sim::world::{BlockResult, World};

/// A ledger whose blocks are executed by threads of the system, with a bug or without.
pub struct Concurrent {
    ledger: Arc<Ledger>,
    patience: Duration,
    armed: Option<Fault>,
    aftermath: Aftermath,
    at_work: Option<AtWork>,
}

impl Concurrent {
    /// A block that takes longer than this does not end, as far as anybody can tell; a right one
    /// takes milliseconds.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// A ledger at height 0, executed by so many workers; `None` for one that is right.
    ///
    /// # Errors
    ///
    /// Where the genesis is impossible.
    pub fn new(
        genesis: &Genesis,
        hash_seed: u64,
        workers: usize,
        bug: Option<ThreadBug>,
        patience: Duration,
    ) -> Result<Self, SubjectError> {
        let settings = Settings {
            workers,
            hash_seed,
            bug,
        };
        Ok(Concurrent {
            ledger: Ledger::new(CommittedState::at_genesis(genesis, None)?, settings),
            patience,
            armed: None,
            aftermath: Aftermath::default(),
            at_work: None,
        })
    }

    /// Who hangs cannot be ended, and is left to hang: it sleeps.
    fn within_patience(
        &self,
        block: &Block,
        concurrent: Option<ConcurrentAct>,
        panics: &Arc<Panics>,
    ) -> Result<Added, SubjectError> {
        let (answers, answer) = channel();
        let (ledger, panics) = (Arc::clone(&self.ledger), Arc::clone(panics));
        let block = Arc::new(Checked::new(block));
        let adding = thread::spawn(move || {
            // Nobody waits any more where this took too long.
            let _ = answers.send(ledger.add(&block, concurrent, &panics));
        });
        match answer.recv_timeout(self.patience) {
            Ok(added) => Ok(added),
            Err(RecvTimeoutError::Timeout) => {
                let reason = format!("no end in {:?}, expected one", self.patience);
                Err(SubjectError::Stuck(reason))
            }
            Err(RecvTimeoutError::Disconnected) => match adding.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => unreachable!("whoever adds answers before it ends"),
            },
        }
    }
}

impl Subject for Concurrent {
    fn name(&self) -> &str {
        "buggy executor with threads"
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let (mut concurrent, mut panic) = (None, None);
        match self.armed {
            Some(Fault::ConcurrentRequest(_, wants)) => {
                concurrent = Some(ConcurrentAct::of(
                    wants,
                    self.ledger.committed().height(),
                    block,
                ));
            }
            Some(Fault::Panic {
                transaction,
                persists,
            }) if !block.transactions.is_empty() => {
                let index = transaction % block.transactions.len() as u64;
                let index = usize::try_from(index).expect("what is below a length is a usize");
                panic = Some((index, persists));
            }
            _ => {}
        }
        let panics = Arc::new(Panics::planned(panic));
        let added = self.within_patience(block, concurrent, &panics)?;
        self.at_work = Some(added.at_work);
        if (added.concurrent.is_some() || panics.have_happened())
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
        let can = self.armed.is_none()
            && (super::can_be_concurrent(fault) || matches!(fault, Fault::Panic { .. }));
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

/// A block on what is kept, by one worker and nobody beside it; and what is kept then.
///
/// # Errors
///
/// Where the block is refused; then nothing has changed.
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
    let added = ledger.add(&block, None, &Arc::new(Panics::planned(None)));
    (added.result, ledger.committed())
}

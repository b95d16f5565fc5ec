//! What a worker does with its transaction: load, check, apply.

use lockstep_core::model::{Amount, Asset, Nonce, Outcome, Payload, Rejection, Transaction};

use super::cache::Cache;
use super::ledger::Ledger;
use super::queue::{Filed, Queue};
use super::sync::{self, Arc};
use crate::buggy_executor::cache::Cached;
use crate::buggy_executor::concurrent::ThreadBug;
use crate::buggy_executor::concurrent::at_work::Attendance;
use crate::buggy_executor::concurrent::checked::Checked;
use crate::buggy_executor::concurrent::panics::Panics;
use crate::buggy_executor::worker::{check_cosigners, effects, taken};
use lockstep_sim::subject::SubjectError;

/// A block that is executed, as its workers see it.
pub(super) struct Work {
    pub(super) ledger: Arc<Ledger>,
    pub(super) block: Arc<Checked>,
    pub(super) queue: Queue,
    pub(super) panics: Arc<Panics>,
    pub(super) attendance: Arc<Attendance>,
    pub(super) bug: Option<ThreadBug>,
}

/// Whether a nonce fits, looked at before the batch may begin; only a bug does.
type Early = Option<Nonce>;

impl Work {
    fn has(&self, bug: ThreadBug) -> bool {
        self.bug == Some(bug)
    }

    /// Executes what nobody else has taken, until there is nothing left. Where that fails nobody
    /// begins anything any more.
    pub(super) fn drive(&self) -> Result<(), SubjectError> {
        let is_early = self.has(ThreadBug::NonceCheckThenAct);
        let mut done = None;
        while let Some(position) = self.queue.next(done.take(), is_early) {
            let transaction = self.queue.transaction(position);
            let number = u32::try_from(transaction).expect("a block has fewer transactions");
            sync::set_current_transaction(number);
            match self.execute(position, transaction) {
                Ok(filed) => done = Some((position, filed)),
                Err(error) => {
                    self.queue.stop();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn execute(&self, position: usize, index: usize) -> Result<Filed, SubjectError> {
        let transaction = &self.block.block.transactions[index];
        let mut early = None;
        if self.has(ThreadBug::NonceCheckThenAct) {
            self.cache().load(&self.ledger.committed, transaction);
            let account = self.cache().account(transaction.source)?;
            early = check_nonce(&account, transaction).ok();
            self.queue.begin(position);
        }
        self.attendance.comes();
        let mut is_second_try = false;
        let outcome = loop {
            // Before anything is written: then there is nothing to undo.
            let decided = sync::catch_panic(|| {
                self.panics.meet(index);
                self.decide(index, early)
            });
            match decided {
                Ok(decided) => break decided?,
                Err(_) if !is_second_try => is_second_try = true,
                Err(message) => return Err(SubjectError::GivenUp(message)),
            }
        };
        let filed = Filed {
            outcome,
            is_second_try,
        };
        if self.has(ThreadBug::TornIteration) {
            self.queue.file(position, filed.clone());
        }
        if let Outcome::Applied { .. } = filed.outcome {
            self.apply(transaction)?;
        }
        self.attendance.goes();
        Ok(filed)
    }

    fn cache(&self) -> &Cache {
        &self.ledger.cache
    }

    /// What becomes of a transaction; nothing is changed yet.
    fn decide(&self, index: usize, early: Early) -> Result<Outcome, SubjectError> {
        let transaction = &self.block.block.transactions[index];
        if let Some(rejection) = &self.block.rejections[index] {
            return Ok(Outcome::Rejected(rejection.clone()));
        }
        self.cache().load(&self.ledger.committed, transaction);
        let account = self.cache().account(transaction.source)?;
        let next = match early.map_or_else(|| check_nonce(&account, transaction), Ok) {
            Ok(next) => next,
            Err(rejection) => return Ok(Outcome::Rejected(rejection)),
        };
        if let Err(rejection) = check_cosigners(account.multisig.as_ref(), transaction) {
            return Ok(Outcome::Rejected(rejection));
        }
        if let Some(rejection) = self.check_balances(transaction)? {
            return Ok(Outcome::Rejected(rejection));
        }
        Ok(Outcome::Applied {
            fee: transaction.fee,
            effects: effects(transaction, next),
        })
    }

    fn check_balances(&self, transaction: &Transaction) -> Result<Option<Rejection>, SubjectError> {
        for (asset, sum) in taken(transaction) {
            let Ok(needed) = u64::try_from(sum) else {
                return Ok(Some(Rejection::SumOverflow { asset }));
            };
            let available = self.cache().balance(transaction.source, asset)?;
            if available < needed {
                return Ok(Some(Rejection::Balance {
                    asset,
                    needed: Amount(needed),
                    available: Amount(available),
                }));
            }
        }
        Ok(None)
    }

    fn apply(&self, transaction: &Transaction) -> Result<(), SubjectError> {
        let (source, cache) = (transaction.source, self.cache());
        let next = transaction.nonce.next().unwrap_or(transaction.nonce);
        cache.set_nonce(source, next)?;
        if !transaction.fee.is_zero() {
            cache.debit(source, Asset::NATIVE, transaction.fee.0)?;
            cache.count_fee(transaction.fee);
        }
        match &transaction.payload {
            Payload::Transfers(transfers) => {
                for to in transfers {
                    cache.transfer((source, to.destination), to.asset, to.amount.0)?;
                }
                Ok(())
            }
            Payload::Burn { asset, amount } => cache.debit(source, *asset, amount.0),
            Payload::Multisig(multisig) => {
                let to = Some(multisig.clone()).filter(|to| !to.participants.is_empty());
                cache.set_multisig(source, to)
            }
        }
    }
}

/// The nonce after a transaction.
fn check_nonce(account: &Cached, transaction: &Transaction) -> Result<Nonce, Rejection> {
    let expected = account.nonce.unwrap_or_default();
    let got = transaction.nonce;
    if got != expected {
        return Err(Rejection::Nonce { expected, got });
    }
    got.next().ok_or(Rejection::NonceExhausted)
}

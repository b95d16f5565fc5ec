//! The execution of transactions by a worker: load, check, apply.

use lockstep_core::model::{Amount, Asset, Nonce, Outcome, Payload, Rejection, Transaction};

use super::cache::Cache;
use super::ledger::Ledger;
use super::places::Places;
use super::queue::{Filed, Queue};
use super::sync::{self, Arc};
use crate::buggy_executor::cache::Cached;
use crate::buggy_executor::concurrent::ThreadBug;
use crate::buggy_executor::concurrent::at_work::Attendance;
use crate::buggy_executor::concurrent::checked::Checked;
use crate::buggy_executor::concurrent::injection::Injection;
use crate::buggy_executor::worker::{check_cosigners, effects, withdrawals};
use lockstep_sim::subject::SubjectError;

/// A block in execution, as its workers share it.
pub(super) struct Work {
    pub(super) ledger: Arc<Ledger>,
    pub(super) block: Arc<Checked>,
    pub(super) queue: Queue,
    pub(super) places: Places,
    pub(super) injection: Arc<Injection>,
    pub(super) attendance: Arc<Attendance>,
    pub(super) bug: Option<ThreadBug>,
}

/// The nonce after a transaction, checked before its batch may begin; set only by a bug.
type Early = Option<Nonce>;

impl Work {
    fn has(&self, bug: ThreadBug) -> bool {
        self.bug == Some(bug)
    }

    /// Executes transactions from the queue until it is empty. An error stops the queue for all
    /// workers, and so does the caller of the block when it has lost interest.
    pub(super) fn drive(&self, is_caller: bool) -> Result<(), SubjectError> {
        let is_early = self.has(ThreadBug::NonceCheckThenAct);
        let mut done = None;
        while let Some(position) = self.queue.next(done.take(), is_early) {
            let transaction = self.queue.transaction(position);
            let number = u32::try_from(transaction).expect("a block has fewer transactions");
            sync::set_current_transaction(number);
            if is_caller && self.injection.is_cancelled() {
                self.queue.stop();
                return Err(given_up());
            }
            match self.execute(position, transaction) {
                Ok(filed) => done = Some((position, filed)),
                Err(SubjectError::Failed(_))
                    if self.has(ThreadBug::WorkerFailureRejects) && !is_caller =>
                {
                    self.attendance.leave();
                    let transaction = &self.block.block.transactions[transaction];
                    let filed = Filed {
                        outcome: Outcome::Rejected(unreadable(transaction)),
                        is_second_try: false,
                    };
                    done = Some((position, filed));
                }
                Err(error) => {
                    let is_panic = matches!(error, SubjectError::GivenUp(_));
                    if !(is_panic && self.has(ThreadBug::PanicNotTold)) {
                        self.queue.stop();
                    }
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
            self.load(transaction)?;
            let account = self.cache().account(transaction.source)?;
            early = check_nonce(&account, transaction).ok();
            self.queue.begin(position);
        }
        self.attendance.enter();
        let mut is_second_try = false;
        let outcome = loop {
            // A panic before the first write leaves nothing to undo.
            let decided = sync::catch_panic(|| {
                if let Some(message) = self.injection.panic_of(index) {
                    sync::inject_panic(message.clone());
                    return Err(SubjectError::GivenUp(message));
                }
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
        self.attendance.leave();
        Ok(filed)
    }

    fn load(&self, transaction: &Transaction) -> Result<(), SubjectError> {
        let committed = &self.ledger.committed;
        self.cache().load(committed, transaction, &self.injection)
    }

    fn cache(&self) -> &Cache {
        &self.ledger.cache
    }

    /// Decides the outcome of a transaction, without a write.
    fn decide(&self, index: usize, early: Early) -> Result<Outcome, SubjectError> {
        // A place in the pool for the transaction, and one more for its load.
        let _places = self.has(ThreadBug::PoolWaitsForItself).then(|| {
            let own = self.places.occupy();
            (self.places.occupy(), own)
        });
        let transaction = &self.block.block.transactions[index];
        if let Some(rejection) = &self.block.rejections[index] {
            return Ok(Outcome::Rejected(rejection.clone()));
        }
        self.load(transaction)?;
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
        for (asset, sum) in withdrawals(transaction) {
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

/// The error of a block whose caller has lost interest.
pub(super) fn given_up() -> SubjectError {
    SubjectError::GivenUp("the caller has lost interest".to_owned())
}

/// The rejection of a transaction that cannot pay its fee, as if its source had nothing.
fn unreadable(transaction: &Transaction) -> Rejection {
    Rejection::Balance {
        asset: Asset::NATIVE,
        needed: transaction.fee,
        available: Amount::ZERO,
    }
}

/// Checks the nonce of a transaction, and returns the one after it.
fn check_nonce(account: &Cached, transaction: &Transaction) -> Result<Nonce, Rejection> {
    let expected = account.nonce.unwrap_or_default();
    let got = transaction.nonce;
    if got != expected {
        return Err(Rejection::Nonce { expected, got });
    }
    got.next().ok_or(Rejection::NonceExhausted)
}

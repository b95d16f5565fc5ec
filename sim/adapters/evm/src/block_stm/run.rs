//! The workers of one block, and the result that they leave.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use alloy_primitives::U256;
use revm::handler::Handler;
use revm::{ExecuteEvm, context::ContextSetters};

use super::bug::Bug;
use super::changes::{apply, writes};
use super::fee::FeeLeft;
use super::memory::{Key, Memory, Value};
use super::pace::{Pace, Pacing};
use super::scheduler::{Scheduler, Task};
use super::view::{Base, Blocked, Reads, View, is_valid};
use crate::block::Block;
use crate::edges;
use crate::execution::{Contender, Execution, Failure, Outcome, Status};
use crate::machine::{Interrupted, beyond_the_block, machine, outcome, rejection, transaction};
use crate::state::State;

/// The Block-STM, correct or with one of the seeded bugs.
#[derive(Clone, Copy, Debug)]
pub struct BlockStm {
    /// The order in which its workers go on.
    pub pacing: Pacing,
    /// The seeded bug, `None` for the correct one.
    pub bug: Option<Bug>,
}

/// Counts of one block.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Transactions of the block.
    pub transactions: usize,
    /// Executions, the first of each transaction included.
    pub executions: usize,
    /// Executions that met an estimate and gave up.
    pub blocked: usize,
    /// Validations that failed.
    pub aborted: usize,
    /// Transactions executed once more in order, behind one that did not fit into the block.
    pub in_order: usize,
    /// Nanoseconds for which the busiest worker was on a processor: what the block takes on a machine that
    /// has nothing else to do, but for waiting. `None` with drawn turns, and where the system does not say.
    pub busiest_ns: Option<u64>,
}

/// The last execution of one transaction.
#[derive(Default, Debug)]
struct Last {
    outcome: Option<Outcome>,
    reads: Reads,
    writes: Vec<(Key, Value)>,
}

impl Last {
    fn keys(&self) -> Vec<Key> {
        self.writes.iter().map(|(key, _)| *key).collect()
    }
}

/// State that the workers of one block share.
struct Shared<'b> {
    base: Base<'b>,
    memory: Memory,
    scheduler: Scheduler,
    pace: Pace,
    lasts: Vec<Mutex<Last>>,
    counts: Mutex<Counts>,
    gas: AtomicU64,
}

impl Contender for BlockStm {
    fn name(&self) -> String {
        match self.bug {
            None => "Block-STM".to_owned(),
            Some(bug) => format!("Block-STM with {}", bug.id()),
        }
    }

    fn execute(&self, before: &State, block: &Block, workers: usize) -> Result<Execution, Failure> {
        self.execute_counted(before, block, workers)
            .map(|(execution, _)| execution)
    }
}

impl BlockStm {
    /// The correct one, on the threads of the system.
    pub const CORRECT: Self = Self {
        pacing: Pacing::Free,
        bug: None,
    };

    /// Executes `block`, and counts.
    ///
    /// # Errors
    /// The failure, if there is no result.
    pub fn execute_counted(
        &self,
        before: &State,
        block: &Block,
        workers: usize,
    ) -> Result<(Execution, Counts), Failure> {
        let workers = workers.max(1);
        let mut state = before.clone();
        edges::before(&mut state, block)?;
        let shared = Shared {
            base: Base::new(&state, block, self.bug),
            memory: Memory::new(self.bug),
            scheduler: Scheduler::new(block.transactions.len(), workers, self.bug),
            pace: Pace::new(self.pacing, workers),
            lasts: block
                .transactions
                .iter()
                .map(|_| Mutex::default())
                .collect(),
            counts: Mutex::default(),
            gas: AtomicU64::new(0),
        };
        thread::scope(|scope| {
            for worker in 1..workers {
                let shared = &shared;
                scope.spawn(move || shared.work(worker));
            }
            shared.work(0);
        });
        let (failure, executions) = shared.scheduler.end();
        if let Some(failure) = failure {
            return Err(failure);
        }
        shared.cut()?;
        let mut counts = *lock(&shared.counts);
        counts.transactions = block.transactions.len();
        counts.executions = executions;
        let lasts: Vec<Last> = shared.lasts.into_iter().map(into_inner).collect();
        let mut outcomes = Vec::with_capacity(lasts.len());
        let mut after = state.clone();
        for last in lasts {
            apply(&mut after, block.fork, &last.writes, self.bug);
            outcomes.push(
                last.outcome
                    .expect("a complete block has an outcome for each"),
            );
        }
        let requests = edges::after(&mut after, block, &outcomes)?;
        let execution = Execution {
            outcomes,
            state: after,
            requests,
        };
        Ok((execution, counts))
    }
}

/// The nanoseconds that the calling thread has had on a processor, `None` where the system does not say.
pub(crate) fn on_processor_ns() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Shared<'_> {
    /// Works until the block is done; a panic ends the block for all workers.
    fn work(&self, worker: usize) {
        let start = self.on_processor_ns();
        self.pace.enter(worker);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let mut task = self.scheduler.next(&self.pace, worker);
            while let Some(claimed) = task {
                // A block that is done has no use for what is still at hand.
                if self.scheduler.is_done() {
                    break;
                }
                self.pace.pause(worker);
                let following = match claimed {
                    Task::Execute(transaction, incarnation) => {
                        self.execute(transaction, incarnation, worker)
                    }
                    Task::Validate(transaction, incarnation) => {
                        self.validate(transaction, incarnation, worker)
                    }
                };
                task = following.or_else(|| self.scheduler.next(&self.pace, worker));
            }
        }));
        if let Err(panic) = ended {
            self.scheduler.fail(Failure::Panic(message(panic.as_ref())));
        }
        if let (Some(start), Some(end)) = (start, self.on_processor_ns()) {
            let mut counts = lock(&self.counts);
            counts.busiest_ns = counts.busiest_ns.max(Some(end.saturating_sub(start)));
        }
        self.pace.leave(worker);
    }

    /// The time that this thread has had on a processor.
    fn on_processor_ns(&self) -> Option<u64> {
        if self.pace.is_drawn() {
            None
        } else {
            on_processor_ns()
        }
    }

    fn execute(&self, transaction: usize, incarnation: usize, worker: usize) -> Option<Task> {
        let bug = self.base.bug;
        let last = loop {
            let blocking = match self.execute_once(transaction, worker) {
                Ok(last) => break last,
                Err(Interrupted::Machine(reason)) => {
                    self.scheduler.fail(Failure::Machine(reason));
                    return None;
                }
                Err(Interrupted::Database(Blocked(blocking))) => blocking,
            };
            lock(&self.counts).blocked += 1;
            self.pace.pause(worker);
            if bug == Some(Bug::SpeculativeErrorKept) {
                break Last {
                    outcome: Some(Outcome::Rejected("Database".to_owned())),
                    ..Last::default()
                };
            }
            if self
                .scheduler
                .wait_for((transaction, blocking), &self.pace, worker)
            {
                return None;
            }
            if self.scheduler.is_done() {
                return None;
            }
        };
        let is_rejected = matches!(last.outcome, Some(Outcome::Rejected(_)));
        let is_broken = bug == Some(Bug::SpeculativePanic) && is_rejected;
        assert!(!is_broken, "a transaction of a block is valid");
        self.pace.pause(worker);
        let mut kept = lock(&self.lasts[transaction]);
        let written = (transaction, incarnation);
        let wrote_new = self.memory.record(written, &last.writes, &kept.keys());
        *kept = last;
        drop(kept);
        self.pace.pause(worker);
        self.scheduler.finish_execution(transaction, wrote_new)
    }

    fn validate(&self, transaction: usize, incarnation: usize, worker: usize) -> Option<Task> {
        let (reads, keys) = {
            let last = lock(&self.lasts[transaction]);
            (last.reads.clone(), last.keys())
        };
        let is_valid = is_valid(&self.memory, transaction, &reads, &self.base);
        self.pace.pause(worker);
        let is_aborted = !is_valid && self.scheduler.abort(transaction, incarnation);
        if is_aborted {
            lock(&self.counts).aborted += 1;
            self.memory.estimate(transaction, &keys);
            self.pace.pause(worker);
        }
        self.scheduler.finish_validation(transaction, is_aborted)
    }

    /// Executes a transaction on what it sees now.
    fn execute_once(&self, index: usize, worker: usize) -> Result<Last, Interrupted<Blocked>> {
        let block = self.base.block;
        let it = &block.transactions[index];
        if self.base.bug == Some(Bug::SharedGasCounter) {
            let used = self.gas.load(Ordering::Relaxed);
            if it.gas_limit.saturating_add(used) > block.environment.gas_limit {
                return Ok(Last {
                    outcome: Some(beyond_the_block()),
                    ..Last::default()
                });
            }
        }
        let view = View {
            base: &self.base,
            memory: &self.memory,
            pace: &self.pace,
            worker,
            transaction: index,
            reads: Reads::new(),
            accounts: HashMap::new(),
        };
        let mut machine = machine(block, view);
        machine.ctx.set_tx(transaction(it));
        let mut handler = FeeLeft::default();
        let result = handler.run(&mut machine);
        let state = machine.finalize();
        let view = &mut machine.ctx.journaled_state.database;
        let reads = std::mem::take(&mut view.reads);
        let (outcome, writes) = match result {
            Ok(result) => {
                let writes = writes(state, &view.accounts, handler.fee(), &self.base);
                (outcome(result), writes)
            }
            Err(error) => (rejection(error)?, Vec::new()),
        };
        self.gas.fetch_add(outcome.gas_used(), Ordering::Relaxed);
        let mut last = Last {
            outcome: Some(outcome),
            reads,
            writes,
        };
        self.spoil(index, &mut last);
        Ok(last)
    }

    /// Applies the seeded bugs that concern reverted calls.
    fn spoil(&self, index: usize, last: &mut Last) {
        let Some(Outcome::Executed {
            status: Status::Reverted,
            gas_used,
            ..
        }) = &mut last.outcome
        else {
            return;
        };
        let it = &self.base.block.transactions[index];
        match self.base.bug {
            Some(Bug::RejectedGasDiffers) => *gas_used = it.gas_limit,
            Some(Bug::RevertedLosesFee) => last.writes.clear(),
            Some(Bug::RevertedKeepsEffects) => {
                let to = it.to.unwrap_or_default();
                for (key, value) in &mut last.writes {
                    if let (Key::Account(address), Value::Account(Some(account))) = (key, value) {
                        let is_sender = *address == it.sender;
                        let sent = if is_sender { it.value } else { U256::ZERO };
                        account.balance = account.balance.saturating_sub(sent);
                    }
                }
                last.writes.push((Key::Account(to), Value::Fee(it.value)));
            }
            _ => {}
        }
    }

    /// Cuts the block where a declared limit does not fit into the gas that is left: what is behind is
    /// executed again in order.
    fn cut(&self) -> Result<(), Failure> {
        let block = self.base.block;
        let bug = self.base.bug;
        let mut left = block.environment.gas_limit;
        let count = block.transactions.len();
        let fits = |index: usize, left: &mut u64| {
            let used = lock(&self.lasts[index])
                .outcome
                .as_ref()
                .map_or(0, Outcome::gas_used);
            let by_used = bug == Some(Bug::BlockGasByUsed);
            let asked = if by_used {
                used
            } else {
                block.transactions[index].gas_limit
            };
            let fits = asked <= *left;
            *left -= if fits { used } else { 0 };
            fits
        };
        let Some(first) = (0..count).find(|index| !fits(*index, &mut left)) else {
            return Ok(());
        };
        if bug == Some(Bug::SharedGasCounter) {
            return Ok(());
        }
        for (index, last) in self.lasts.iter().enumerate().skip(first) {
            self.memory.forget(index, lock(last).keys().iter());
        }
        for index in first..count {
            let is_kept = bug == Some(Bug::ErrorAfterHalt)
                && matches!(lock(&self.lasts[index]).outcome, Some(Outcome::Rejected(_)));
            if is_kept {
                continue;
            }
            lock(&self.counts).in_order += 1;
            let last = if block.transactions[index].gas_limit > left {
                Last {
                    outcome: Some(beyond_the_block()),
                    ..Last::default()
                }
            } else {
                self.execute_once(index, 0)
                    .map_err(|interrupted| match interrupted {
                        Interrupted::Machine(reason) => Failure::Machine(reason),
                        Interrupted::Database(blocked) => Failure::Machine(blocked.to_string()),
                    })?
            };
            left -= last.outcome.as_ref().map_or(0, Outcome::gas_used);
            self.memory.record((index, usize::MAX), &last.writes, &[]);
            *lock(&self.lasts[index]) = last;
        }
        Ok(())
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a message".to_owned())
}

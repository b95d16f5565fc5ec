//! Adding a block: its execution on workers, and its commit.

use std::collections::BTreeMap;

use lockstep_core::model::{Amount, Asset, Block, Effect, Hash, Outcome};
use lockstep_sim::faulty::{ConcurrentAct, ConcurrentReport};
use lockstep_sim::subject::SubjectError;

use super::adding::Adding;
use super::ledger::Ledger;
use super::places::Places;
use super::queue::Queue;
use super::sync::{self, Arc};
use super::tasks::add_beside_a_reader;
use super::worker::{Work, given_up};
use crate::buggy_executor::batches::batches;
use crate::buggy_executor::concurrent::at_work::Attendance;
use crate::buggy_executor::concurrent::checked::Checked;
use crate::buggy_executor::concurrent::injection::Injection;
use crate::buggy_executor::concurrent::{Added, ThreadBug};
use crate::buggy_executor::store::damaged;

/// The result of executing a block, before the commit.
pub(super) struct Executed {
    identities: Vec<Hash>,
    merged: crate::buggy_executor::cache::Cache,
    outcomes: Vec<Outcome>,
}

impl Ledger {
    /// Adds a block to the tip, beside a concurrent request if there is one.
    pub(in crate::buggy_executor::concurrent) fn add(
        self: &Arc<Self>,
        block: &Arc<Checked>,
        concurrent: Option<ConcurrentAct>,
        injection: &Arc<Injection>,
    ) -> Added {
        let attendance = Arc::new(Attendance::new(self.settings.workers));
        let adding = Adding {
            block: Arc::clone(block),
            injection: Arc::clone(injection),
            attendance: Arc::clone(&attendance),
        };
        let (result, concurrent) = match concurrent {
            None => (self.add_block(&adding), None),
            // The block and the reader are tasks of one thread.
            Some(ConcurrentAct::Read) => {
                let (result, report) = add_beside_a_reader(self, &adding);
                (result, Some(report))
            }
            Some(act) => {
                let ledger = Arc::clone(self);
                let concurrent = sync::spawn(move || ledger.answer(act));
                let result = self.add_block(&adding);
                (result, Some(sync::join(concurrent)))
            }
        };
        Added {
            result,
            concurrent,
            at_work: attendance.seen(),
        }
    }

    fn add_block(
        self: &Arc<Self>,
        adding: &Adding,
    ) -> Result<lockstep_sim::world::BlockResult, SubjectError> {
        let _permit = self.permit();
        let executed = self.execute(adding)?;
        self.commit(&adding.block.block, executed)
    }

    /// Executes a block that extends the chain. The caller holds the permit.
    pub(super) fn execute(self: &Arc<Self>, adding: &Adding) -> Result<Executed, SubjectError> {
        let Adding {
            block,
            injection,
            attendance,
        } = adding;
        let identities = sync::read(&self.committed).admit(&block.block)?;
        let held = self
            .has(ThreadBug::SelfDeadlock)
            .then(|| sync::write(&self.committed));
        let conflicts = match self.settings.bug {
            Some(ThreadBug::ConflictMissed) => {
                Some(crate::buggy_executor::ExecutorBug::ConflictMissed)
            }
            _ => None,
        };
        let batches = batches(&block.block.transactions, conflicts);
        let workers = match self.settings.bug {
            Some(ThreadBug::UnboundedTasks) => block.rejections.len(),
            _ => block.rejections.len().min(self.settings.workers),
        };
        let work = Arc::new(Work {
            ledger: Arc::clone(self),
            block: Arc::clone(block),
            queue: Queue::new(&batches, self.settings.bug),
            places: Places::new(self.settings.workers),
            injection: Arc::clone(injection),
            attendance: Arc::clone(attendance),
            bug: self.settings.bug,
        });
        // The caller is one of the workers.
        let others: Vec<_> = (1..workers)
            .map(|_| {
                let work = Arc::clone(&work);
                sync::spawn(move || work.drive(false))
            })
            .collect();
        let mut ended = work.drive(true);
        if self.has(ThreadBug::CancelledWorkerWrites) && injection.is_cancelled() {
            self.cache.clear();
            return Err(given_up());
        }
        let mut torn = None;
        if self.has(ThreadBug::TornIteration) {
            work.queue.wait_for_results();
            torn = Some(self.cache.merged());
        }
        for other in others {
            ended = ended.and(sync::join(other));
        }
        drop(held);
        let merged = torn.unwrap_or_else(|| self.cache.merged());
        if let Err(error) = ended {
            self.cache.clear();
            return Err(error);
        }
        Ok(Executed {
            identities,
            merged,
            outcomes: work.queue.results(),
        })
    }

    /// Commits the result of a block.
    pub(super) fn commit(
        &self,
        block: &Block,
        executed: Executed,
    ) -> Result<lockstep_sim::world::BlockResult, SubjectError> {
        let Executed {
            identities,
            mut merged,
            outcomes,
        } = executed;
        let mut burned: BTreeMap<Asset, u64> = BTreeMap::new();
        for outcome in &outcomes {
            let Outcome::Applied { effects, .. } = outcome else {
                continue;
            };
            for effect in effects {
                if let Effect::Burn { asset, amount } = effect {
                    let sum = burned.entry(*asset).or_insert(0);
                    *sum = sum
                        .checked_add(amount.0)
                        .ok_or_else(|| damaged("more is burned than there can be"))?;
                }
            }
        }
        let mut committed = sync::write(&self.committed);
        for (asset, amount) in burned {
            merged.count_burn(&committed.store, asset, Amount(amount))?;
        }
        let closed = committed.close(block, identities, outcomes, merged);
        drop(committed);
        self.cache.clear();
        closed
    }

    /// Answers a concurrent request.
    fn answer(&self, act: ConcurrentAct) -> ConcurrentReport {
        if let ConcurrentAct::Rewind(height) = &act {
            self.rewind_to(*height);
        }
        ConcurrentReport {
            act,
            answer: Ok(None),
            saw: None,
        }
    }
}

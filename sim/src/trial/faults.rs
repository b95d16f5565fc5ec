//! Operations under injected faults, and the judgement of the state that they leave.

use lockstep_core::model::{Block, Height, Refusal};

use lockstep_harness::violation::Failure;

use super::{Trial, catch_panic, unexplained, violation};
use crate::coverage::point;
use crate::invariants::{
    CANCELLED_LEAVES_NO_TRACE, COMMIT_PANIC_LEAVES_BEFORE_OR_AFTER, CONCURRENT_REQUESTS_SERIALISE,
    CRASH_LEAVES_BEFORE_OR_AFTER, Event, FAILURE_LEAVES_BEFORE_OR_AFTER, Interruption, Order,
    PANIC_LEAVES_NO_TRACE,
};
use crate::oracle::Oracle;
use crate::scenario::Fault;
use crate::subject::{ConcurrentAct, ConcurrentReport, Subject, SubjectError};
use crate::world::{BlockResult, World};

/// An operation on a subject.
pub(super) enum Asked<'a> {
    /// Add a block.
    Block {
        /// The block.
        block: &'a Block,
        /// Answer of the oracle.
        expected: Result<&'a BlockResult, &'a Refusal>,
        /// Oracle before the block, if a fault needs it.
        earlier: Option<&'a Oracle>,
    },
    /// Undo the blocks above a height.
    Rewind(Height),
    /// Close and open the ledger.
    Reopen,
}

/// Returns whether a fault is judged by other outcomes of the ledger before it.
pub(super) fn need_the_past(armed: &[Fault]) -> bool {
    armed
        .iter()
        .any(|fault| matches!(fault, Fault::ConcurrentRequest(..) | Fault::Clock { .. }))
}

fn interruption(fault: Fault) -> Interruption {
    match fault {
        Fault::Crash { .. } => Interruption::Crash,
        Fault::DiskFails { .. } | Fault::DiskFull { .. } | Fault::ReadFails { .. } => {
            Interruption::Failure
        }
        Fault::Panic { .. } | Fault::PanicAtRead { .. } => Interruption::Panic,
        Fault::PanicInCommit { .. } => Interruption::CommitPanic,
        // A concurrent request that was never made interrupts nothing.
        Fault::Cancel(_) | Fault::ConcurrentRequest(..) | Fault::Clock { .. } => {
            Interruption::Cancellation
        }
    }
}

/// True for a fault after which the storage may fail. One panic is judged by an invariant of its own.
const fn explains_failure(fault: Fault) -> bool {
    match fault {
        Fault::Crash { .. }
        | Fault::DiskFails { .. }
        | Fault::DiskFull { .. }
        | Fault::ReadFails { .. }
        | Fault::Panic { .. }
        | Fault::PanicAtRead { .. } => true,
        Fault::PanicInCommit { .. }
        | Fault::Cancel(_)
        | Fault::ConcurrentRequest(..)
        | Fault::Clock { .. } => false,
    }
}

const fn is_panic(by: Interruption) -> bool {
    matches!(by, Interruption::Panic | Interruption::RecoverablePanic)
}

impl Trial<'_> {
    /// Executes an operation under the armed faults, and judges the state afterwards.
    ///
    /// Returns `Some` with the answer if the operation is done, `Some(None)` if it is done and the
    /// answer is lost, and `None` if it must be retried, as for a subject without fault injection.
    pub(super) fn under_faults(
        &mut self,
        armed: &[Fault],
        subject: &mut dyn Subject,
        before: &World,
        asked: &Asked<'_>,
    ) -> Result<Option<Option<BlockResult>>, Failure> {
        let Some(faulty) = subject.faulty() else {
            return Ok(None);
        };
        let armed: Vec<Fault> = armed
            .iter()
            .copied()
            .filter(|fault| faulty.arm(*fault))
            .collect();
        let Some(first) = armed.first().copied() else {
            return Ok(None);
        };
        let name = subject.name().to_owned();
        let answer = catch_panic(self.step, &name, || match asked {
            Asked::Block { block, .. } => subject.add_block(block).map(Some),
            Asked::Rewind(height) => subject.rewind_to(*height).map(|()| None),
            Asked::Reopen => subject.reopen().map(|()| None),
        })?;
        // Reading its state may get stuck as well.
        if let Err(error @ SubjectError::Stuck(_)) = &answer {
            return Err(unexplained(self.step, &name, false, error));
        }
        let Some(faulty) = subject.faulty() else {
            return Ok(None);
        };
        let recovered = catch_panic(self.step, &name, || faulty.recover())?;
        let aftermath = recovered.map_err(|error| self.lost(first, &name, "opened", &error))?;
        let after = catch_panic(self.step, &name, || subject.world())?
            .map_err(|error| self.lost(first, &name, "read", &error))?;
        for event in &aftermath.events {
            self.coverage.count(event);
        }
        let concurrent = aftermath.concurrent.as_ref();
        let failed = concurrent.and_then(|concurrent| concurrent.answer.as_ref().err());
        for error in answer.as_ref().err().into_iter().chain(failed) {
            if matches!(error, SubjectError::Failed(_)) && !explains_failure(first) {
                return Err(unexplained(self.step, &name, false, error));
            }
        }
        let by = match aftermath.is_recoverable {
            true => Interruption::RecoverablePanic,
            false => interruption(first),
        };
        let was_injected = is_panic(by) && !aftermath.events.is_empty();
        self.recovered(subject, before, &after, was_injected)?;
        if let (Some(concurrent), Asked::Block { block, earlier, .. }) =
            (&aftermath.concurrent, asked)
            && let Some(earlier) = earlier
        {
            self.concurrent_request(subject, before, &after, block, earlier, &answer, concurrent)?;
            return Ok(Some(answer.ok().flatten()));
        }
        if aftermath.events.is_empty()
            && let Err(error @ (SubjectError::Failed(_) | SubjectError::GivenUp(_))) = &answer
        {
            return Err(unexplained(self.step, &name, false, error));
        }
        let expected = match asked {
            Asked::Block { expected, .. } => Some(*expected),
            Asked::Rewind(_) | Asked::Reopen => None,
        };
        self.judge(
            &name,
            before,
            &after,
            Event::Interrupted {
                by,
                answer: answer.as_ref().map(Option::as_ref),
                expected,
            },
        )?;
        match answer {
            Ok(result) => Ok(Some(result)),
            Err(_) if after != *before && after == *self.oracle.world() => {
                self.coverage.count(
                    point!("failed: done although an error was returned", rare, in ["crash"]),
                );
                Ok(Some(None))
            }
            Err(_) => {
                self.coverage.count(point!("failed: retried", in ["crash"]));
                Ok(None)
            }
        }
    }

    fn lost(&self, by: Fault, subject: &str, what: &str, error: &SubjectError) -> Failure {
        let invariant = match by {
            Fault::Crash { .. } => &CRASH_LEAVES_BEFORE_OR_AFTER,
            Fault::DiskFails { .. } | Fault::DiskFull { .. } | Fault::ReadFails { .. } => {
                &FAILURE_LEAVES_BEFORE_OR_AFTER
            }
            Fault::Panic { .. } | Fault::PanicAtRead { .. } => &PANIC_LEAVES_NO_TRACE,
            Fault::PanicInCommit { .. } => &COMMIT_PANIC_LEAVES_BEFORE_OR_AFTER,
            Fault::Cancel(_) => &CANCELLED_LEAVES_NO_TRACE,
            Fault::ConcurrentRequest(..) | Fault::Clock { .. } => &CONCURRENT_REQUESTS_SERIALISE,
        };
        let detail = format!("the ledger cannot be {what} after the fault: {error}");
        violation(invariant, self.step, subject, detail)
    }

    /// Judges the outcome of a block and a concurrent request, and ends with the block on the
    /// chain.
    #[expect(clippy::too_many_arguments, reason = "all of it is the evidence")]
    fn concurrent_request(
        &mut self,
        subject: &mut dyn Subject,
        before: &World,
        after: &World,
        block: &Block,
        earlier: &Oracle,
        answer: &Result<Option<BlockResult>, SubjectError>,
        concurrent: &ConcurrentReport,
    ) -> Result<(), Failure> {
        let name = subject.name().to_owned();
        let answer = match answer {
            Ok(Some(result)) => Ok(result),
            Ok(None) => return Ok(()),
            Err(error) => Err(error),
        };
        let orders = [
            order(earlier, block, &concurrent.act, true),
            order(earlier, block, &concurrent.act, false),
        ];
        let event = Event::ConcurrentRequest {
            answer,
            concurrent,
            orders: &orders,
        };
        self.judge(&name, before, after, event)?;
        if after == self.oracle.world() {
            return Ok(());
        }
        // Undone blocks are added again, and all other effects of the request are undone.
        let common = match concurrent.act {
            ConcurrentAct::Rewind(height) => height.min(before.height),
            ConcurrentAct::Add(_) | ConcurrentAct::Read | ConcurrentAct::Close => before.height,
        };
        self.ask(&name, || subject.rewind_to(common.min(after.height)))?;
        let from = usize::try_from(common.0).expect("as many blocks are there");
        for undone in self.blocks[from..].iter().chain([block]) {
            self.ask(&name, || match subject.add_block(undone) {
                Err(SubjectError::Refused(_)) | Ok(_) => Ok(()),
                Err(error) => Err(error),
            })?;
        }
        let again = self.look(subject)?;
        let recorded = self.oracle.world();
        self.judge(&name, after, &again, Event::Rewound { recorded })
    }

    /// Makes a template of the block's transactions for each jump of the clock, adds it, and undoes
    /// it.
    pub(super) fn templates(
        &mut self,
        armed: &[Fault],
        subject: &mut dyn Subject,
        before: &World,
        earlier: &Oracle,
        block: &Block,
    ) -> Result<(), Failure> {
        for fault in armed {
            let (Fault::Clock { jump_ms }, Some(faulty)) = (fault, subject.faulty()) else {
                continue;
            };
            let answered = catch_panic(self.step, "core template", || {
                faulty.template(&block.transactions, block.header.miner, *jump_ms)
            })?;
            let name = subject.name().to_owned();
            let template = self.ask(&name, || answered)?;
            let mut oracle = earlier.clone();
            let expected = oracle.add_block(&template.block);
            let after = self.look(subject)?;
            self.recovered(subject, before, &after, false)?;
            let event = Event::Template {
                template: &template,
                jump_ms: *jump_ms,
            };
            self.judge_against(oracle.world(), &name, before, &after, event)?;
            let stored = self.ask(&name, || subject.stored(after.height))?;
            let event = Event::Block {
                block: &template.block,
                got: Ok(&template.result),
                expected: expected.as_ref(),
                stored: stored.as_ref(),
                at_work: None,
            };
            self.judge_against(oracle.world(), &name, before, &after, event)?;
            self.coverage
                .count(match (template.block.transactions.is_empty(), *jump_ms) {
                    (true, _) => point!("clock: empty template", rare),
                    (_, ..0) => point!("clock: backward jump", rare, in ["turns"]),
                    _ if template.is_known => {
                        point!("clock: forward jump with the body kept", rare, in ["turns"])
                    }
                    _ => point!("clock: forward jump with the body expired", rare, in ["turns"]),
                });
            self.ask(&name, || subject.rewind_to(before.height))?;
            let again = self.look(subject)?;
            let event = Event::Rewound { recorded: before };
            self.judge_against(before, &name, &after, &again, event)?;
        }
        Ok(())
    }
}

/// Executes a block and a concurrent request on a copy of the oracle, one after the other.
#[must_use]
pub fn order(earlier: &Oracle, block: &Block, act: &ConcurrentAct, block_is_first: bool) -> Order {
    let mut oracle = earlier.clone();
    let first = block_is_first.then(|| oracle.add_block(block));
    let concurrent = match act {
        ConcurrentAct::Rewind(height) => {
            // The height is never above the tip.
            let _ = oracle.rewind_to(*height);
            Ok(None)
        }
        ConcurrentAct::Add(block) => oracle.add_block(block).map(Some),
        ConcurrentAct::Read | ConcurrentAct::Close => Ok(None),
    };
    let block = first.unwrap_or_else(|| oracle.add_block(block));
    Order {
        world: oracle.world().clone(),
        block,
        concurrent,
    }
}

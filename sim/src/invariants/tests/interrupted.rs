//! Outcomes of interrupted steps: the allowed ones, and those that an invariant must name.

use lockstep_core::model::{Amount, Nonce, Refusal, Timestamp};

use super::super::{Event, Interruption, Order};
use super::Step;
use crate::subject::{ConcurrentAct, ConcurrentReport, SubjectError, Template};
use crate::world::BlockResult;

fn failed() -> SubjectError {
    SubjectError::Failed("the disk failed".to_owned())
}

fn given_up() -> SubjectError {
    SubjectError::GivenUp("it panicked".to_owned())
}

fn refused() -> SubjectError {
    SubjectError::Refused(refusal())
}

fn refusal() -> Refusal {
    Refusal::Time {
        parent: Timestamp(2),
        got: Timestamp(1),
    }
}

impl Step {
    fn interrupted(
        &self,
        by: Interruption,
        answer: Result<&BlockResult, &SubjectError>,
    ) -> Option<&'static str> {
        self.judged(Event::Interrupted {
            by,
            answer: answer.map(Some),
            expected: Some(Ok(&self.oracle_said)),
        })
    }

    /// Leaves the ledger as it was before the step.
    fn undone(mut self) -> Self {
        self.after = self.before.clone();
        self
    }

    /// Leaves the ledger with a part of the step.
    fn half_done(mut self) -> Self {
        self.balance(super::SENDER).0 += 32;
        self
    }
}

#[test]
fn before_and_after_are_both_good_unless_it_was_answered() {
    for by in [Interruption::Crash, Interruption::Failure] {
        let step = Step::honest();
        assert_eq!(step.interrupted(by, Err(&failed())), None);
        assert_eq!(step.interrupted(by, Ok(&step.oracle_said)), None);
        assert_eq!(step.undone().interrupted(by, Err(&failed())), None);
    }
    for by in [Interruption::Panic, Interruption::Cancellation] {
        let step = Step::honest();
        assert_eq!(step.interrupted(by, Ok(&step.oracle_said)), None);
        assert_eq!(step.undone().interrupted(by, Err(&given_up())), None);
    }
}

#[test]
fn a_panic_inside_a_commit_leaves_before_or_after() {
    let by = Interruption::CommitPanic;
    let step = Step::honest();
    assert_eq!(step.interrupted(by, Err(&given_up())), None);
    assert_eq!(step.interrupted(by, Ok(&step.oracle_said)), None);
    assert_eq!(step.undone().interrupted(by, Err(&given_up())), None);
}

#[test]
fn a_panic_on_a_parallel_path_that_costs_the_block_is_named() {
    let by = Interruption::RecoverablePanic;
    let step = Step::honest();
    assert_eq!(step.interrupted(by, Ok(&step.oracle_said)), None);
    assert_eq!(
        step.undone().interrupted(by, Err(&given_up())),
        Some("one-panic-still-gives-the-block")
    );
    let half = Step::honest().half_done();
    assert_eq!(
        half.interrupted(by, Ok(&half.oracle_said)),
        Some("panic-leaves-no-trace")
    );
}

#[test]
fn a_swallowed_panic_is_named_unless_it_was_injected() {
    let step = Step::honest();
    let recovered = |was_injected| {
        step.judged(Event::Recovered {
            from: "on purpose",
            was_injected,
        })
    };
    assert_eq!(recovered(false), Some("no-swallowed-panic"));
    assert_eq!(recovered(true), None);
}

#[test]
fn half_a_block_is_named_by_the_cause_of_the_interruption() {
    for (by, error, name) in [
        (
            Interruption::Crash,
            failed(),
            "crash-leaves-before-or-after",
        ),
        (
            Interruption::Failure,
            failed(),
            "failure-leaves-before-or-after",
        ),
        (Interruption::Panic, given_up(), "panic-leaves-no-trace"),
        (
            Interruption::CommitPanic,
            given_up(),
            "commit-panic-leaves-before-or-after",
        ),
        (
            Interruption::Cancellation,
            given_up(),
            "cancelled-leaves-no-trace",
        ),
    ] {
        let step = Step::honest().half_done();
        assert_eq!(step.interrupted(by, Err(&error)), Some(name));
        assert_eq!(step.interrupted(by, Ok(&step.oracle_said)), Some(name));
    }
}

#[test]
fn an_answer_that_is_lost_is_named_by_the_cause_of_the_interruption() {
    for (by, name) in [
        (Interruption::Crash, "crash-leaves-before-or-after"),
        (Interruption::Failure, "failure-leaves-before-or-after"),
        (Interruption::Panic, "panic-leaves-no-trace"),
        (
            Interruption::CommitPanic,
            "commit-panic-leaves-before-or-after",
        ),
        (Interruption::Cancellation, "cancelled-leaves-no-trace"),
    ] {
        let step = Step::honest().undone();
        assert_eq!(step.interrupted(by, Ok(&step.oracle_said)), Some(name));
    }
}

#[test]
fn a_whole_block_is_a_trace_of_a_panic_or_a_cancellation() {
    let step = Step::honest();
    assert_eq!(
        step.interrupted(Interruption::Panic, Err(&given_up())),
        Some("panic-leaves-no-trace")
    );
    assert_eq!(
        step.interrupted(Interruption::Cancellation, Err(&given_up())),
        Some("cancelled-leaves-no-trace")
    );
}

#[test]
fn a_failure_that_refuses_the_block_is_named() {
    let step = Step::honest().undone();
    for error in [
        refused(),
        SubjectError::Damaged("a version is missing".to_owned()),
    ] {
        assert_eq!(
            step.interrupted(Interruption::Failure, Err(&error)),
            Some("failure-is-no-rejection")
        );
    }
}

#[test]
fn a_failure_that_rejects_a_transaction_is_named() {
    let mut step = Step::honest();
    let rejected = step.oracle_said.receipts[1].outcome.clone();
    step.result().receipts[0].outcome = rejected;
    let got = step.got.clone().expect("the block was accepted");
    assert_eq!(
        step.interrupted(Interruption::Panic, Ok(&got)),
        Some("failure-is-no-rejection")
    );
}

/// Judges a concurrent rewind of this block after which the ledger is as `step` has it.
fn concurrent_request(
    step: &Step,
    falsify: impl FnOnce(&mut ConcurrentReport),
) -> Option<&'static str> {
    let orders = [true, false].map(|block_is_first| Order {
        world: match block_is_first {
            true => step.before.clone(),
            false => step.expected.clone(),
        },
        block: Ok(step.oracle_said.clone()),
        concurrent: Ok(None),
    });
    let mut concurrent = ConcurrentReport {
        act: ConcurrentAct::Rewind(step.before.height),
        answer: Ok(None),
        saw: None,
    };
    falsify(&mut concurrent);
    step.judged(Event::ConcurrentRequest {
        answer: Ok(&step.oracle_said),
        concurrent: &concurrent,
        orders: &orders,
    })
}

#[test]
fn one_after_the_other_is_good_in_both_orders() {
    assert_eq!(concurrent_request(&Step::honest(), |_| {}), None);
    assert_eq!(concurrent_request(&Step::honest().undone(), |_| {}), None);
}

#[test]
fn results_of_no_serial_order_are_named() {
    let name = Some("concurrent-requests-serialise");
    assert_eq!(
        concurrent_request(&Step::honest().half_done(), |_| {}),
        name
    );
    let refused_concurrent = |concurrent: &mut ConcurrentReport| concurrent.answer = Err(refused());
    assert_eq!(
        concurrent_request(&Step::honest(), refused_concurrent),
        name
    );
}

#[test]
fn a_reader_who_sees_half_a_block_is_named() {
    let saw = Step::honest().half_done().after;
    let reads = |concurrent: &mut ConcurrentReport| concurrent.saw = Some(saw);
    assert_eq!(
        concurrent_request(&Step::honest(), reads),
        Some("concurrent-requests-serialise")
    );
    let before = Step::honest().before;
    let reads = |concurrent: &mut ConcurrentReport| concurrent.saw = Some(before);
    assert_eq!(concurrent_request(&Step::honest(), reads), None);
}

fn template(step: &Step, is_known: bool, jump_ms: i64) -> Option<&'static str> {
    let template = Template {
        block: step.block.clone(),
        is_known,
        result: step.oracle_said.clone(),
    };
    step.judged(Event::Template {
        template: &template,
        jump_ms,
    })
}

#[test]
fn a_body_that_is_forgotten_too_early_or_too_late_is_named() {
    let step = Step::honest();
    for (is_known, jump_ms) in [(true, 0), (true, -1), (true, 299_999), (false, 300_000)] {
        assert_eq!(template(&step, is_known, jump_ms), None, "{jump_ms}");
        assert_eq!(
            template(&step, !is_known, jump_ms),
            Some("template-lives-its-time"),
            "{jump_ms}"
        );
    }
}

#[test]
fn a_template_with_a_gap_in_its_nonces_is_named() {
    let mut step = Step::honest();
    step.block.transactions[1].nonce = Nonce(7);
    assert_eq!(template(&step, true, 0), Some("template-lives-its-time"));
    // A transaction that cannot be paid is no gap.
    let mut step = Step::honest();
    step.block.transactions[0].fee = Amount(u64::MAX);
    assert_eq!(template(&step, true, 0), None);
}

//! The asynchronous interface: a block and a reader as tasks of one thread.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use lockstep_core::model::Asset;

use super::adding::Adding;
use super::ledger::Ledger;
use super::sync::{self, Arc};
use crate::buggy_executor::concurrent::ThreadBug;
use lockstep_sim::faulty::{ConcurrentAct, ConcurrentReport};
use lockstep_sim::subject::SubjectError;
use lockstep_sim::world::{BlockResult, World};

/// Adds a block, and reads while it is executed.
pub(super) fn add_beside_a_reader(
    ledger: &Arc<Ledger>,
    adding: &Adding,
) -> (Result<BlockResult, SubjectError>, ConcurrentReport) {
    // The reader needs no permit.
    let _permit = ledger.permit();
    let (result, saw) = in_turns(add_block(ledger, adding), read(ledger, adding));
    let report = ConcurrentReport {
        act: ConcurrentAct::Read,
        answer: Ok(None),
        saw: Some(saw),
    };
    (result, report)
}

/// Adds a block. The caller holds the permit.
async fn add_block(ledger: &Arc<Ledger>, adding: &Adding) -> Result<BlockResult, SubjectError> {
    let executed = ledger.execute(adding)?;
    let_others_run().await;
    ledger.commit(&adding.block.block, executed)
}

/// Reads the ledger, and the current balance of the first sender of the block.
#[allow(
    clippy::await_holding_invalid_type,
    reason = "one bug does exactly this"
)]
async fn read(ledger: &Arc<Ledger>, adding: &Adding) -> World {
    let world = sync::read(&ledger.committed).as_world();
    let balance = adding
        .block
        .block
        .transactions
        .first()
        .and_then(|transaction| {
            let balance = (transaction.source, Asset::NATIVE);
            ledger.cache.balances.get(&balance)
        });
    if ledger.has(ThreadBug::GuardAcrossAwait) {
        let_others_run().await;
        drop(balance);
    } else {
        drop(balance);
        let_others_run().await;
    }
    world
}

/// Yields once to the other task, as for a slow client.
async fn let_others_run() {
    let mut has_waited = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut has_waited, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// Runs two tasks on this thread in turns, each until it waits.
fn in_turns<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    loop {
        go_on(one.as_mut(), &mut first);
        go_on(other.as_mut(), &mut second);
        match (first.take(), second.take()) {
            (Some(first), Some(second)) => return (first, second),
            unfinished => (first, second) = unfinished,
        }
    }
}

fn go_on<T>(task: Pin<&mut impl Future<Output = T>>, result: &mut Option<T>) {
    if result.is_none()
        && let Poll::Ready(value) = task.poll(&mut Context::from_waker(Waker::noop()))
    {
        *result = Some(value);
    }
}

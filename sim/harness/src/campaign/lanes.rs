//! Campaign whose runs are executed on several threads, with the results in their order.
//!
//! Each thread, a *lane*, has a workload of its own and takes the next run that no other has taken, a bounded
//! number ahead of the one whose result is asked for. So findings, digest and verdict are those of one lane.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use crate::panic::{catch_panic, with_place};
use crate::violation::Failure;

use super::run::Ended;
use super::verdict::Summary;
use super::{Campaign, Observer, Plan, Workload, watched_run};

/// Runs ahead of the one whose result is asked for, of each lane.
const AHEAD: u64 = 32;

/// The runs that may be taken.
#[derive(Debug, Default)]
struct Front {
    taken: Mutex<Taken>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Taken {
    /// The first run that was not taken.
    next: u64,
    /// Runs from this one on have to wait.
    end: u64,
    is_over: bool,
}

/// Executes a campaign as [`run`](super::run) does, on `lanes` threads, at least 1. `lane` makes the workload of
/// each, which draws and executes as `workload` does.
pub fn run_on_lanes<W, L>(
    plan: &Plan,
    workload: &W,
    lanes: usize,
    lane: impl Fn() -> L + Sync,
    observer: &mut impl Observer<W::Profile>,
) -> Summary<W::Case>
where
    W: Workload,
    L: Workload,
{
    let ahead = AHEAD * lanes.max(1) as u64;
    let mut campaign = Campaign::new(plan, workload);
    let front = Front::default();
    thread::scope(|scope| {
        let (sender, results) = channel();
        for _ in 0..lanes.max(1) {
            let sender = sender.clone();
            scope.spawn(|| execute(plan, lane(), &front, sender));
        }
        drop(sender);
        let mut early: BTreeMap<u64, Ended> = BTreeMap::new();
        campaign.go_on(observer, |index, _| {
            front.move_to(Some(index + ahead));
            while !early.contains_key(&index) {
                let (of, ended) = results.recv().ok()?;
                early.insert(of, ended);
            }
            early.remove(&index)
        });
        front.move_to(None);
    });
    campaign.conclude()
}

impl Front {
    /// Lets runs before `end` be taken; `None` ends all lanes.
    fn move_to(&self, end: Option<u64>) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match end {
            Some(end) => taken.end = end,
            None => taken.is_over = true,
        }
        self.moved.notify_all();
    }

    /// Takes the next run; `None` where the campaign is over.
    fn take(&self) -> Option<u64> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = self
            .moved
            .wait_while(taken, |taken| !taken.is_over && taken.next >= taken.end)
            .unwrap_or_else(PoisonError::into_inner);
        taken.next += 1;
        (!taken.is_over).then_some(taken.next - 1)
    }
}

/// Executes runs until there are no more or the campaign is over.
fn execute<L: Workload>(plan: &Plan, workload: L, front: &Front, results: Sender<(u64, Ended)>) {
    while let Some(index) = front.take() {
        let Some(run) = plan.run(index) else {
            return;
        };
        let ended = catch_panic(|| watched_run(plan, &workload, index, run));
        let ended = ended.unwrap_or_else(|message| {
            let reason = format!("the harness panicked: {}", with_place(message));
            Ended::failed(run, Failure::Infrastructure(reason))
        });
        if results.send((index, ended)).is_err() {
            return;
        }
    }
}

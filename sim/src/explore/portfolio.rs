//! Schedulers that complete each other.

use std::sync::{Arc, Mutex};

use shuttle::scheduler::{PctScheduler, Schedule, Scheduler, Task, TaskId, UrwRandomScheduler};

use super::scheduler::Shared;
use lockstep_harness::choice::{Choices, Seeded};

/// What the portfolio has, in its order.
///
/// PCT finds a defect of few preemptions with a probability that it can promise, and is poor where
/// threads share a queue; a random walk finds what needs many, and starves nobody for long; the
/// uniform one evens out that threads are of different length.
pub const SCHEDULERS: [&str; 4] = ["random", "uniform walk", "pct 2", "pct 3"];

/// Where none of them draws: a thread goes on until it waits.
pub(super) const PLAIN: &str = "nobody";

/// Some of the schedulers of [`SCHEDULERS`], which go on where they were from block to block.
pub(super) struct Portfolio {
    pub(super) schedulers: Vec<(&'static str, Shared<Box<dyn Scheduler + Send>>)>,
}

impl Portfolio {
    /// Those with these names.
    pub(super) fn new(seed: u64, names: &[&str]) -> Self {
        // They end when nobody asks for more.
        let endless = usize::MAX;
        let all = [
            shared(RandomWalk(Seeded::new(seed, 0))),
            shared(UrwRandomScheduler::new_from_seed(seed, endless)),
            shared(PctScheduler::new_from_seed(seed, 2, endless)),
            shared(PctScheduler::new_from_seed(seed, 3, endless)),
        ];
        let named = SCHEDULERS.into_iter().zip(all);
        Portfolio {
            schedulers: named.filter(|(name, _)| names.contains(name)).collect(),
        }
    }
}

fn shared(scheduler: impl Scheduler + Send + 'static) -> Shared<Box<dyn Scheduler + Send>> {
    Arc::new(Mutex::new(Box::new(scheduler)))
}

/// Chooses among who can go on, at every step anew. Shuttle's own says a seed when it is dropped that
/// would replay nothing here.
struct RandomWalk(Seeded);

impl Scheduler for RandomWalk {
    fn new_execution(&mut self) -> Option<Schedule> {
        Some(Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        _current: Option<TaskId>,
        _is_yielding: bool,
    ) -> Option<TaskId> {
        let chosen = self.0.below(runnable.len() as u64);
        let chosen = usize::try_from(chosen).expect("it is an index");
        Some(runnable[chosen].id())
    }

    fn next_u64(&mut self) -> u64 {
        self.0.below(u64::MAX)
    }
}

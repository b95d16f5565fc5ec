//! The portfolio of schedulers that draw schedules.

use std::sync::{Arc, Mutex};

use shuttle::scheduler::{PctScheduler, Schedule, Scheduler, Task, TaskId, UrwRandomScheduler};

use super::scheduler::Shared;
use lockstep_harness::choice::{Choices, Seeded};

/// Names of the schedulers of the portfolio, in its order.
///
/// PCT finds a bug of few preemptions with a guaranteed probability, and is poor where threads share a
/// queue; a random walk finds bugs that take many preemptions, and starves no thread for long; the
/// uniform walk evens out that threads are of different length.
pub const SCHEDULERS: [&str; 4] = ["random", "uniform walk", "pct 2", "pct 3"];

/// Name of the default schedule, which no scheduler draws: a thread runs until it blocks.
pub(super) const DEFAULT_SCHEDULE: &str = "default";

/// Some of the schedulers of [`SCHEDULERS`]. They keep their state from block to block.
pub(super) struct Portfolio {
    pub(super) schedulers: Vec<(&'static str, Shared<Box<dyn Scheduler + Send>>)>,
}

impl Portfolio {
    /// Creates the schedulers with these names.
    pub(super) fn new(seed: u64, names: &[&str]) -> Self {
        // The recording scheduler ends them.
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

/// Chooses uniformly among the runnable threads, at every step anew. Shuttle's own random scheduler
/// prints a seed when it is dropped, which would replay nothing here.
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

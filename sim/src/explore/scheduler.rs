//! Recording and replaying schedulers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use lockstep_sync::shuttle::{
    ThreadLocation, forget_injected_panics, forget_thread_locations, thread_location,
};
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

use lockstep_harness::schedule::Switch;

/// Log of one execution, kept by its scheduler.
#[derive(Clone, Debug, Default)]
pub(super) struct ScheduleLog {
    pub(super) switches: Vec<Switch>,
    pub(super) preemptions: Vec<(Switch, ThreadLocation)>,
    pub(super) decisions: u64,
    /// True if two threads were runnable at once.
    pub(super) is_concurrent: bool,
    /// Hash of all decisions: executions that differ in one of them have different fingerprints.
    pub(super) fingerprint: u64,
    /// Number of steps of each thread, by its number.
    steps: Vec<u64>,
}

/// A preemption: a thread that could have continued and did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preemption {
    /// The preempted thread, the number of its steps, and the thread that continued.
    pub switch: Switch,
    /// Index of the transaction that the thread was executing.
    pub transaction: Option<u32>,
    /// Its last call to a primitive, as file and line of core.
    pub place: Option<String>,
}

impl Preemption {
    /// Describes a preemption of a thread at this location.
    pub(super) fn of(switch: Switch, at: ThreadLocation) -> Self {
        let in_words = |place: &std::panic::Location<'_>| {
            let file = place.file().replace("under_shuttle/../", "");
            format!("{}:{}", file.replace("shuttle/../", ""), place.line())
        };
        Preemption {
            switch,
            transaction: at.transaction,
            place: at.place.map(in_words),
        }
    }
}

impl fmt::Display for Preemption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Switch(thread, step, other) = self.switch;
        write!(f, "thread {thread} is preempted after its step {step}")?;
        if let Some(transaction) = self.transaction {
            write!(f, ", in transaction {transaction}")?;
        }
        if let Some(place) = &self.place {
            write!(f, ", at {place}")?;
        }
        write!(f, "; thread {other} continues")
    }
}

/// A value that outlives its scheduler and the panic of an execution.
pub(super) type Shared<T> = Arc<Mutex<T>>;

pub(super) fn with<T, R>(shared: &Shared<T>, then: impl FnOnce(&mut T) -> R) -> R {
    then(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
}

impl ScheduleLog {
    /// Returns the thread that continues in the default schedule: see
    /// [`lockstep_harness::schedule::Schedule`].
    fn plain(runnable: &[&Task], current: Option<TaskId>, is_yielding: bool) -> Option<TaskId> {
        let ids = || runnable.iter().map(|task| task.id());
        let stays = current.filter(|current| !is_yielding && ids().any(|id| id == *current));
        let others = || ids().filter(|id| Some(*id) != current).min();
        stays.or_else(others).or_else(|| ids().min())
    }

    /// Records a decision.
    fn note(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
        chosen: TaskId,
    ) {
        let thread = current.map_or(0, usize::from);
        let step = self.steps_of(thread);
        let switch = Switch(thread, step, chosen.into());
        let plain = ScheduleLog::plain(runnable, current, is_yielding);
        if plain != Some(chosen) {
            self.switches.push(switch);
        }
        if plain == current && plain != Some(chosen) {
            // Put into words if a report asks: most schedules are only counted.
            self.preemptions.push((switch, thread_location(thread)));
        }
        self.decisions += 1;
        self.is_concurrent |= runnable.len() > 1;
        for part in [switch.0 as u64, switch.1, switch.2 as u64] {
            self.fingerprint = mixed(self.fingerprint ^ part);
        }
    }

    /// Returns the number of steps of a thread.
    fn steps_of(&self, thread: usize) -> u64 {
        self.steps.get(thread).copied().unwrap_or(0)
    }

    /// Counts the step of the current thread that this decision ends.
    fn count(&mut self, current: Option<TaskId>) {
        let thread = current.map_or(0, usize::from);
        if self.steps.len() <= thread {
            self.steps.resize(thread + 1, 0);
        }
        self.steps[thread] += 1;
    }
}

/// Mixes the bits of a number, one to one (the finaliser of SplitMix64: Steele, Lea, Flood, "Fast Splittable
/// Pseudorandom Number Generators", OOPSLA 2014).
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Records the decisions of another scheduler, for a number of executions.
pub(super) struct RecordingScheduler {
    pub(super) scheduler: Shared<Box<dyn Scheduler + Send>>,
    pub(super) log: Shared<ScheduleLog>,
    /// Number of executions that are left; 0 ends the exploration.
    pub(super) left: Shared<usize>,
}

impl Scheduler for RecordingScheduler {
    fn new_execution(&mut self) -> Option<Schedule> {
        let has_one = with(&self.left, |left| {
            let has_one = *left > 0;
            *left = left.saturating_sub(1);
            has_one
        });
        if !has_one {
            return None;
        }
        begin(&self.log);
        with(&self.scheduler, |scheduler| scheduler.new_execution())
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let chosen = with(&self.scheduler, |scheduler| {
            scheduler.next_task(runnable, current, is_yielding)
        })?;
        with(&self.log, |log| {
            log.count(current);
            log.note(runnable, current, is_yielding, chosen);
        });
        Some(chosen)
    }

    fn next_u64(&mut self) -> u64 {
        with(&self.scheduler, |scheduler| scheduler.next_u64())
    }
}

/// Replays recorded switches for one execution. A switch to a thread that is not runnable is skipped.
pub(super) struct ReplayScheduler {
    switches: BTreeMap<(usize, u64), usize>,
    log: Shared<ScheduleLog>,
    is_over: bool,
}

impl ReplayScheduler {
    pub(super) fn new(switches: &[Switch], log: Shared<ScheduleLog>) -> Self {
        let switches = switches.iter();
        ReplayScheduler {
            switches: switches
                .map(|Switch(thread, step, other)| ((*thread, *step), *other))
                .collect(),
            log,
            is_over: false,
        }
    }
}

impl Scheduler for ReplayScheduler {
    fn new_execution(&mut self) -> Option<Schedule> {
        if self.is_over {
            return None;
        }
        self.is_over = true;
        begin(&self.log);
        Some(Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        with(&self.log, |log| {
            log.count(current);
            let thread = current.map_or(0, usize::from);
            let at = (thread, log.steps_of(thread));
            let wanted = self.switches.get(&at).map(|other| TaskId::from(*other));
            let chosen = wanted
                .filter(|wanted| runnable.iter().any(|task| task.id() == *wanted))
                .or_else(|| ScheduleLog::plain(runnable, current, is_yielding))?;
            log.note(runnable, current, is_yielding, chosen);
            Some(chosen)
        })
    }

    /// The executed code draws no numbers.
    fn next_u64(&mut self) -> u64 {
        0
    }
}

fn begin(log: &Shared<ScheduleLog>) {
    with(log, |log| *log = ScheduleLog::default());
    forget_thread_locations();
    forget_injected_panics();
}

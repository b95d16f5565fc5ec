//! Who goes on: written down while somebody else chooses, or read.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use lockstep_sync::shuttle::{ThreadLocation, forget_thread_locations, thread_location};
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

use lockstep_harness::schedule::Switch;

/// What one execution did, as its scheduler saw it.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    pub(super) switches: Vec<Switch>,
    pub(super) pauses: Vec<Pause>,
    pub(super) decisions: u64,
    /// Whether there ever was a choice.
    pub(super) is_concurrent: bool,
    /// Of every decision: two executions that differ in one have different ones.
    pub(super) fingerprint: u64,
    /// How many steps each thread has made.
    steps: BTreeMap<usize, u64>,
}

/// A thread that could have gone on and did not: a preemption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Who was paused, after how many of its steps, and who went on.
    pub switch: Switch,
    /// The transaction that it was about.
    pub transaction: Option<u32>,
    /// The last thing that it took, as file and line of core.
    pub place: Option<String>,
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Switch(thread, step, other) = self.switch;
        write!(f, "thread {thread} is paused after its step {step}")?;
        if let Some(transaction) = self.transaction {
            write!(f, ", in transaction {transaction}")?;
        }
        if let Some(place) = &self.place {
            write!(f, ", at {place}")?;
        }
        write!(f, "; thread {other} goes on")
    }
}

/// A log that outlives its scheduler, and the panic of an execution.
pub(super) type Shared<T> = Arc<Mutex<T>>;

pub(super) fn with<T, R>(shared: &Shared<T>, then: impl FnOnce(&mut T) -> R) -> R {
    then(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Log {
    /// Of who can go on, who does where nobody chooses: see [`lockstep_harness::schedule::Schedule`].
    fn plain(runnable: &[&Task], current: Option<TaskId>, is_yielding: bool) -> Option<TaskId> {
        let ids = || runnable.iter().map(|task| task.id());
        let stays = current.filter(|current| !is_yielding && ids().any(|id| id == *current));
        let others = || ids().filter(|id| Some(*id) != current).min();
        stays.or_else(others).or_else(|| ids().min())
    }

    /// Notes who goes on.
    fn note(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
        chosen: TaskId,
    ) {
        let thread = current.map_or(0, usize::from);
        let step = self.steps.get(&thread).copied().unwrap_or(0);
        let switch = Switch(thread, step, chosen.into());
        let plain = Log::plain(runnable, current, is_yielding);
        if plain != Some(chosen) {
            self.switches.push(switch);
        }
        if plain == current && plain != Some(chosen) {
            let ThreadLocation { transaction, place } = thread_location(thread);
            self.pauses.push(Pause {
                switch,
                transaction,
                place: place.map(|place| {
                    format!(
                        "{}:{}",
                        place
                            .file()
                            .replace("under_shuttle/../", "")
                            .replace("shuttle/../", ""),
                        place.line()
                    )
                }),
            });
        }
        self.decisions += 1;
        self.is_concurrent |= runnable.len() > 1;
        let mut hasher = DefaultHasher::new();
        (self.fingerprint, switch.0, switch.1, switch.2).hash(&mut hasher);
        self.fingerprint = hasher.finish();
    }

    /// Counts the step that this decision ends.
    fn count(&mut self, current: Option<TaskId>) {
        let thread = current.map_or(0, usize::from);
        *self.steps.entry(thread).or_default() += 1;
    }
}

/// Lets another scheduler choose, for some executions or until it is told to stop, and writes down
/// what it chose.
pub(super) struct Drawn {
    pub(super) scheduler: Shared<Box<dyn Scheduler + Send>>,
    pub(super) log: Shared<Log>,
    pub(super) left: Shared<usize>,
}

impl Scheduler for Drawn {
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

/// Follows switches for one execution. One that cannot be followed, because who should go on cannot,
/// is left out.
pub(super) struct Followed {
    switches: BTreeMap<(usize, u64), usize>,
    log: Shared<Log>,
    is_over: bool,
}

impl Followed {
    pub(super) fn new(switches: &[Switch], log: Shared<Log>) -> Self {
        let switches = switches.iter();
        Followed {
            switches: switches
                .map(|Switch(thread, step, other)| ((*thread, *step), *other))
                .collect(),
            log,
            is_over: false,
        }
    }
}

impl Scheduler for Followed {
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
            let at = (thread, log.steps[&thread]);
            let wanted = self.switches.get(&at).map(|other| TaskId::from(*other));
            let chosen = wanted
                .filter(|wanted| runnable.iter().any(|task| task.id() == *wanted))
                .or_else(|| Log::plain(runnable, current, is_yielding))?;
            log.note(runnable, current, is_yielding, chosen);
            Some(chosen)
        })
    }

    /// What is executed draws nothing.
    fn next_u64(&mut self) -> u64 {
        0
    }
}

fn begin(log: &Shared<Log>) {
    with(log, |log| *log = Log::default());
    forget_thread_locations();
}

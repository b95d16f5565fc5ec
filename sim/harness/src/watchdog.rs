//! Watchdog of a run: finds one that does not end, by its silence.
//!
//! *Silence.* The thread that executes a run [notes](note) every operation of a system under test when it
//! begins, and the workers of the system may note what they are at ([`WorkerNotes`]). A run that notes
//! nothing new for the limit does not end. The limit is one of silence and not of the whole run, so that a
//! large run is not accused; notes that come again, as those of a loop that tries the same few
//! transactions again, are not new, and no operation lasts longer than `MOST_LIMITS` limits whatever its
//! workers note.
//!
//! *Machines with too few processors.* Silence is counted while the process is idle, as in a deadlock, and
//! in full while it computes on a processor of its own, as in an endless loop. Where a process computes
//! and gets less than half a processor, twice the processor time that it gets is counted: what is slow
//! because others compute is given more time. One that computes nothing while a thread of it waits for a
//! processor or a disk is given ten times the time. A process that was stopped or a machine that slept counts
//! as little as a moment.
//!
//! *A thread cannot be ended.* What finds the silence is told on a thread of the watchdog, which reports
//! it and ends the process; the run goes on meanwhile, or rather does not.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::invariant::FINISHES_IN_TIME;
use crate::processor::{processor_time, waits_for_the_machine};
use crate::violation::Violation;

/// Default of the limit of silence.
pub const RUN_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest time of one operation, in limits of silence.
const MOST_LIMITS: u32 = 10;

/// Divisor of the time that counts while the machine keeps a process waiting.
const HELD_UP: u32 = 10;

/// Longest time between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Notes of the workers of a system under test, on whatever threads they are.
#[derive(Clone, Copy, Debug)]
pub struct WorkerNotes {
    /// Forgets all notes: another operation begins.
    pub forget: fn(),
    /// The last note of each worker since then, a line each.
    pub read: fn() -> Vec<String>,
}

impl WorkerNotes {
    /// Workers that note nothing.
    pub const NONE: WorkerNotes = WorkerNotes {
        forget: || {},
        read: Vec::new,
    };
}

/// A run that does not end: what it was at when it fell silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The limit.
    pub limit: Duration,
    /// The step of the run.
    pub step: usize,
    /// The step in words.
    pub operation: String,
    /// The system under test.
    pub subject: String,
    /// The last note of each worker, a line each.
    pub workers: Vec<String>,
}

impl Silence {
    /// The violation of [`FINISHES_IN_TIME`].
    #[must_use]
    pub fn violation(&self) -> Violation {
        let mut detail = format!(
            "no end of {} in {} s, expected one",
            self.operation,
            self.limit.as_secs()
        );
        if self.workers.is_empty() {
            detail.push_str("\nlast noted nothing by any worker");
        }
        for worker in &self.workers {
            detail.push_str(&format!("\nlast noted {worker}"));
        }
        Violation::of(&FINISHES_IN_TIME, self.step, &self.subject, detail)
    }
}

/// The notes of the thread of a run.
#[derive(Debug, Default)]
struct Noted {
    /// Number of operations that were begun.
    operations: u64,
    step: usize,
    operation: String,
    subject: String,
    is_over: bool,
}

/// The run of one thread.
struct Watched {
    noted: Mutex<Noted>,
    /// Told when the run is over.
    over: Condvar,
    workers: WorkerNotes,
}

impl Watched {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

thread_local! {
    static WATCHED: RefCell<Option<Arc<Watched>>> = const { RefCell::new(None) };
}

fn if_watched(note: impl FnOnce(&Watched)) {
    let watched = WATCHED.with_borrow(Option::clone);
    if let Some(watched) = watched {
        note(&watched);
    }
}

/// Notes that the run of this thread begins a step. `in_words` is called if it is watched.
pub fn note_step(step: usize, in_words: impl FnOnce() -> String) {
    if_watched(|watched| {
        let mut noted = watched.noted();
        noted.operations += 1;
        noted.step = step;
        noted.operation = in_words();
    });
}

/// Notes that the run of this thread begins an operation of this system under test.
pub fn note(step: usize, subject: &str) {
    if_watched(|watched| {
        let mut noted = watched.noted();
        noted.operations += 1;
        noted.step = step;
        if noted.subject != subject {
            noted.subject = subject.to_owned();
        }
        (watched.workers.forget)();
    });
}

/// Notes that the run of this thread goes on in the harness itself, which may take long about a large run.
pub fn note_harness() {
    if_watched(|watched| watched.noted().operations += 1);
}

/// Executes `work`, a run, on this thread. If it falls silent for `limit`, `on_silence` is called on
/// another thread, and usually ends the process.
pub fn watch<T>(
    limit: Duration,
    workers: WorkerNotes,
    on_silence: impl FnOnce(Silence) + Send + 'static,
    work: impl FnOnce() -> T,
) -> T {
    /// Ends the watch, also after a panic of the run.
    struct EndOnDrop {
        watched: Arc<Watched>,
        before: Option<Arc<Watched>>,
        watchdog: Option<thread::JoinHandle<()>>,
    }
    impl Drop for EndOnDrop {
        fn drop(&mut self) {
            WATCHED.set(self.before.take());
            self.watched.noted().is_over = true;
            self.watched.over.notify_all();
            // A watchdog that is reporting ends the process; the run waits for that.
            let _ = self.watchdog.take().map(thread::JoinHandle::join);
        }
    }

    let noted = Noted {
        operation: "the run".to_owned(),
        subject: "a worker process".to_owned(),
        ..Noted::default()
    };
    let watched = Arc::new(Watched {
        noted: Mutex::new(noted),
        over: Condvar::new(),
        workers,
    });
    (workers.forget)();
    let seen = Arc::clone(&watched);
    let watchdog = thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(move || {
            if let Some(silence) = wait_for_silence(&seen, limit) {
                on_silence(silence);
            }
        });
    let _end = EndOnDrop {
        before: WATCHED.replace(Some(Arc::clone(&watched))),
        watched,
        // Without a thread the run is not watched.
        watchdog: watchdog.ok(),
    };
    work()
}

/// Waits until the run is over, `None`, or has been silent for the limit.
fn wait_for_silence(watched: &Watched, limit: Duration) -> Option<Silence> {
    let look = LOOK.min(limit / 10).max(Duration::from_millis(1));
    let mut count = SilenceCount::default();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut operations = 0;
    let mut looked = Instant::now();
    let mut used = processor_time();
    loop {
        let noted = watched.noted();
        let (noted, _) = watched
            .over
            .wait_timeout_while(noted, look, |noted| !noted.is_over)
            .unwrap_or_else(PoisonError::into_inner);
        if noted.is_over {
            return None;
        }
        let is_new_operation = noted.operations != operations;
        operations = noted.operations;
        drop(noted);
        let notes = (watched.workers.read)();
        if is_new_operation {
            seen.clear();
        }
        let before = seen.len();
        seen.extend(notes.iter().cloned());
        let now = processor_time();
        let elapsed = looked.elapsed();
        looked = Instant::now();
        let computed = now
            .zip(used)
            .map(|(now, used)| now.own.saturating_sub(used.own));
        used = now;
        let news = match (is_new_operation, seen.len() > before) {
            (true, _) => News::Operation,
            (false, true) => News::Note,
            (false, false) => News::None,
        };
        if count.is_silent(
            limit,
            news,
            counted(elapsed.min(look * 2), computed, waits_for_the_machine),
        ) {
            let noted = watched.noted();
            return Some(Silence {
                limit,
                step: noted.step,
                operation: noted.operation.clone(),
                subject: noted.subject.clone(),
                workers: notes,
            });
        }
    }
}

/// The part of a time that counts as silent, if the process used this much processor time in it; `is_held_up`
/// tells of one that used none if the machine keeps it waiting.
fn counted(
    elapsed: Duration,
    computed: Option<Duration>,
    is_held_up: impl FnOnce() -> bool,
) -> Duration {
    match computed {
        Some(computed) if computed > Duration::ZERO => elapsed.min(computed * 2),
        Some(_) if is_held_up() => elapsed / HELD_UP,
        _ => elapsed,
    }
}

/// The news that a look at a run found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Operation,
    Note,
    None,
}

/// The time that a run has been silent.
#[derive(Debug, Default)]
struct SilenceCount {
    silent: Duration,
    in_operation: Duration,
}

impl SilenceCount {
    /// Counts the time before a look; true if the limit is reached.
    fn is_silent(&mut self, limit: Duration, news: News, time: Duration) -> bool {
        self.silent += time;
        self.in_operation += time;
        match news {
            News::Operation => *self = SilenceCount::default(),
            News::Note if self.in_operation < limit * MOST_LIMITS => self.silent = Duration::ZERO,
            News::Note | News::None => {}
        }
        self.silent >= limit
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(300);

    #[test]
    fn a_run_that_falls_silent_is_told_with_its_last_notes() {
        let workers = WorkerNotes {
            forget: || {},
            read: || vec!["by worker 1: transaction 7".to_owned()],
        };
        let (told, hear) = channel();
        let tell = move |silence| told.send(silence).expect("the run waits");
        let silence = watch(LIMIT, workers, tell, || {
            note_step(3, || "a block".to_owned());
            note_harness();
            note(3, "a ledger");
            // The run is at an end when it has been told of its own silence.
            hear.recv().expect("the watchdog tells")
        });
        let expected = Silence {
            limit: LIMIT,
            step: 3,
            operation: "a block".to_owned(),
            subject: "a ledger".to_owned(),
            workers: vec!["by worker 1: transaction 7".to_owned()],
        };
        assert_eq!(silence, expected);
        let violation = silence.violation();
        assert_eq!(
            (violation.step, violation.subject.as_str()),
            (3, "a ledger")
        );
        let detail =
            "no end of a block in 0 s, expected one\nlast noted by worker 1: transaction 7";
        assert_eq!(violation.detail, detail);
    }

    #[test]
    fn a_run_that_takes_many_limits_and_is_never_silent_is_let_alone() {
        let limit = Duration::from_secs(2);
        let accuse = |silence| panic!("{silence:?}");
        let begun = Instant::now();
        let operations = watch(limit, WorkerNotes::NONE, accuse, || {
            let mut operations = 0;
            while begun.elapsed() < limit * 2 {
                match operations % 2 {
                    0 => note(operations, "a ledger"),
                    _ => note_harness(),
                }
                operations += 1;
                thread::sleep(Duration::from_millis(20));
            }
            operations
        });
        assert!(operations > 2);
    }

    /// Counts looks of a tenth of a limit until the run is silent.
    fn looks(news: impl Fn(u32) -> News) -> Option<u32> {
        let mut count = SilenceCount::default();
        (1..1_000).find(|look| count.is_silent(LIMIT, news(*look), LIMIT / 10))
    }

    #[test]
    fn new_notes_give_time_and_not_without_end() {
        assert_eq!(looks(|_| News::None), Some(10));
        assert_eq!(
            looks(|look| if look == 5 { News::Note } else { News::None }),
            Some(15)
        );
        assert_eq!(looks(|_| News::Note), Some(10 * MOST_LIMITS + 9));
        assert_eq!(looks(|_| News::Operation), None);
    }

    #[test]
    fn a_process_that_computes_with_little_of_a_processor_is_given_more_time() {
        let ms = Duration::from_millis;
        let counted = |computed, is_held_up| counted(ms(100), computed, || is_held_up);
        assert_eq!(counted(Some(ms(10)), true), ms(20), "others compute");
        assert_eq!(counted(Some(ms(100)), true), ms(100), "an endless loop");
        assert_eq!(counted(Some(ms(180)), true), ms(100), "on two threads");
        assert_eq!(counted(Some(ms(0)), false), ms(100), "a deadlock");
        assert_eq!(counted(Some(ms(0)), true), ms(10), "a slow disk");
        assert_eq!(counted(None, true), ms(100), "it is not known");
    }

    #[test]
    fn a_watch_within_another_gives_the_outer_one_back() {
        let accuse = |silence| panic!("{silence:?}");
        watch(RUN_TIMEOUT, WorkerNotes::NONE, accuse, || {
            watch(RUN_TIMEOUT, WorkerNotes::NONE, accuse, || note(1, "inner"));
            note(2, "outer");
            let noted = WATCHED.with_borrow(Option::clone).expect("it is watched");
            assert_eq!(noted.noted().subject, "outer");
        });
        assert!(WATCHED.with_borrow(Option::is_none));
    }
}

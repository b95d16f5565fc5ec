//! Worker processes of a campaign: a few runs each, several at once.
//!
//! A run in a process of its own finds nothing that another one left, and one that kills its process,
//! or does not end, affects no other. Runs are handed out in order and may end in any; their results
//! are asked for in order. Runs that were begun early and then not asked for are lost, and nothing
//! shows of them.
//!
//! A worker is a command that executes the runs that its arguments name ([`Work`]), with [`serve`],
//! and tells about each on its standard output, a [`Message`] in JSON a line. A worker finds out by itself
//! that its run does not end ([`crate::watchdog`]), reports that and ends; one that says nothing at all
//! is killed. Both are findings; one that ends within a run is one as well, unless it was killed by
//! another process, which says nothing about the system under test. The last lines that it wrote to
//! standard error are quoted.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::str::FromStr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::campaign::{Ended, Plan, Repetition, RunId, SelfCheckFailed, Workload, one_run};
use crate::coverage::Coverage;
use crate::digest::Digest;
use crate::exit::ExitCode;
use crate::invariant::{FINISHES_IN_TIME, Invariant, PROCESS_SURVIVES};
use crate::trace::{Difference, Observation};
use crate::violation::{Failure, Violation};
use crate::watchdog::{Silence, watch};

/// Runs of one process, if none of them ends it.
const RUNS_PER_PROCESS: u64 = 8;

/// Time between two messages that say that a worker is there.
const ALIVE_EVERY: Duration = Duration::from_secs(1);

/// A worker that says nothing for this long is killed: it is stopped, or cannot even say that it is there.
const MUTE_FOR: Duration = Duration::from_secs(60);

/// Number of lines of a worker's standard error that are quoted where it dies.
const LAST_LINES: usize = 5;

crate::seeded_bugs! {
    /// A seeded bug of a process that executes runs, for the self-check.
    pub enum ProcessBug in "worker process": "a process that executes a few runs of a campaign" {
        ProcessDies = "process-dies" in Invented: "a process ends in the middle of a run",
            named by [PROCESS_SURVIVES];
    }
}

/// Terms on which the runs of a campaign are handed out to processes.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Processes at once, at least 1.
    pub jobs: usize,
    /// Every `cross_process_every`th run is repeated in a process of its own; 0 for none.
    pub cross_process_every: u64,
    /// Shows what workers write to standard error there, beside quoting the end of it where one dies.
    pub shows_errors: bool,
}

/// A run and the executions of it that are asked for. As text `SEED:RUN:REPETITION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// The run.
    pub run: RunId,
    /// Its executions.
    pub repetition: Repetition,
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repetition = match self.repetition {
            Repetition::First => "first",
            Repetition::Repeated => "repeated",
            Repetition::Both => "both",
        };
        write!(f, "{}:{}:{repetition}", self.run.seed, self.run.run)
    }
}

impl FromStr for Work {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let [seed, run, repetition] = parts[..] else {
            return Err("SEED:RUN:REPETITION".to_owned());
        };
        let number = |text: &str| text.parse().map_err(|_| format!("{text} is no number"));
        Ok(Work {
            run: RunId {
                seed: number(seed)?,
                run: number(run)?,
            },
            repetition: match repetition {
                "first" => Repetition::First,
                "repeated" => Repetition::Repeated,
                "both" => Repetition::Both,
                _ => return Err(format!("{repetition} is no repetition")),
            },
        })
    }
}

/// One line of what a worker process tells.
#[derive(Debug, Serialize, Deserialize)]
pub enum Message {
    /// It begins a run.
    Begun {
        /// The seed of the run.
        seed: u64,
        /// The number of the run within its seed.
        run: u64,
    },
    /// It is there: said again and again, whatever its run does.
    Alive,
    /// The run ended.
    Ended(Box<EndedMessage>),
    /// The run does not end, and so the process does.
    Hung(Violation),
}

/// Result of a run, as it crosses from one process to another.
#[derive(Debug, Serialize, Deserialize)]
pub struct EndedMessage {
    seed: u64,
    run: u64,
    counts: BTreeMap<String, u64>,
    trace: Vec<Observation>,
    outcome: Result<Digest, Failure>,
    repeated: u64,
    difference: Option<Difference>,
}

impl EndedMessage {
    fn new(ended: Ended) -> Self {
        let coverage = &ended.coverage;
        EndedMessage {
            seed: ended.run.seed,
            run: ended.run.run,
            counts: coverage
                .events()
                .chain(coverage.totals())
                .map(|(name, count)| (name.to_owned(), count))
                .collect(),
            trace: ended.trace,
            outcome: ended.outcome,
            repeated: ended.repeated,
            difference: ended.difference,
        }
    }

    fn into_ended(self, system: &str) -> Result<Ended, String> {
        Ok(Ended {
            run: RunId {
                seed: self.seed,
                run: self.run,
            },
            coverage: Coverage::from_names(system, &self.counts)?,
            trace: self.trace,
            outcome: self.outcome,
            repeated: self.repeated,
            difference: self.difference,
        })
    }
}

/// Executes these runs in this process, a worker, and reports each on standard output. Ends early where
/// the reader is gone. A run that is silent for `run_timeout` ends the process.
pub fn serve<W: Workload>(workload: &W, work: &[Work], run_timeout: Duration) {
    // Also where a run does not end and the reader is gone: nothing else would end this process.
    thread::spawn(|| {
        while tell(&Message::Alive) {
            thread::sleep(ALIVE_EVERY);
        }
        std::process::exit(ExitCode::Interrupted.number().into())
    });
    for Work { run, repetition } in work {
        let begun = Message::Begun {
            seed: run.seed,
            run: run.run,
        };
        let is_heard = tell(&begun) && {
            let of_silence = workload.of_silence();
            let report = move |silence: Silence| {
                let violation = of_silence(&silence);
                let exit_code = violation.exit_code();
                tell(&Message::Hung(violation));
                std::process::exit(exit_code.number().into())
            };
            let ended = watch(run_timeout, workload.worker_notes(), report, || {
                one_run(workload, *run, *repetition)
            });
            tell(&Message::Ended(Box::new(EndedMessage::new(ended))))
        };
        if !is_heard {
            return;
        }
    }
}

/// Writes a message at once: the next thing that happens may be the end of the process.
fn tell(message: &Message) -> bool {
    let text = serde_json::to_string(message).expect("a message is numbers, lists and texts");
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).is_ok()
}

/// A run that was handed out.
#[derive(Clone, Copy, Debug)]
struct Task {
    index: u64,
    work: Work,
}

struct Running {
    child: Child,
    /// In order; the first one is being done, or is next.
    tasks: VecDeque<Task>,
    has_begun: bool,
    heard: Instant,
    /// It was killed because it said nothing.
    is_mute: bool,
    /// Its run does not end.
    hung: Option<Violation>,
    /// The last lines that it wrote to standard error.
    last_errors: Arc<Mutex<VecDeque<String>>>,
}

enum News {
    Line(String),
    End,
}

/// The command of a worker that executes these runs.
pub type WorkerCommand<'p> = dyn Fn(&[Work]) -> std::io::Result<Command> + 'p;

/// The worker processes of a campaign.
pub struct Processes<'p> {
    plan: &'p Plan,
    system: &'static str,
    command: Box<WorkerCommand<'p>>,
    terms: Terms,
    waiting: VecDeque<Vec<Task>>,
    running: BTreeMap<u64, Running>,
    started: u64,
    /// The first run that was not handed out.
    next_index: u64,
    first: BTreeMap<u64, Ended>,
    repeated: BTreeMap<u64, Ended>,
    sender: Sender<(u64, News)>,
    news: Receiver<(u64, News)>,
}

impl<'p> Processes<'p> {
    /// Creates what will hand out the runs of a plan of this system to workers; starts none.
    #[must_use]
    pub fn new(
        plan: &'p Plan,
        system: &'static str,
        terms: Terms,
        command: Box<WorkerCommand<'p>>,
    ) -> Self {
        let (sender, news) = channel();
        Processes {
            plan,
            system,
            command,
            terms,
            waiting: VecDeque::new(),
            running: BTreeMap::new(),
            started: 0,
            next_index: 0,
            first: BTreeMap::new(),
            repeated: BTreeMap::new(),
            sender,
            news,
        }
    }

    /// Returns the result of the run with this index. Waits for it, and keeps the others going meanwhile;
    /// `None` if `is_interrupted` becomes true before.
    pub fn result(&mut self, index: u64, is_interrupted: &dyn Fn() -> bool) -> Option<Ended> {
        loop {
            let has_repeated = self
                .is_cross_process(index)
                .then(|| self.repeated.contains_key(&index));
            if self.first.contains_key(&index) && has_repeated != Some(false) {
                break;
            }
            if let Err(error) = self.hand_out(index) {
                let reason = format!("no process can be started: {error}");
                let run = self.plan.run(index).unwrap_or(RunId { seed: 0, run: 0 });
                return Some(Ended::failed(run, Failure::Infrastructure(reason)));
            }
            if is_interrupted() {
                return None;
            }
            self.listen();
        }
        let mut first = self
            .first
            .remove(&index)
            .expect("the loop ends when it is there");
        if let Some(repeated) = self.repeated.remove(&index) {
            first.compare(repeated.outcome, &repeated.trace);
        }
        Some(first)
    }

    fn is_cross_process(&self, index: u64) -> bool {
        match self.terms.cross_process_every {
            0 => false,
            every => index.is_multiple_of(every),
        }
    }

    /// Starts processes until there are as many as there may be.
    fn hand_out(&mut self, index: u64) -> std::io::Result<()> {
        let jobs = self.terms.jobs.max(1);
        let ahead = jobs as u64 * RUNS_PER_PROCESS * 2;
        while self.running.len() < jobs {
            if self.waiting.is_empty() && self.next_index < index + ahead {
                self.next_batch();
            }
            let Some(tasks) = self.waiting.pop_front() else {
                return Ok(());
            };
            self.start(tasks)?;
        }
        Ok(())
    }

    fn next_batch(&mut self) {
        let mut batch = Vec::new();
        let mut repeated = Vec::new();
        for index in self.next_index..self.next_index + RUNS_PER_PROCESS {
            let Some(run) = self.plan.run(index) else {
                break;
            };
            let repetition = match self.plan.is_repeated(index) {
                true => Repetition::Both,
                false => Repetition::First,
            };
            let task = |repetition| Task {
                index,
                work: Work { run, repetition },
            };
            batch.push(task(repetition));
            if self.is_cross_process(index) {
                repeated.push(task(Repetition::Repeated));
            }
        }
        self.next_index += batch.len() as u64;
        self.waiting.extend(
            [batch, repeated]
                .into_iter()
                .filter(|tasks| !tasks.is_empty()),
        );
    }

    fn start(&mut self, tasks: Vec<Task>) -> std::io::Result<()> {
        let work: Vec<Work> = tasks.iter().map(|task| task.work).collect();
        let mut child = (self.command)(&work)?
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().expect("its output is piped");
        let errors = child.stderr.take().expect("its errors are piped");
        let last_errors = Arc::default();
        let errors = keep_last_lines(errors, &last_errors, self.terms.shows_errors);
        let id = self.started;
        self.started += 1;
        let sender = self.sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send((id, News::Line(line))).is_err() {
                    return;
                }
            }
            // What it wrote last is read by then.
            let _ = errors.join();
            // The receiver is gone where the campaign is over.
            let _ = sender.send((id, News::End));
        });
        self.running.insert(
            id,
            Running {
                child,
                tasks: tasks.into(),
                has_begun: false,
                heard: Instant::now(),
                is_mute: false,
                hung: None,
                last_errors,
            },
        );
        Ok(())
    }

    /// Waits a while for news and takes it in.
    fn listen(&mut self) {
        match self.news.recv_timeout(Duration::from_millis(500)) {
            Ok((id, News::Line(line))) => self.heard(id, &line),
            Ok((id, News::End)) => self.ended(id),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        for running in self.running.values_mut() {
            if !running.is_mute && running.heard.elapsed() > MUTE_FOR {
                running.is_mute = true;
                // It may have ended by itself in this moment.
                let _ = running.child.kill();
            }
        }
    }

    fn heard(&mut self, id: u64, line: &str) {
        let Some(running) = self.running.get_mut(&id) else {
            return;
        };
        // It was ended, and its messages of the same moment come too late.
        if running.is_mute {
            return;
        }
        running.heard = Instant::now();
        match serde_json::from_str(line) {
            Ok(Message::Begun { .. }) => running.has_begun = true,
            Ok(Message::Alive) => {}
            Ok(Message::Hung(violation)) => running.hung = Some(violation),
            Ok(Message::Ended(message)) => {
                running.has_begun = false;
                let Some(task) = running.tasks.pop_front() else {
                    return;
                };
                let ended = message.into_ended(self.system);
                let ended = ended.unwrap_or_else(|reason| {
                    Ended::failed(task.work.run, Failure::Infrastructure(reason))
                });
                self.keep(task, ended);
            }
            // No message: something else was printed there.
            Err(_) => {}
        }
    }

    fn keep(&mut self, task: Task, ended: Ended) {
        match task.work.repetition {
            Repetition::Repeated => self.repeated.insert(task.index, ended),
            Repetition::First | Repetition::Both => self.first.insert(task.index, ended),
        };
    }

    /// A process ended. Whatever it left undone is done by another one.
    fn ended(&mut self, id: u64) {
        let Some(mut running) = self.running.remove(&id) else {
            return;
        };
        let status = running.child.wait();
        let Some(task) = running.tasks.pop_front() else {
            return;
        };
        let run = task.work.run;
        let failure = match (running.hung, status) {
            (Some(violation), _) => violation.into(),
            (None, _) if running.is_mute => mute(),
            (None, Ok(status)) if running.has_begun => {
                let last = running.last_errors.lock();
                let last = last.unwrap_or_else(PoisonError::into_inner);
                died(status, run, last.iter().map(String::as_str))
            }
            (None, Ok(status)) => {
                Failure::Infrastructure(format!("a process ended before it began {run}: {status}"))
            }
            (None, Err(error)) => Failure::Infrastructure(error.to_string()),
        };
        let ended = Ended::failed(run, failure);
        self.keep(task, ended);
        if !running.tasks.is_empty() {
            self.waiting.push_front(running.tasks.into());
        }
    }
}

impl Drop for Processes<'_> {
    fn drop(&mut self) {
        for running in self.running.values_mut() {
            // Those that ended by themselves cannot be ended, and that is all that can go wrong.
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

/// Executes a worker that must die within a run; returns the name of the seeded bug.
///
/// # Errors
///
/// `Err(reason)` if no process could be started, `Ok` of a [`SelfCheckFailed`] if its death was not
/// reported as one.
pub fn self_check(worker: &mut Command) -> Result<&'static str, Result<SelfCheckFailed, String>> {
    let output = worker.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let status = match output {
        Ok(output) => output.status,
        Err(error) => return Err(Err(format!("no process can be started: {error}"))),
    };
    match died(status, RunId { seed: 0, run: 0 }, std::iter::empty()) {
        Failure::Violation(violation)
            if violation.invariant == &PROCESS_SURVIVES && !status.success() =>
        {
            Ok(ProcessBug::ProcessDies.id())
        }
        other => Err(Ok(SelfCheckFailed {
            bug: ProcessBug::ProcessDies.id().to_owned(),
            found_by: PROCESS_SURVIVES.name.to_owned(),
            got: format!("{status}: {other:?}"),
        })),
    }
}

/// The failure of a run whose process ended in the middle of it.
fn died<'l>(status: ExitStatus, run: RunId, last_errors: impl Iterator<Item = &'l str>) -> Failure {
    match was_killed(status) {
        true => Failure::Infrastructure(format!(
            "the process of {run} was killed ({status}): by an operator, or for want of memory"
        )),
        false => {
            let mut detail =
                format!("the process that executed the run ended in the middle of it: {status}");
            for line in last_errors {
                detail.push_str(&format!("\nit wrote last {line}"));
            }
            violation(&PROCESS_SURVIVES, detail)
        }
    }
}

/// The failure of a run whose process did not even say that it is there.
fn mute() -> Failure {
    let detail = format!("its process said nothing for {} s", MUTE_FOR.as_secs());
    violation(&FINISHES_IN_TIME, detail)
}

/// Keeps the last lines that a process writes to standard error, on a thread of its own.
pub(crate) fn keep_last_lines(
    errors: ChildStderr,
    last: &Arc<Mutex<VecDeque<String>>>,
    shows: bool,
) -> thread::JoinHandle<()> {
    let last = Arc::clone(last);
    thread::spawn(move || {
        let mut errors = BufReader::new(errors);
        let mut line = Vec::new();
        // A line may be no text.
        while errors
            .read_until(b'\n', &mut line)
            .is_ok_and(|length| length > 0)
        {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if shows {
                // Whether it is shown decides nothing.
                let _ = writeln!(std::io::stderr(), "{text}");
            }
            if text.is_empty() {
                continue;
            }
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(text);
        }
    })
}

fn violation(invariant: &'static Invariant, detail: String) -> Failure {
    Violation::of(invariant, 0, "a worker process", detail).into()
}

/// True if another process ended it: a machine short of memory, or an operator.
#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    const INTERRUPTED: i32 = 2;
    const KILLED: i32 = 9;
    const TERMINATED: i32 = 15;
    matches!(status.signal(), Some(INTERRUPTED | KILLED | TERMINATED))
}

#[cfg(not(unix))]
fn was_killed(_: ExitStatus) -> bool {
    false
}

/// True if a process died: it ended, not killed by another process, with no exit code of a verdict.
#[must_use]
pub fn has_died(status: ExitStatus) -> bool {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    let is_verdict = code.is_some_and(|code| ExitCode::try_from(code).is_ok());
    !was_killed(status) && !is_verdict
}

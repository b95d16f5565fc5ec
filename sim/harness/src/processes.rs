//! Worker processes of a campaign: a few runs each, several at once.
//!
//! A run in a process of its own finds nothing that another one left, and one that kills its process,
//! or does not end, affects no other. Runs are handed out in order and may end in any; their results
//! are asked for in order. Runs that were begun early and then not asked for are lost, and nothing
//! shows of them.
//!
//! A worker is a command that executes the runs that its arguments name ([`Work`]), with [`serve`],
//! and tells about each on its standard output, a [`Message`] in JSON a line. One that stays silent
//! for longer than the run timeout is killed, which is a finding; one that ends within a run is one as
//! well, unless it was killed by another process, which says nothing about the system under test.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::str::FromStr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
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

/// Runs of one process, if none of them ends it.
const RUNS_PER_PROCESS: u64 = 8;

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
    /// A process that is silent for longer than this is killed: its run does not end.
    pub run_timeout: Duration,
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
    /// The run ended.
    Ended(Box<EndedMessage>),
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
/// the reader is gone.
pub fn serve<W: Workload>(workload: &W, work: &[Work]) {
    for Work { run, repetition } in work {
        let begun = Message::Begun {
            seed: run.seed,
            run: run.run,
        };
        let is_heard = tell(&begun) && {
            let ended = one_run(workload, *run, *repetition);
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
    is_hung: bool,
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

    /// Returns the result of the run with this index. Waits for it, and keeps the others going meanwhile.
    pub fn result(&mut self, index: u64) -> Ended {
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
                return Ended::failed(run, Failure::Infrastructure(reason));
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
        first
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
            .spawn()?;
        let out = child.stdout.take().expect("its output is piped");
        let id = self.started;
        self.started += 1;
        let sender = self.sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send((id, News::Line(line))).is_err() {
                    return;
                }
            }
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
                is_hung: false,
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
            if !running.is_hung && running.heard.elapsed() > self.terms.run_timeout {
                running.is_hung = true;
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
        if running.is_hung {
            return;
        }
        running.heard = Instant::now();
        match serde_json::from_str(line) {
            Ok(Message::Begun { .. }) => running.has_begun = true,
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
        let failure = match status {
            _ if running.is_hung => hung(self.terms.run_timeout),
            Ok(status) if running.has_begun => died(status, run),
            Ok(status) => {
                Failure::Infrastructure(format!("a process ended before it began {run}: {status}"))
            }
            Err(error) => Failure::Infrastructure(error.to_string()),
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
    match died(status, RunId { seed: 0, run: 0 }) {
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
fn died(status: ExitStatus, run: RunId) -> Failure {
    match was_killed(status) {
        true => Failure::Infrastructure(format!(
            "the process of {run} was killed ({status}): by an operator, or for want of memory"
        )),
        false => violation(
            &PROCESS_SURVIVES,
            format!("the process that executed the run ended in the middle of it: {status}"),
        ),
    }
}

fn hung(run_timeout: Duration) -> Failure {
    let detail = format!("no end in {} s, expected one", run_timeout.as_secs());
    violation(&FINISHES_IN_TIME, detail)
}

fn violation(invariant: &'static Invariant, detail: String) -> Failure {
    Violation::of(invariant, 0, "a worker process", detail).into()
}

/// True if another process ended it: a machine short of memory, or an operator.
#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    const KILLED: i32 = 9;
    const TERMINATED: i32 = 15;
    matches!(status.signal(), Some(KILLED | TERMINATED))
}

#[cfg(not(unix))]
fn was_killed(_: ExitStatus) -> bool {
    false
}

/// True if a command dies: it ends, not killed by another process, with no exit code of a verdict.
#[must_use]
pub fn dies(command: &mut Command) -> bool {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| {
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        let is_verdict = code.is_some_and(|code| ExitCode::try_from(code).is_ok());
        !was_killed(status) && !is_verdict
    })
}

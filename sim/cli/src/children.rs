//! The processes that do the runs of a campaign: a block of runs each, several at once.
//!
//! They are handed out in order and may end in any; what they came to is asked for in order. Runs
//! that are begun early and then not asked for are lost, and nothing shows of them.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use lockstep_harness::exit::ExitCode;
use lockstep_harness::violation::{Failure, Violation};
use lockstep_sim::campaign::{Case, Ended, Plan, Time, Verdict};
use lockstep_sim::fleet::PROCESS_DIES;
use lockstep_sim::tally::Tally;

use super::block::{Message, Work};

/// Runs of a process, if none of them ends it.
const RUNS_OF_A_BLOCK: u64 = 8;
/// The invariant that a run violates that takes its process with it.
pub(super) const NEVER_DIES: &str = "process-survives";
/// The invariant that a run violates that does not end.
pub(super) const FINISHES: &str = "finishes-in-time";

/// How the runs of a campaign are done.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// Processes at once.
    pub(super) jobs: usize,
    /// Every so many runs one is done again in a process of its own; 0 for none.
    pub(super) elsewhere_every: u64,
    /// A run that takes longer than this does not end.
    pub(super) patience: Duration,
    /// Where the ledgers' files are.
    pub(super) folder: PathBuf,
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

/// The processes of a campaign.
pub(super) struct Children<'p> {
    plan: &'p Plan,
    terms: Terms,
    waiting: VecDeque<Vec<Task>>,
    running: BTreeMap<u64, Running>,
    started: u64,
    /// The first run that was not handed out.
    next_index: u64,
    first: BTreeMap<u64, Ended>,
    again: BTreeMap<u64, Ended>,
    sender: Sender<(u64, News)>,
    news: Receiver<(u64, News)>,
}

impl<'p> Children<'p> {
    pub(super) fn new(plan: &'p Plan, terms: Terms) -> Self {
        let (sender, news) = channel();
        Children {
            plan,
            terms,
            waiting: VecDeque::new(),
            running: BTreeMap::new(),
            started: 0,
            next_index: 0,
            first: BTreeMap::new(),
            again: BTreeMap::new(),
            sender,
            news,
        }
    }

    /// Looks at a process that dies in the middle of a run. Gives a verdict where nobody saw that.
    pub(super) fn blindness(&self) -> Option<Verdict> {
        let case = Case { seed: 0, run: 0 };
        let work = Work {
            case,
            time: Time::First,
        };
        let output = self
            .command(&[work])
            .and_then(|mut command| command.arg("--dies").stderr(Stdio::null()).output());
        let said = match output {
            Err(error) => {
                return Some(Verdict::Infrastructure {
                    case: None,
                    reason: format!("no process can be started: {error}"),
                });
            }
            Ok(output) => died(output.status, case).outcome,
        };
        match said {
            Err(Failure::Violation(violation)) if violation.invariant == NEVER_DIES => None,
            said => Some(Verdict::Blind {
                defect: PROCESS_DIES.to_owned(),
                caught_by: NEVER_DIES.to_owned(),
                said: format!("{said:?}"),
            }),
        }
    }

    /// What the run with this index came to. Waits for it, and keeps the others going meanwhile.
    pub(super) fn result(&mut self, index: u64) -> Ended {
        loop {
            let has_second = self
                .is_elsewhere(index)
                .then(|| self.again.contains_key(&index));
            if self.first.contains_key(&index) && has_second != Some(false) {
                break;
            }
            if let Err(error) = self.hand_out(index) {
                let reason = format!("no process can be started: {error}");
                let case = self.plan.case(index).unwrap_or(Case { seed: 0, run: 0 });
                return ended(case, Failure::Infrastructure(reason));
            }
            self.listen();
        }
        let mut first = self
            .first
            .remove(&index)
            .expect("the loop ends when it is there");
        if let Some(again) = self.again.remove(&index) {
            first.compare(again.outcome, &again.trace);
        }
        first
    }

    fn is_elsewhere(&self, index: u64) -> bool {
        match self.terms.elsewhere_every {
            0 => false,
            every => index.is_multiple_of(every),
        }
    }

    /// Starts processes until there are as many as there may be.
    fn hand_out(&mut self, index: u64) -> std::io::Result<()> {
        let ahead = self.terms.jobs as u64 * RUNS_OF_A_BLOCK * 2;
        while self.running.len() < self.terms.jobs {
            if self.waiting.is_empty() && self.next_index < index + ahead {
                self.next_block();
            }
            let Some(tasks) = self.waiting.pop_front() else {
                return Ok(());
            };
            self.start(tasks)?;
        }
        Ok(())
    }

    fn next_block(&mut self) {
        let mut block = Vec::new();
        let mut again = Vec::new();
        for index in self.next_index..self.next_index + RUNS_OF_A_BLOCK {
            let Some(case) = self.plan.case(index) else {
                break;
            };
            let time = match self.plan.is_twice(index) {
                true => Time::Twice,
                false => Time::First,
            };
            let task = |time| Task {
                index,
                work: Work { case, time },
            };
            block.push(task(time));
            if self.is_elsewhere(index) {
                again.push(task(Time::Again));
            }
        }
        self.next_index += block.len() as u64;
        self.waiting
            .extend([block, again].into_iter().filter(|tasks| !tasks.is_empty()));
    }

    fn command(&self, work: &[Work]) -> std::io::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("block")
            .args(["--profile", self.plan.preset.name()])
            .args(["--hash-seed", &self.plan.hash_seed.to_string()])
            .arg("--dir")
            .arg(&self.terms.folder)
            .args(work.iter().map(|work| work.argument()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        Ok(command)
    }

    fn start(&mut self, tasks: Vec<Task>) -> std::io::Result<()> {
        let work: Vec<Work> = tasks.iter().map(|task| task.work).collect();
        let mut child = self.command(&work)?.spawn()?;
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
            // Nobody listens any more where the campaign is over.
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
            if !running.is_hung && running.heard.elapsed() > self.terms.patience {
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
        // It was ended, and what it said in the same moment comes too late.
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
                let came_to = match message.into_ended() {
                    Ok(ended) => ended,
                    Err(reason) => ended(task.work.case, Failure::Infrastructure(reason)),
                };
                self.keep(task, came_to);
            }
            // Not one of ours: what else is printed there is nobody's message.
            Err(_) => {}
        }
    }

    fn keep(&mut self, task: Task, ended: Ended) {
        match task.work.time {
            Time::Again => self.again.insert(task.index, ended),
            Time::First | Time::Twice => self.first.insert(task.index, ended),
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
        let case = task.work.case;
        let came_to = match status {
            _ if running.is_hung => hung(case, self.terms.patience),
            Ok(status) if running.has_begun => died(status, case),
            Ok(status) => {
                let reason = format!("a process ended before it began {case}: {status}");
                ended(case, Failure::Infrastructure(reason))
            }
            Err(error) => ended(case, Failure::Infrastructure(error.to_string())),
        };
        self.keep(task, came_to);
        if !running.tasks.is_empty() {
            self.waiting.push_front(running.tasks.into());
        }
    }
}

impl Drop for Children<'_> {
    fn drop(&mut self) {
        for running in self.running.values_mut() {
            // Those that ended by themselves cannot be ended, and that is all that can go wrong.
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

/// A run that ended so before anything of it was known.
fn ended(case: Case, failure: Failure) -> Ended {
    Ended {
        case,
        tally: Tally::default(),
        trace: Vec::new(),
        outcome: Err(failure),
        again: 0,
        difference: None,
    }
}

/// A run whose process ended in the middle of it.
fn died(status: ExitStatus, case: Case) -> Ended {
    let failure = match was_killed(status) {
        true => Failure::Infrastructure(format!(
            "the process of {case} was killed ({status}): too little memory, or somebody did"
        )),
        false => violation(
            NEVER_DIES,
            ExitCode::Violated,
            format!("the process that did the run ended in the middle of it: {status}"),
        ),
    };
    ended(case, failure)
}

fn hung(case: Case, patience: Duration) -> Ended {
    let detail = format!("no end in {} s, expected one", patience.as_secs());
    ended(case, violation(FINISHES, ExitCode::Hang, detail))
}

fn violation(invariant: &str, exit_code: ExitCode, detail: String) -> Failure {
    Failure::Violation(Violation {
        invariant: invariant.to_owned(),
        exit_code,
        step: 0,
        subject: "somebody".to_owned(),
        detail,
    })
}

/// Whether somebody else ended it: a machine short of memory, or an operator.
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

/// Whether a run of this file takes its process with it.
pub(super) fn dies_of(file: &Path, folder: &Path) -> bool {
    let status = std::env::current_exe().and_then(|program| {
        Command::new(program)
            .arg("replay")
            .arg(file)
            .arg("--dir")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    });
    let exit_code =
        |status: ExitStatus| ExitCode::try_from(u8::try_from(status.code()?).ok()?).ok();
    status.is_ok_and(|status| !was_killed(status) && exit_code(status).is_none())
}

//! Contender in a child process of the same program.
//!
//! The child is started with the command line of a [`ChildCommand`] and the environment variable
//! [`CHILD`]; a program that calls [`serve_if_child`] before anything else serves then, and never
//! returns. Requests and answers are JSON, a line each, over a socket that is the child's standard input.
//! One child serves case after case, until one ends it or it is dropped.
//!
//! *Limits.* A watchdog in the child finds a case that does not end, by the child's own processor time, reports
//! it and ends the process. A child that says nothing at all is killed after several times the limit.
//! On Linux the writable memory of the child is limited, so that an allocation beyond it aborts the child.

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::adapter::Adapter;
use super::answer::{Answer, Contender};
use super::case::Case;

#[cfg(unix)]
mod parent;
#[cfg(unix)]
mod serve;

mod limits;

pub use limits::DEFAULT_MEMORY;

/// Environment variable of a child: the id of a seeded bug of [`registers`](super::registers), or
/// [`OWN`] for the program's own adapter.
pub const CHILD: &str = "LOCKSTEP_EXECUTOR_CHILD";

/// Value of [`CHILD`] for the program's own adapter.
pub const OWN: &str = "own";

/// Environment variable with the memory limit of a child, in bytes.
const MEMORY: &str = "LOCKSTEP_EXECUTOR_MEMORY";

/// The time after which a child that says nothing is killed, in limits; and [`MUTE_SECONDS`] more.
const MUTE: u32 = 4;

/// See [`MUTE`].
const MUTE_SECONDS: Duration = Duration::from_secs(10);

/// The silence that a campaign allows beyond the limit of a case: the contender's process has its own watchdog,
/// and its parent notes that it waits.
pub const MUTE_MARGIN: Duration = Duration::from_secs(5);

/// The command that starts a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildCommand {
    arguments: Vec<OsString>,
    serves: String,
    memory: Option<u64>,
}

impl ChildCommand {
    /// This program again, with these arguments, serving its own adapter.
    #[must_use]
    pub fn new(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        ChildCommand {
            arguments: arguments.into_iter().map(Into::into).collect(),
            serves: OWN.to_owned(),
            memory: Some(DEFAULT_MEMORY),
        }
    }

    /// The same, with this many bytes of memory; `None` for no limit.
    #[must_use]
    pub fn with_memory(self, memory: Option<u64>) -> Self {
        ChildCommand { memory, ..self }
    }

    /// The same, serving this in place of the program's own adapter.
    #[must_use]
    pub fn serving(self, serves: &str) -> Self {
        ChildCommand {
            serves: serves.to_owned(),
            ..self
        }
    }

    /// The memory limit in words.
    fn limit(&self) -> String {
        match self.memory {
            Some(bytes) => format!("{} MiB", bytes >> 20),
            None => "unlimited".to_owned(),
        }
    }

    fn isolation(&self) -> String {
        let memory = match (self.memory, limits::IS_ENFORCED) {
            (Some(_), true) => format!("memory limited to {}", self.limit()),
            (Some(_), false) => "memory not limited on this system".to_owned(),
            (None, _) => "memory not limited".to_owned(),
        };
        format!("a child process, {memory}")
    }

    /// The command, if the path of this program is known.
    fn command(&self) -> std::io::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(&self.arguments).env(CHILD, &self.serves);
        if let Some(memory) = self.memory {
            command.env(MEMORY, memory.to_string());
        }
        Ok(command)
    }
}

/// A request to a child.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Request<A: Adapter> {
    limit_ms: u64,
    case: Case<A>,
}

/// The first line of a child.
const HELLO: &str = "lockstep executor 1";

/// Serves cases and never returns, if this process is a child that serves the program's own adapter;
/// returns what else it is asked to serve, `None` if it is no child.
pub fn serve_if_child<A: Adapter>(adapter: &A) -> Option<String> {
    let serves = std::env::var(CHILD).ok()?;
    match serves.as_str() {
        OWN => serve(adapter),
        _ => Some(serves),
    }
}

/// Serves cases for the parent of this process, and never returns.
pub fn serve<A: Adapter>(adapter: &A) -> ! {
    let memory = std::env::var(MEMORY).ok();
    let memory = memory.and_then(|bytes| bytes.parse().ok());
    if let Some(Err(reason)) = memory.map(limits::limit_memory) {
        eprintln!("the memory limit cannot be set: {reason}");
    }
    serve_requests(adapter)
}

#[cfg(unix)]
fn serve_requests<A: Adapter>(adapter: &A) -> ! {
    serve::serve(adapter)
}

#[cfg(not(unix))]
fn serve_requests<A: Adapter>(_: &A) -> ! {
    panic!(
        "children serve on Unix only; elsewhere the contender runs in the process of its campaign"
    )
}

/// A contender in a child process. The child is started with the first case.
#[cfg(unix)]
pub struct InChild {
    command: ChildCommand,
    running: Option<parent::Running>,
}

#[cfg(unix)]
impl InChild {
    /// A contender whose children are started with this command.
    #[must_use]
    pub const fn new(command: ChildCommand) -> Self {
        InChild {
            command,
            running: None,
        }
    }
}

#[cfg(unix)]
impl<A: Adapter> Contender<A> for InChild {
    fn execute(
        &mut self,
        _: &A,
        _: &Case<A>,
        json: &str,
        limit: Duration,
    ) -> Result<Answer, String> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => parent::Running::start(&self.command)?,
        };
        let request = format!("{{\"limit_ms\":{},\"case\":{json}}}\n", limit.as_millis());
        let mute = limit * MUTE + MUTE_SECONDS;
        match running.ask(&request, mute) {
            parent::Reply::Line(line) => match serde_json::from_str(&line) {
                // A child that hung ends by itself.
                Ok(answer @ Answer::Hung { .. }) => {
                    running.end();
                    Ok(answer)
                }
                Ok(answer) => {
                    self.running = Some(running);
                    Ok(answer)
                }
                Err(_) => {
                    running.kill();
                    Ok(Answer::BrokenPipe {
                        reason: format!("its process wrote {:?} to the pipe", shortened(&line)),
                    })
                }
            },
            parent::Reply::Mute => {
                let last = running.kill().last;
                Ok(Answer::Hung { block: 0, last })
            }
            parent::Reply::End => Ok(running.end().answer(&self.command.limit())),
        }
    }

    fn isolation(&self) -> String {
        self.command.isolation()
    }
}

#[cfg(unix)]
fn shortened(line: &str) -> String {
    line.trim_end().chars().take(60).collect()
}

/// The contender of an adapter, as isolated as this system allows.
#[cfg(unix)]
#[must_use]
pub fn isolated<A: Adapter>(command: ChildCommand) -> Box<dyn Contender<A>> {
    Box::new(InChild::new(command))
}

/// The contender of an adapter, as isolated as this system allows.
#[cfg(not(unix))]
#[must_use]
pub fn isolated<A: Adapter>(_: ChildCommand) -> Box<dyn Contender<A>> {
    Box::new(super::answer::InProcess)
}

//! Parent's side: a running child, and its end.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::processes::keep_last_lines;
use crate::watchdog;

use super::super::answer::Answer;
use super::{CHILD, ChildCommand, HELLO};

/// Time between two looks at a child that says nothing.
const LOOK: Duration = Duration::from_millis(200);

/// Time in which a child says that it is there.
const START: Duration = Duration::from_secs(30);

/// A child that was started.
pub(super) struct Running {
    process: Child,
    socket: BufReader<UnixStream>,
    last_errors: Arc<Mutex<VecDeque<String>>>,
    reader: JoinHandle<()>,
}

/// Something that a child said, or did not.
pub(super) enum Reply {
    /// A line.
    Line(String),
    /// It closed the socket, or ended.
    End,
    /// It said nothing in time.
    Mute,
}

/// The end of a child.
pub(super) struct Ended {
    status: String,
    signal: Option<i32>,
    /// True if it had to be killed.
    is_killed: bool,
    pub(super) last: Vec<String>,
}

impl Running {
    /// Starts a child, and waits for its first word.
    ///
    /// # Errors
    ///
    /// A sentence, if it cannot be started or is no child that serves.
    pub(super) fn start(command: &ChildCommand) -> Result<Self, String> {
        let cannot = |error: std::io::Error| format!("no child process can be started: {error}");
        let (own, other) = UnixStream::pair().map_err(cannot)?;
        own.set_read_timeout(Some(LOOK)).map_err(cannot)?;
        let mut process = command
            .command()
            .map_err(cannot)?
            .stdin(Stdio::from(OwnedFd::from(other)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(cannot)?;
        let last_errors = Arc::default();
        let errors = process.stderr.take().expect("its errors are piped");
        let reader = keep_last_lines(errors, &last_errors, false);
        let mut running = Running {
            process,
            socket: BufReader::new(own),
            last_errors,
            reader,
        };
        match running.hear(START) {
            Reply::Line(line) if line.trim_end() == HELLO => Ok(running),
            _ => {
                let ended = running.end();
                Err(format!(
                    "a child process was started and does not serve ({}); a program has to call \
                     child::serve_if_child before anything else when {CHILD} is set{}",
                    ended.status,
                    ended
                        .last
                        .iter()
                        .map(|line| format!("\nit wrote last {line}"))
                        .collect::<String>()
                ))
            }
        }
    }

    /// Sends a request, and waits at most this long for the answer.
    pub(super) fn ask(&mut self, request: &str, limit: Duration) -> Reply {
        match self.socket.get_mut().write_all(request.as_bytes()) {
            Ok(()) => self.hear(limit),
            Err(_) => Reply::End,
        }
    }

    fn hear(&mut self, limit: Duration) -> Reply {
        let begun = Instant::now();
        let mut line = Vec::new();
        loop {
            match self.socket.read_until(b'\n', &mut line) {
                Ok(_) if line.ends_with(b"\n") => {
                    return Reply::Line(String::from_utf8_lossy(&line).into_owned());
                }
                Ok(_) => return Reply::End,
                Err(error) if is_no_news(error.kind()) => {
                    // The run goes on: the child has a watchdog of its own.
                    watchdog::note_harness();
                    if begun.elapsed() >= limit {
                        return Reply::Mute;
                    }
                }
                Err(_) => return Reply::End,
            }
        }
    }

    /// Kills the child.
    pub(super) fn kill(mut self) -> Ended {
        // It may have ended by itself in this moment.
        let _ = self.process.kill();
        self.end()
    }

    /// Ends the child, if it has not ended by itself, and says how it ended.
    pub(super) fn end(mut self) -> Ended {
        // A child that closed its socket is about to end, and the status tells more than a kill.
        let begun = Instant::now();
        let mut status = self.process.try_wait();
        while matches!(status, Ok(None)) && begun.elapsed() < LOOK {
            std::thread::sleep(Duration::from_millis(1));
            status = self.process.try_wait();
        }
        let is_killed = matches!(status, Ok(None));
        if is_killed {
            // It may have ended by itself in this moment.
            let _ = self.process.kill();
        }
        let status = self.process.wait();
        // Its last lines are read soon, unless a process of its own has its standard error.
        let begun = Instant::now();
        while !self.reader.is_finished() && begun.elapsed() < LOOK {
            std::thread::sleep(Duration::from_millis(1));
        }
        let last = self.last_errors.lock();
        let last = last.unwrap_or_else(PoisonError::into_inner);
        Ended {
            is_killed,
            signal: status.as_ref().ok().and_then(|status| status.signal()),
            status: status.map_or_else(|error| error.to_string(), |status| status.to_string()),
            last: last.iter().cloned().collect(),
        }
    }
}

impl Ended {
    /// The answer of a contender whose process ended so, under a memory limit in words.
    pub(super) fn answer(self, limit: &str) -> Answer {
        let Ended {
            status,
            signal,
            is_killed,
            last,
        } = self;
        if is_killed {
            return Answer::BrokenPipe {
                reason: "its process closed the pipe, and went on".to_owned(),
            };
        }
        // The standard library says it before it aborts.
        let is_of_memory = |line: &String| {
            line.starts_with("memory allocation of ") && line.ends_with(" bytes failed")
        };
        match last.iter().any(is_of_memory) {
            true => Answer::OutOfMemory {
                limit: limit.to_owned(),
                last,
            },
            false => Answer::Ended {
                status,
                signal,
                last,
            },
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that ended by itself cannot be ended, and that is all that can go wrong.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_no_news(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

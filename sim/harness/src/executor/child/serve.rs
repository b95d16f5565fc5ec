//! Child's side: executes cases for its parent.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::exit::ExitCode;
use crate::panic;
use crate::watchdog::{Silence, WorkerNotes, watch};

use super::super::adapter::Adapter;
use super::super::answer::{Answer, execute};
use super::{HELLO, Request};

/// Serves until the parent is gone.
pub(super) fn serve<A: Adapter>(adapter: &A) -> ! {
    let socket = std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(UnixStream::from);
    let parent = socket.and_then(|socket| Ok((socket.try_clone()?, socket)));
    let Ok((read, write)) = parent else {
        eprintln!("a child is started by its parent alone: its standard input is a socket");
        process::exit(ExitCode::Usage.number().into())
    };
    let write = Arc::new(Mutex::new(write));
    let requests = requests(read);
    tell(&write, HELLO);
    panic::report_every_panic();
    for line in requests {
        let answer = answer(adapter, &line, &write);
        tell(&write, &as_line(&answer));
    }
    process::exit(ExitCode::Passed.number().into())
}

/// Reads requests on a thread of its own. The process ends with its parent, also while a case does not.
fn requests(read: UnixStream) -> Receiver<String> {
    let (sender, requests) = channel();
    thread::spawn(move || {
        for line in BufReader::new(read).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
        process::exit(ExitCode::Passed.number().into())
    });
    requests
}

fn answer<A: Adapter>(adapter: &A, line: &str, write: &Arc<Mutex<UnixStream>>) -> Answer {
    let request: Request<A> = match serde_json::from_str(line) {
        Ok(request) => request,
        Err(error) => {
            return Answer::BrokenPipe {
                reason: format!("its process does not understand a request: {error}"),
            };
        }
    };
    panic::forget_places();
    let told = Arc::clone(write);
    let report = move |silence: Silence| {
        let hung = Answer::Hung {
            block: silence.step,
            last: panics().into_iter().chain(silence.workers).collect(),
        };
        tell(&told, &as_line(&hung));
        process::exit(ExitCode::Hang.number().into())
    };
    let limit = Duration::from_millis(request.limit_ms);
    let answer = watch(limit, WorkerNotes::NONE, report, || {
        execute(adapter, &request.case)
    });
    match answer {
        // A worker's panic comes first; the one that ended the call may only say that there was one.
        Answer::Panicked { block, message } => Answer::Panicked {
            block,
            message: panics().into_iter().next().unwrap_or(message),
        },
        other => other,
    }
}

/// The panics since the request, each with its place.
fn panics() -> Vec<String> {
    let places = panic::places().into_iter();
    places
        .map(|(message, place)| format!("{message}\npanicked at {place}"))
        .collect()
}

fn as_line(answer: &Answer) -> String {
    serde_json::to_string(answer).expect("an answer is numbers, lists and texts")
}

/// Writes a line at once. That the parent is gone is found by the reader.
fn tell(write: &Mutex<UnixStream>, line: &str) {
    let mut write = write.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = write.write_all(format!("{line}\n").as_bytes());
}

//! Answers of a contender to a case, and the contender in this process.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::panic;
use crate::watchdog;

use super::adapter::Adapter;
use super::case::Case;
use super::observation::Executed;

/// The end of a case under the contender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It executed every block.
    Executed(Vec<Executed>),
    /// It panicked.
    Panicked {
        /// The block, from 0.
        block: usize,
        /// The message of the first panic, and its place on a line of its own.
        message: String,
    },
    /// It did not end within the limit.
    Hung {
        /// The block, from 0.
        block: usize,
        /// Panics of its workers and other last lines, a line each.
        last: Vec<String>,
    },
    /// Its process ended.
    Ended {
        /// The exit status in words.
        status: String,
        /// The signal that ended it.
        signal: Option<i32>,
        /// The last lines that it wrote to standard error.
        last: Vec<String>,
    },
    /// It used more memory than it may.
    OutOfMemory {
        /// The limit in words.
        limit: String,
        /// The last lines that it wrote to standard error.
        last: Vec<String>,
    },
    /// Its process wrote something to the pipe that is no answer.
    BrokenPipe {
        /// A sentence about it.
        reason: String,
    },
}

/// An executor under test, in this process or in another.
pub trait Contender<A: Adapter> {
    /// Executes all blocks of a case, of which `json` is the JSON form. A case that does not end is
    /// ended after `limit`, where that is possible.
    ///
    /// # Errors
    ///
    /// A sentence, if the machine failed, and nothing is known about the contender.
    fn execute(
        &mut self,
        adapter: &A,
        case: &Case<A>,
        json: &str,
        limit: Duration,
    ) -> Result<Answer, String>;

    /// The isolation in words, and what of it is not enforced on this system.
    fn isolation(&self) -> String;
}

/// A contender in this process: for a fuzzer. A hang, an abort or memory is not contained, and ends
/// the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct InProcess;

impl<A: Adapter> Contender<A> for InProcess {
    fn execute(
        &mut self,
        adapter: &A,
        case: &Case<A>,
        _: &str,
        _: Duration,
    ) -> Result<Answer, String> {
        Ok(execute(adapter, case))
    }

    fn isolation(&self) -> String {
        "none: the contender runs in this process, and a hang, a signal or too much memory ends it"
            .to_owned()
    }
}

/// Executes all blocks of a case by the contender, on this thread.
pub(super) fn execute<A: Adapter>(adapter: &A, case: &Case<A>) -> Answer {
    let mut state = adapter.state(&case.environment);
    let mut executed = Vec::new();
    for (block, intents) in case.blocks.iter().enumerate() {
        watchdog::note(block, CONTENDER);
        let transactions = adapter.lower(&state, &case.environment, intents);
        let done = panic::catch_panic(|| {
            adapter.contender(&mut state, &case.environment, &transactions, case.workers)
        });
        match done {
            Ok(done) => executed.push(done),
            Err(message) => {
                let message = panic::with_place(message);
                return Answer::Panicked { block, message };
            }
        }
    }
    Answer::Executed(executed)
}

/// The subject of findings about the contender.
pub(super) const CONTENDER: &str = "the contender";

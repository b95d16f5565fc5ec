//! Schedule of a concurrent execution: the places where threads were switched, as plain data in a
//! reproducer.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::shrink::{Pass, Search, Shrinkable};

/// Schedule of the threads that executed one block of a scenario.
///
/// Only deviations from the default schedule are kept. In the default one a thread runs until it blocks
/// or yields, and then the runnable thread with the lowest number runs. So a schedule can be edited, and fits a
/// block that was changed a little.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Number of workers that execute the block.
    pub workers: usize,
    /// True if they execute over the graph of conflicts, false if in block order beside the checks.
    pub over_graph: bool,
    /// Index of the block: those that are added are counted from 0, refused ones too.
    pub block: usize,
    /// Deviations from the default schedule.
    pub switches: Vec<Switch>,
}

/// A switch of threads: `(thread, step, other)` lets `other` run after `step` steps of `thread`. The
/// steps of a thread are its locks and its other operations that a thread can observe; threads are
/// numbered as they begin, the caller is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Switch(pub usize, pub u64, pub usize);

/// Edits of a schedule: fewer switches. None of those that remain can be taken away alone.
pub const PASSES: [Pass<Schedule>; 1] = [fewer_switches];

impl Shrinkable for Schedule {
    type Size = usize;

    fn size(&self) -> usize {
        self.switches.len()
    }

    fn in_words(&self) -> String {
        format!("{} switches", self.switches.len())
    }
}

fn fewer_switches(search: &mut Search<'_, Schedule>) {
    search.take_away(
        |schedule| schedule.switches.len(),
        |schedule, gone| {
            let mut without = schedule.clone();
            without.switches.drain(gone);
            vec![without]
        },
    );
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Switch(thread, step, other) = self;
        write!(
            f,
            "after step {step} of thread {thread}, thread {other} runs"
        )
    }
}

/// True if a checker's message reports a deadlock, or an execution that exceeded its number of steps.
#[must_use]
pub fn is_deadlock(message: &str) -> bool {
    // Messages of the checkers, and those of the model of the map.
    const KINDS: [&str; 4] = [
        "deadlock",
        "exceeded max_steps",
        "self-deadlock: ",
        "lock cycle: ",
    ];
    KINDS.iter().any(|kind| message.starts_with(kind))
}

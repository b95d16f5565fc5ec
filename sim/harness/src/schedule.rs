//! How a block was executed, step by step: plain data, a part of a reproducer.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::shrink::{Pass, Search, Shrinkable};

/// One block of a scenario, and what its threads did when it was executed.
///
/// There is a plain way: a thread goes on until it waits for something, and then the one with the
/// lowest number that can go on does. What is kept is where a schedule leaves it. So a schedule can
/// be edited, and fits a block that was changed a little.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// By so many workers.
    pub workers: usize,
    /// Over the graph of conflicts; in block order beside the checks where not.
    pub over_graph: bool,
    /// Which block: those that are added are counted from 0, refused ones too.
    pub block: usize,
    /// Where another thread goes on than in the plain way.
    pub switches: Vec<Switch>,
}

/// After so many steps of a thread, another goes on. A thread's steps are its locks and what else
/// others may notice; threads are numbered as they begin, the caller is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Switch(pub usize, pub u64, pub usize);

/// The edits of a schedule: fewer switches. Of those that come out none can go alone.
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
            "after step {step} of thread {thread}, thread {other} goes on"
        )
    }
}

/// Whether what a checker said of an execution means that nobody could go on, or somebody went on
/// for ever.
#[must_use]
pub fn is_deadlock(message: &str) -> bool {
    // Those of the checkers, and those of the model of the map.
    const KINDS: [&str; 4] = [
        "deadlock",
        "exceeded max_steps",
        "self-deadlock: ",
        "lock cycle: ",
    ];
    KINDS.iter().any(|kind| message.starts_with(kind))
}

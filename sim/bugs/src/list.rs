//! The bugs that engines search for, from the catalogue, and the controls without a bug.

use std::sync::LazyLock;

use crate::buggy_executor::ExecutorBug;
use crate::buggy_executor::concurrent::ThreadBug;
use lockstep_harness::seeded_bug::{Area, Entry, Host, catalogue};
use lockstep_sim::buggy_core::AnswerBug;
use lockstep_sim::buggy_core::ChangeBug;
use lockstep_sim::buggy_core::PathBug;
use lockstep_sim::buggy_core::PoolBug;

/// A seeded bug that an executor really had, or a control of [`CORRECT`].
#[derive(Debug, PartialEq, Eq)]
pub struct Bug {
    /// Id of the bug in the catalogue, or of the control.
    pub id: &'static str,
    /// Sentence about the bug, without a capital and a full stop.
    pub sentence: &'static str,
    /// The catalogue entry or the control.
    pub(crate) sought: Sought,
}

/// The subject of a search.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sought {
    /// Any host of this entry, with the bug switched on.
    Seeded(Entry),
    /// A control.
    Correct(Correct),
}

/// A control: a subject without a bug, in which every detection is a false positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Correct {
    Executor,
    ExecutorWithThreads,
    CoreSerial,
    CoreParallel,
    CoreOnDisk,
    CoreInNodes,
}

/// Every seeded bug that an executor really had: the rows of `docs/known-bugs.md` and of the detection
/// matrix, in the order of the catalogue. The [invented](Area::Invented) ones are left out: the checkers
/// that they were made for have tests of their own.
pub static BUGS: LazyLock<Vec<Bug>> = LazyLock::new(|| {
    let known = |entry: &Entry| entry.bug.area != Area::Invented;
    catalogue().into_iter().filter(known).map(Bug::of).collect()
});

/// The invented bugs of core's public answers, state, stored bytes and mempool, of sizes and edges, and of threads under faults, which
/// engines search for by name and commands inject. They are no rows of the detection matrix.
pub static INVENTED: LazyLock<Vec<Bug>> = LazyLock::new(|| {
    let hosts = [
        AnswerBug::HOST,
        ChangeBug::HOST,
        PathBug::HOST,
        PoolBug::HOST,
        ExecutorBug::HOST,
        ThreadBug::HOST,
    ];
    let is_sought = |entry: &Entry| {
        entry.bug.area == Area::Invented
            && hosts.iter().any(|host| entry.is_in(*host))
            && !is_unending(entry)
    };
    let bugs = catalogue().into_iter().filter(is_sought);
    bugs.map(Bug::of).collect()
});

/// The invented bugs of the buggy executor, whose runs do not end: no engine searches for them, because it would
/// not end either, and commands inject them.
pub(crate) static UNENDING: LazyLock<Vec<Bug>> = LazyLock::new(|| {
    let bugs = catalogue().into_iter().filter(is_unending);
    bugs.map(Bug::of).collect()
});

fn is_unending(entry: &Entry) -> bool {
    entry.bug.area == Area::Invented && entry.bug.id == ExecutorBug::NeverEnds.id()
}

/// The controls: the buggy executor without a bug, and core.
pub const CORRECT: &[Bug] = &[
    correct(
        "correct-executor",
        "no bug: the buggy executor on one thread",
        Correct::Executor,
    ),
    correct(
        "correct-executor-with-threads",
        "no bug: the buggy executor with threads",
        Correct::ExecutorWithThreads,
    ),
    correct(
        "correct-core-serial",
        "no bug: core executed serially",
        Correct::CoreSerial,
    ),
    correct(
        "correct-core-parallel",
        "no bug: core over the graph on two workers",
        Correct::CoreParallel,
    ),
    correct(
        "correct-core-on-disk",
        "no bug: core on a simulated disk with faults",
        Correct::CoreOnDisk,
    ),
    correct(
        "correct-core-in-nodes",
        "no bug: core in every node of a cluster",
        Correct::CoreInNodes,
    ),
];

const fn correct(id: &'static str, sentence: &'static str, correct: Correct) -> Bug {
    let sought = Sought::Correct(correct);
    Bug {
        id,
        sentence,
        sought,
    }
}

impl Bug {
    fn of(entry: Entry) -> Bug {
        Bug {
            id: entry.bug.id,
            sentence: entry.bug.sentence,
            sought: Sought::Seeded(entry),
        }
    }

    /// Returns the bug or the control with this id.
    #[must_use]
    pub fn named(id: &str) -> Option<&'static Bug> {
        let mut all = BUGS.iter().chain(INVENTED.iter()).chain(CORRECT);
        all.find(|bug| bug.id == id)
    }

    /// True for a control, in which every detection is a false positive.
    #[must_use]
    pub const fn is_correct(&self) -> bool {
        self.correct().is_some()
    }

    /// Returns the control, if it is one.
    pub(crate) const fn correct(&self) -> Option<Correct> {
        match &self.sought {
            Sought::Seeded(_) => None,
            Sought::Correct(correct) => Some(*correct),
        }
    }

    /// Returns the hosts that can have the bug; none for a control.
    pub fn hosts(&self) -> impl Iterator<Item = Host> + '_ {
        let entry = match &self.sought {
            Sought::Seeded(entry) => Some(entry),
            Sought::Correct(_) => None,
        };
        let seedings = entry.into_iter().flat_map(|entry| &entry.seedings);
        seedings.map(|seeding| seeding.host)
    }
}

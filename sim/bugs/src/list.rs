//! The bugs that engines look for, as the catalogue has them, and the subjects without one.

use std::sync::LazyLock;

use lockstep_harness::seeded_bug::{Area, Entry, Host, catalogue};

/// A seeded bug that an executor really had; or, in [`CORRECT`], none.
#[derive(Debug, PartialEq, Eq)]
pub struct Bug {
    /// Its id in the catalogue.
    pub id: &'static str,
    /// What is wrong, in a sentence.
    pub sentence: &'static str,
    /// What it takes to meet it.
    pub(crate) sought: Sought,
}

/// What it takes to meet a bug.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sought {
    /// Any of its hosts, with the bug switched on.
    Seeded(Entry),
    /// A subject that is right.
    Correct(Correct),
}

/// A subject that no engine may find anything in.
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
/// matrix, in the order of the catalogue. Those that were [invented](Area::Invented) are left out: what
/// shows that a checker looks has tests of its own.
pub static BUGS: LazyLock<Vec<Bug>> = LazyLock::new(|| {
    let known = catalogue()
        .into_iter()
        .filter(|entry| entry.bug.area != Area::Invented);
    known
        .map(|entry| Bug {
            id: entry.bug.id,
            sentence: entry.bug.sentence,
            sought: Sought::Seeded(entry),
        })
        .collect()
});

/// The controls: the buggy executor without a bug, and core.
pub const CORRECT: &[Bug] = &[
    correct(
        "correct-executor",
        "nothing: the buggy executor without a bug",
        Correct::Executor,
    ),
    correct(
        "correct-executor-with-threads",
        "nothing: the buggy executor with threads, without a bug",
        Correct::ExecutorWithThreads,
    ),
    correct(
        "correct-core-serial",
        "nothing: core, executed serially",
        Correct::CoreSerial,
    ),
    correct(
        "correct-core-parallel",
        "nothing: core, over the graph on two workers",
        Correct::CoreParallel,
    ),
    correct(
        "correct-core-on-disk",
        "nothing: core on a simulated disk, with faults",
        Correct::CoreOnDisk,
    ),
    correct(
        "correct-core-in-nodes",
        "nothing: core in every node of a network",
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
    /// Finds the bug or the control with this id.
    #[must_use]
    pub fn named(id: &str) -> Option<&'static Bug> {
        BUGS.iter().chain(CORRECT).find(|bug| bug.id == id)
    }

    /// Whether nothing is wrong: an engine that finds something is wrong itself.
    #[must_use]
    pub const fn is_correct(&self) -> bool {
        self.correct().is_some()
    }

    /// The control, if it is one.
    pub(crate) const fn correct(&self) -> Option<Correct> {
        match &self.sought {
            Sought::Seeded(_) => None,
            Sought::Correct(correct) => Some(*correct),
        }
    }

    /// The hosts that can have it; none where it is a control.
    pub fn hosts(&self) -> impl Iterator<Item = Host> + '_ {
        let entry = match &self.sought {
            Sought::Seeded(entry) => Some(entry),
            Sought::Correct(_) => None,
        };
        let seedings = entry.into_iter().flat_map(|entry| &entry.seedings);
        seedings.map(|seeding| seeding.host)
    }
}

//! Draws the faults of a scenario.

use std::fmt;

use lockstep_harness::campaign::{RunId, Turns};

use super::dimension::EVERY;
use crate::disk::{Call, Loss};
use crate::scenario::{ConcurrentRequest, Fault, InjectionPoint, Step};
use lockstep_harness::choice::Choices;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// Power loss, sometimes again while the ledger is opened.
    Crash,
    /// Failing calls to the disk.
    DiskFails,
    /// A full disk.
    DiskFull,
    /// A failing read of the ledger.
    ReadFails,
    /// A panic during execution.
    Panic,
    /// Cancellation by the caller that adds a block.
    Cancel,
    /// A second writer or a reader while a block is added.
    ConcurrentRequest,
    /// A jump of the clock between a template and its header.
    Clock,
    /// A panic at a read of the execution.
    PanicAtRead,
    /// A panic inside a commit.
    PanicInCommit,
}

impl FaultKind {
    /// Failures of the executor itself, which no mix has.
    pub const FAILURES: [FaultKind; 2] = [FaultKind::PanicAtRead, FaultKind::PanicInCommit];

    /// Every other kind. Their number is a number of choices, and seeds keep their meaning while it stays.
    pub const ALL: [FaultKind; 8] = [
        FaultKind::Crash,
        FaultKind::DiskFails,
        FaultKind::DiskFull,
        FaultKind::ReadFails,
        FaultKind::Panic,
        FaultKind::Cancel,
        FaultKind::ConcurrentRequest,
        FaultKind::Clock,
    ];

    /// Its name in the profile that a run prints.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FaultKind::Crash => "crash",
            FaultKind::DiskFails => "disk-fails",
            FaultKind::DiskFull => "disk-full",
            FaultKind::ReadFails => "read-fails",
            FaultKind::Panic => "panic",
            FaultKind::Cancel => "cancel",
            FaultKind::ConcurrentRequest => "concurrent-request",
            FaultKind::Clock => "clock",
            FaultKind::PanicAtRead => "panic-at-read",
            FaultKind::PanicInCommit => "panic-in-commit",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The turns of the kinds, in runs without a tail. A crash has the most variants.
pub(super) const TURNS: Turns<FaultKind> = Turns {
    every: EVERY,
    first: 6,
    of: &OF_KINDS,
};

const OF_KINDS: [FaultKind; 11] = [
    FaultKind::Clock,
    FaultKind::Crash,
    FaultKind::Panic,
    FaultKind::DiskFails,
    FaultKind::PanicAtRead,
    FaultKind::Cancel,
    FaultKind::ReadFails,
    FaultKind::ConcurrentRequest,
    FaultKind::PanicInCommit,
    FaultKind::Crash,
    FaultKind::DiskFull,
];

/// A turn of a kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultTurn {
    /// The kind of every fault of the run.
    pub kind: FaultKind,
    /// Number of rounds before it: the first variant of the run is another one each time.
    pub(super) round: u64,
}

impl FaultTurn {
    /// Returns the turn that a run of a campaign is; `None` for most runs.
    #[must_use]
    pub fn of_run(run: RunId) -> Option<FaultTurn> {
        TURNS.of_run(run).map(|turn| FaultTurn {
            kind: turn.value,
            round: turn.round,
        })
    }
}

impl fmt::Display for FaultTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "turn of {}", self.kind)
    }
}

/// Rate and weights of faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultMix {
    /// Share of steps with a fault, in percent.
    pub percent: u64,
    /// Weight of each kind.
    pub weights: Vec<(FaultKind, u64)>,
}

impl FaultMix {
    /// Returns the mix without faults.
    #[must_use]
    pub const fn none() -> Self {
        FaultMix {
            percent: 0,
            weights: Vec::new(),
        }
    }

    /// Draws a mix: two of five have no faults, and one has them in 60 % of the steps.
    pub(super) fn draw(choices: &mut impl Choices) -> Self {
        let percent = choices.pick(&[0, 0, 5, 25, 60]);
        if percent == 0 {
            return FaultMix::none();
        }
        let weights = FaultKind::ALL
            .into_iter()
            .map(|kind| (kind, choices.pick(&[0, 0, 1, 2, 4])))
            .collect();
        FaultMix { percent, weights }
    }

    /// Draws the faults of this step, as the steps to put before it.
    pub(super) fn before(&self, step: &Step, choices: &mut impl Choices) -> Vec<Step> {
        if self.percent == 0 || !choices.chance(self.percent, 100) {
            return Vec::new();
        }
        let Some(kind) = choices.weighted(&self.weights) else {
            return Vec::new();
        };
        let transactions = match step {
            Step::Block(block) => block.transactions.len() as u64,
            _ => 0,
        };
        let faults = match kind {
            FaultKind::Crash => crashes(choices),
            FaultKind::DiskFails => vec![Fault::DiskFails {
                call: choices.pick(&[Call::Any, Call::Write, Call::Sync, Call::SetLen]),
                at: a_call(choices),
                count: choices.pick(&[1, 1, 2, 5, 1_000]),
            }],
            FaultKind::DiskFull => vec![Fault::DiskFull {
                after: a_call(choices),
            }],
            FaultKind::ReadFails => vec![Fault::ReadFails {
                at: a_read(choices),
            }],
            FaultKind::Panic => vec![Fault::Panic {
                transaction: choices.below(transactions.max(1)),
                persists: choices.chance(1, 2),
            }],
            FaultKind::Cancel => vec![Fault::Cancel(injection_point(choices))],
            FaultKind::ConcurrentRequest => {
                let point = injection_point(choices);
                let request = match choices.below(5) {
                    0 => ConcurrentRequest::Rewind(choices.below(4)),
                    1 => ConcurrentRequest::SameBlock,
                    2 => ConcurrentRequest::OtherBlock,
                    3 => ConcurrentRequest::Reader,
                    _ => ConcurrentRequest::Close,
                };
                vec![Fault::ConcurrentRequest(point, request)]
            }
            FaultKind::Clock => vec![Fault::Clock {
                jump_ms: choices.pick(&[0, 1, -1, 299_999, 300_000, 300_001, -300_000, 86_400_000]),
            }],
            FaultKind::PanicAtRead => vec![Fault::PanicAtRead {
                at: a_read(choices),
            }],
            FaultKind::PanicInCommit => vec![Fault::PanicInCommit {
                is_written: choices.chance(1, 2),
            }],
        };
        faults.into_iter().map(Step::Fault).collect()
    }
}

impl fmt::Display for FaultMix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faults {}%", self.percent)?;
        for (kind, weight) in self.weights.iter().filter(|(_, weight)| *weight > 0) {
            write!(f, ", {kind} {weight}")?;
        }
        Ok(())
    }
}

/// Draws a crash, and sometimes others while the ledger is opened again.
pub(crate) fn crashes(choices: &mut impl Choices) -> Vec<Fault> {
    let mut crashes = Vec::new();
    for _ in 0..choices.pick(&[1, 1, 1, 2, 3]) {
        let at = a_call(choices);
        let loss = loss(choices);
        crashes.push(Fault::Crash { at, loss });
    }
    crashes
}

fn loss(choices: &mut impl Choices) -> Loss {
    match choices.below(10) {
        0 => Loss::Nothing,
        1 => Loss::All,
        2 => Loss::Last,
        3 => Loss::AllButLast,
        4 => Loss::Lengths,
        5 => Loss::TornLast(choices.below(8)),
        6 | 7 => Loss::Reordered(choices.below(1 << 16)),
        _ => Loss::Torn(choices.below(1 << 16)),
    }
}

/// Draws the number of a call to the disk; a commit has a few dozen, more where it is large.
pub(super) fn a_call(choices: &mut impl Choices) -> u64 {
    let bound = choices.pick(&[4, 8, 16, 24, 32, 128]);
    choices.below(bound)
}

/// Draws the number of a read of the ledger; a block has a few.
pub(super) fn a_read(choices: &mut impl Choices) -> u64 {
    let bound = choices.pick(&[2, 4, 16]);
    choices.below(bound)
}

fn injection_point(choices: &mut impl Choices) -> InjectionPoint {
    match choices.below(2) {
        0 => InjectionPoint::Step(choices.below(3)),
        _ => InjectionPoint::Read(a_read(choices)),
    }
}

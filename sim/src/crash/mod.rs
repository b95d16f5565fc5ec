//! The power goes in every call to the disk that one block makes.
//!
//! A trial lets it go once in a run, where a scenario says so; here one execution of one block gives
//! every crash of it, each with every kind of loss. What is left is opened, must be the ledger before
//! the block or the one after it, and goes on to the end of the chain with the digests of the oracle.

mod chain;
mod sampled;
mod seeded_bugs;

pub use chain::{Chain, ChainSize};
pub use sampled::{Crashes, scenario};
pub use seeded_bugs::CrashBug;

use std::collections::BTreeMap;
use std::fmt;

use lockstep_core::storage::Storage;

use crate::disk::{Call, CrashPoint, Disk, DiskFault, Image, Loss};
use crate::faulty::{OnDisk, PlainStorage};
use crate::invariants::{
    CRASH_LEAVES_BEFORE_OR_AFTER, Event, Evidence, Interruption, first_violation,
};
use crate::reproducer::Reproducer;
use crate::subject::{Execution, Subject, SubjectError};
use crate::trial::catch_panic;
use crate::world::{BlockResult, World};
use lockstep_harness::choice::{Choices, Seeded};
use lockstep_harness::invariant::{Invariant, NEVER_PANICS};
use lockstep_harness::violation::{Failure, Violation};

/// Everything that can be lost in a crash; of what is tossed for, four tosses each.
pub const LOSSES: [Loss; 15] = [
    Loss::Nothing,
    Loss::All,
    Loss::Last,
    Loss::AllButLast,
    Loss::Lengths,
    Loss::TornLast(1),
    Loss::TornLast(4),
    Loss::Reordered(1),
    Loss::Reordered(2),
    Loss::Reordered(3),
    Loss::Reordered(4),
    Loss::Torn(1),
    Loss::Torn(2),
    Loss::Torn(3),
    Loss::Torn(4),
];

/// What came of all crashes of one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Calls to the disk while the block was added: each is a crash point, and so is the end.
    pub calls: u64,
    /// How many of each kind.
    pub of_kind: BTreeMap<Call, u64>,
    /// Different disks that the crashes leave.
    pub crashes: u64,
    /// Those from which the ledger before the block came back.
    pub before: u64,
    /// Those from which the ledger after the block came back.
    pub after: u64,
    /// Crashes in a call while one of those disks was opened.
    pub again: u64,
    /// Blocks that were added after a crash.
    pub continued: u64,
}

impl Report {
    /// All crashes.
    #[must_use]
    pub const fn all_crashes(&self) -> u64 {
        self.crashes + self.again
    }

    /// Whether the block wrote, and crashes came to both sides of its commit. Otherwise nothing was
    /// put to the test.
    #[must_use]
    pub fn is_vacuous(&self) -> bool {
        let writes = self.of_kind.get(&Call::Write).copied().unwrap_or(0);
        let syncs = self.of_kind.get(&Call::Sync).copied().unwrap_or(0);
        writes == 0 || syncs == 0 || self.before == 0 || self.after == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<String> = self
            .of_kind
            .iter()
            .map(|(kind, number)| format!("{kind:?} {number}").to_lowercase())
            .collect();
        write!(
            f,
            "{} calls ({}), {} different disks after {} losses each: {} with the ledger before, {} \
             with the one after; {} crashes more while those were opened; {} blocks added since",
            self.calls,
            kinds.join(", "),
            self.crashes,
            LOSSES.len(),
            self.before,
            self.after,
            self.again,
            self.continued,
        )
    }
}

/// What a crash did that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In which call, and what was lost.
    pub point: CrashPoint,
    /// What does not hold.
    pub violation: Violation,
    /// The chain with this one crash.
    pub reproducer: Reproducer,
}

/// Why not every crash was recovered from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unrecovered {
    /// Something does not hold.
    Found(Box<Finding>),
    /// Without a crash, the chain is not taken: the machine failed, or the executor is wrong in
    /// another way.
    NotTaken(String),
}

/// Lets the power go in every call of the block of `chain` that is on trial.
///
/// Costs one execution of the chain, and for each different disk two openings, two looks and the
/// rest of the chain.
///
/// # Errors
///
/// The first crash after which something does not hold, in the order of calls and then of losses.
pub fn every_crash(chain: &Chain, execution: Execution) -> Result<Report, Unrecovered> {
    every_crash_of(chain, execution, Disk::default(), |plain| plain)
}

/// As [`every_crash`], on this disk and with something between core and its storage.
///
/// # Errors
///
/// As [`every_crash`].
pub fn every_crash_of<S: Storage + 'static>(
    chain: &Chain,
    execution: Execution,
    disk: Disk,
    wrap: impl Fn(PlainStorage) -> S + Copy + Send + Sync + 'static,
) -> Result<Report, Unrecovered> {
    let open = |disk| OnDisk::wrapped(disk, execution, &chain.genesis, chain.hash_seed, wrap);
    let not_taken = |error: SubjectError| Unrecovered::NotTaken(error.to_string());
    let mut ledger = open(disk).map_err(not_taken)?;
    for block in chain.before() {
        ledger.add_block(block).map_err(not_taken)?;
    }
    let disk = ledger.disk().clone();
    let name = ledger.name().to_owned();
    disk.record();
    let answer = ledger.add_block(chain.target_block()).map_err(not_taken)?;
    let recording = disk.recorded().expect("it was asked for just before");
    drop(ledger);

    let mut report = Report {
        calls: recording.calls(),
        of_kind: recording.of_kind(),
        ..Report::default()
    };
    let aftermath = Aftermath {
        chain,
        name: &name,
        open: &open,
        answer: &answer,
    };
    // Where the second crash comes is drawn. No result depends on it.
    let mut choices = Seeded::new(chain.hash_seed, 0);
    recording.each_crash(&LOSSES, |point, image| {
        report.crashes += 1;
        let judged = aftermath.judge(point, image, &mut choices, &mut report);
        judged.map_err(|violation| {
            Unrecovered::Found(Box::new(Finding {
                point,
                reproducer: chain.with_a_crash(point, violation.invariant.name),
                violation,
            }))
        })
    })?;
    Ok(report)
}

/// What is known of a block in which the power went.
struct Aftermath<'a, S> {
    chain: &'a Chain,
    name: &'a str,
    open: &'a dyn Fn(Disk) -> Result<OnDisk<S>, SubjectError>,
    /// What would have been answered.
    answer: &'a BlockResult,
}

impl<S: Storage + 'static> Aftermath<'_, S> {
    fn judge(
        &self,
        point: CrashPoint,
        image: Image,
        choices: &mut Seeded,
        report: &mut Report,
    ) -> Result<(), Violation> {
        let (ledger, world, calls) = self.recovered(point, Disk::holding(image.clone()))?;
        let is_before = world == *self.chain.world_before();
        *match is_before {
            true => &mut report.before,
            false => &mut report.after,
        } += 1;
        report.continued += self.goes_on(ledger, world, is_before)?;
        // And once more, while what is left is opened.
        let disk = Disk::holding(image);
        disk.arm(DiskFault::PowerCut {
            at: choices.below(calls),
        });
        let opened = (self.open)(disk.clone());
        let left = disk.crash(choices.pick(&LOSSES));
        drop(opened);
        report.again += 1;
        self.recovered(point, Disk::holding(left)).map(|_| ())
    }

    /// Opens what is left: the ledger, what it looks like, and how many calls that took.
    fn recovered(
        &self,
        point: CrashPoint,
        disk: Disk,
    ) -> Result<(OnDisk<S>, World, u64), Violation> {
        let chain = self.chain;
        let lost = |what: &str, error: &SubjectError| {
            self.violation(
                chain.target_number(),
                &CRASH_LEAVES_BEFORE_OR_AFTER,
                format!("{point}: what is left cannot be {what} any more: {error}"),
            )
        };
        let ledger = self
            .catch_panic(|| (self.open)(disk.clone()))?
            .map_err(|error| lost("opened", &error))?;
        let calls = disk.calls();
        let world = self
            .catch_panic(|| ledger.world())?
            .map_err(|error| lost("read", &error))?;
        let power_went = SubjectError::Failed("the power went".to_owned());
        let event = Event::Interrupted {
            by: Interruption::Crash,
            // Only after the last call there is an answer.
            answer: match point.call {
                Some(_) => Err(&power_went),
                None => Ok(Some(self.answer)),
            },
            expected: Some(Ok(chain.result(chain.target_number()))),
        };
        self.asked(chain.target_number(), chain.world_before(), &world, event)
            .map_err(|mut violation| {
                violation.detail = format!("{point}: {}", violation.detail);
                violation
            })?;
        Ok((ledger, world, calls))
    }

    /// Adds what is not there yet, up to the end of the chain. Gives how many blocks that were.
    fn goes_on(
        &self,
        mut ledger: OnDisk<S>,
        mut world: World,
        is_before: bool,
    ) -> Result<u64, Violation> {
        let chain = self.chain;
        let first = chain.target_number() + usize::from(!is_before);
        for number in first..chain.blocks().len() {
            let block = &chain.blocks()[number];
            let not_taken = |error: SubjectError| {
                self.violation(
                    number,
                    &CRASH_LEAVES_BEFORE_OR_AFTER,
                    format!("after a crash the ledger does not go on: {error}"),
                )
            };
            let got = self
                .catch_panic(|| ledger.add_block(block))?
                .map_err(not_taken)?;
            let stored = self
                .catch_panic(|| ledger.stored(block.header.height))?
                .map_err(not_taken)?;
            let after = self.catch_panic(|| ledger.world())?.map_err(not_taken)?;
            let event = Event::Block {
                block,
                got: Ok(&got),
                expected: Ok(chain.result(number)),
                stored: stored.as_ref(),
                at_work: None,
            };
            self.asked(number, &world, &after, event)?;
            world = after;
        }
        Ok((chain.blocks().len() - first) as u64)
    }

    /// Asks the invariants about block `number`.
    fn asked(
        &self,
        number: usize,
        before: &World,
        after: &World,
        event: Event<'_>,
    ) -> Result<(), Violation> {
        let evidence = Evidence {
            rules: &self.chain.genesis().rules,
            before,
            after,
            expected: self.chain.world_after(number),
            event,
        };
        match first_violation(&evidence) {
            None => Ok(()),
            Some((invariant, detail)) => Err(self.violation(number, invariant, detail)),
        }
    }

    fn catch_panic<T>(&self, question: impl FnOnce() -> T) -> Result<T, Violation> {
        let step = self.chain.step_of(self.chain.target_number());
        catch_panic(step, self.name, question).map_err(|failure| match failure {
            Failure::Violation(violation) => violation,
            Failure::Infrastructure(reason) => {
                self.violation(self.chain.target_number(), &NEVER_PANICS, reason)
            }
        })
    }

    fn violation(&self, number: usize, invariant: &'static Invariant, detail: String) -> Violation {
        Violation::of(invariant, self.chain.step_of(number), self.name, detail)
    }
}

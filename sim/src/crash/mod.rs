//! Power loss in every call to the disk that the commit of one block makes.
//!
//! **Algorithm.** A [`Chain`] of blocks is drawn, one of them the target. The blocks before it are
//! added to core on a [simulated disk](crate::disk), which then records every call that the target
//! makes. From this one recording every crash is computed: for each call, and for the end, and for
//! each of [`LOSSES`], the image that the disk would hold. Images that keep the same unsynced
//! changes as an earlier one are skipped. Each image is opened as a ledger, which must be exactly
//! the world before the target or the world after it by the oracle, and the latter if the block was
//! acknowledged. The ledger then adds the rest of the chain and must come to the oracle's results
//! and digests. Last, the image is opened once more with a second power loss, at a drawn call of
//! the recovery and with a drawn loss, and must recover from that as well.
//!
//! **Correctness.** Up to the call in which the power is lost, a run with a crash makes the
//! same calls as the recorded one, and after it none: so call k of the recording and a loss
//! determine the image, and executing the block once suffices. redb makes the same calls for the
//! same commits, and core commits a block in one thread. Two images with equal survivors and no
//! sync in between are equal. The end, at which the block is acknowledged and more is demanded, is not
//! skipped, because the last call of a commit is its sync. Before or after is the whole
//! specification of an atomic commit, and continuing the chain shows that the recovered state can
//! be written to, not only read. A report of crashes on one side of the commit only is vacuous
//! ([`Report::is_vacuous`]), and seeded bugs ([`CrashBug`]) must be detected before a report
//! counts.
//!
//! **Cost.** One execution of the chain up to the target, and for each distinct image three
//! openings, in the second of which the power is lost; two reads of the whole ledger, and one more after
//! each block of the rest of the chain. A
//! block of 20 transactions makes 19 calls, which leave 166 images.
//!
//! **Not covered.** Of the subsets of unsynced changes, [`LOSSES`] has seven fixed and eight random
//! ones; CrashMonkey (Mohan et al., *Finding Crash-Consistency Bugs with Bounded Black-Box Crash
//! Testing*, OSDI 2018), which replays recorded block writes up to each persistence operation, and
//! ALICE (Pillai et al., OSDI 2014), which enumerates the states that a file system model allows,
//! bound them differently. Crashes of rewinds, of openings and of large blocks are drawn
//! ([`Crashes`]), not enumerated. The limits of the disk are those of [`crate::disk`].

mod chain;
mod sampled;
mod seeded_bugs;

pub use chain::{Chain, ChainSize};
pub use sampled::{Crashes, scenario};
pub use seeded_bugs::CrashBug;

use std::collections::BTreeMap;

use lockstep_core::model::Block;
use lockstep_core::storage::Storage;

use crate::disk::{Call, CrashPoint, Disk, DiskFault, Image, Loss};
use crate::faulty::{OnDisk, PlainStorage};
use crate::invariants::{
    CRASH_LEAVES_BEFORE_OR_AFTER, Event, Evidence, Interruption, first_violation,
};
use crate::reproducer::Reproducer;
use crate::subject::{Execution, Subject, SubjectError};
use crate::trial::{catch_panic, recovers_from_nothing, unexplained};
use crate::world::{BlockResult, World};
use lockstep_harness::choice::{Choices, Seeded};
use lockstep_harness::invariant::{Invariant, NEVER_PANICS};
use lockstep_harness::violation::{Failure, Violation};

/// Losses of each crash: the fixed ones, two torn last changes, and four seeds of each random kind.
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

/// Counts of all crashes of one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Number of calls to the disk while the block was added: each is a crash point, and so is the
    /// end.
    pub calls: u64,
    /// Number of calls of each kind.
    pub of_kind: BTreeMap<Call, u64>,
    /// Number of distinct images that the crashes leave.
    pub crashes: u64,
    /// Images that recovered to the ledger before the block.
    pub before: u64,
    /// Images that recovered to the ledger after the block.
    pub after: u64,
    /// Number of second crashes, in a call while one of those images was opened.
    pub second_crashes: u64,
    /// Number of blocks that were added after a crash.
    pub continued: u64,
}

impl Report {
    /// Returns the number of all crashes.
    #[must_use]
    pub const fn all_crashes(&self) -> u64 {
        self.crashes + self.second_crashes
    }

    /// True if the block wrote or synced nothing, or if all crashes recovered to one side of its
    /// commit: then the report shows nothing.
    #[must_use]
    pub fn is_vacuous(&self) -> bool {
        let writes = self.of_kind.get(&Call::Write).copied().unwrap_or(0);
        let syncs = self.of_kind.get(&Call::Sync).copied().unwrap_or(0);
        writes == 0 || syncs == 0 || self.before == 0 || self.after == 0
    }
}

/// A crash after which an invariant does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Call and loss of the crash.
    pub point: CrashPoint,
    /// The violation.
    pub violation: Violation,
    /// The chain with this one crash, as a run.
    pub reproducer: Reproducer,
}

/// The reason why there is no report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unrecovered {
    /// An invariant does not hold after a crash.
    Found(Box<Finding>),
    /// The chain is not accepted even without a crash.
    NotAccepted(Box<NotAccepted>),
}

/// A violation that takes no crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAccepted {
    /// The violation.
    pub violation: Violation,
    /// The chain, as a run with a fault that is never reached.
    pub reproducer: Reproducer,
}

/// Simulates power loss in every call to the disk of the target block of `chain`.
///
/// # Errors
///
/// [`Unrecovered::Found`] for the first crash after which an invariant does not hold, in the order
/// of calls and then of losses; [`Unrecovered::NotAccepted`] if the chain is not accepted without
/// one.
pub fn every_crash(chain: &Chain, execution: Execution) -> Result<Report, Unrecovered> {
    every_crash_of(chain, execution, Disk::default(), |plain| plain)
}

/// Crashes as [`every_crash`] does, on this disk and with `wrap` around the storage of core.
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
    let not_accepted = |violation| not_accepted(chain, violation);
    let mut ledger = open(disk).map_err(|error| {
        let name = "core on a simulated disk";
        not_accepted(unexplained(0, name, false, &error))
    })?;
    for (number, block) in chain.before().iter().enumerate() {
        add(&mut ledger, chain.step_of(number), block).map_err(not_accepted)?;
    }
    let disk = ledger.disk().clone();
    let name = ledger.name().to_owned();
    disk.record();
    let step = chain.step_of(chain.target_number());
    let answer = add(&mut ledger, step, chain.target_block()).map_err(not_accepted)?;
    let recording = disk.recorded().expect("the recording was just started");
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
    // The position of the second crash is drawn. No result depends on it.
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

/// Adds a block to a ledger without a fault.
fn add<S: Storage + 'static>(
    ledger: &mut OnDisk<S>,
    step: usize,
    block: &Block,
) -> Result<BlockResult, Failure> {
    let name = ledger.name().to_owned();
    let added = catch_panic(step, &name, || ledger.add_block(block))?;
    recovers_from_nothing(step, ledger)?;
    added.map_err(|error| unexplained(step, &name, false, &error))
}

fn not_accepted(chain: &Chain, failure: Failure) -> Unrecovered {
    let violation = match failure {
        Failure::Violation(violation) => violation,
        Failure::Infrastructure(reason) => unreachable!("a simulated disk is no machine: {reason}"),
    };
    let reproducer = chain.without_a_crash(violation.invariant.name);
    Unrecovered::NotAccepted(Box::new(NotAccepted {
        violation,
        reproducer,
    }))
}

/// The target block, with the means to judge what its crashes leave.
struct Aftermath<'a, S> {
    chain: &'a Chain,
    name: &'a str,
    open: &'a dyn Fn(Disk) -> Result<OnDisk<S>, SubjectError>,
    /// Answer to the block without a crash.
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
        report.continued += self.add_the_rest(ledger, world, is_before)?;
        // A second crash, while the image is opened.
        let disk = Disk::holding(image);
        disk.arm(DiskFault::PowerCut {
            at: choices.below(calls),
        });
        let opened = (self.open)(disk.clone());
        let left = disk.crash(choices.pick(&LOSSES));
        drop(opened);
        report.second_crashes += 1;
        self.recovered(point, Disk::holding(left)).map(|_| ())
    }

    /// Opens an image and judges it. Returns the ledger, its world, and the number of calls to open
    /// it.
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
                format!("{point}: the ledger cannot be {what} after the crash: {error}"),
            )
        };
        let ledger = self
            .catch_panic(|| (self.open)(disk.clone()))?
            .map_err(|error| lost("opened", &error))?;
        let calls = disk.calls();
        let world = self
            .catch_panic(|| ledger.world())?
            .map_err(|error| lost("read", &error))?;
        let power_lost = SubjectError::Failed("power lost".to_owned());
        let event = Event::Interrupted {
            by: Interruption::Crash,
            // Only after the last call there is an acknowledgement.
            answer: match point.call {
                Some(_) => Err(&power_lost),
                None => Ok(Some(self.answer)),
            },
            expected: Some(Ok(chain.result(chain.target_number()))),
        };
        self.check(chain.target_number(), chain.world_before(), &world, event)
            .map_err(|mut violation| {
                violation.detail = format!("{point}: {}", violation.detail);
                violation
            })?;
        Ok((ledger, world, calls))
    }

    /// Adds the missing blocks up to the end of the chain. Returns their number.
    fn add_the_rest(
        &self,
        mut ledger: OnDisk<S>,
        mut world: World,
        is_before: bool,
    ) -> Result<u64, Violation> {
        let chain = self.chain;
        let first = chain.target_number() + usize::from(!is_before);
        for number in first..chain.blocks().len() {
            let block = &chain.blocks()[number];
            let not_accepted = |error: SubjectError| {
                self.violation(
                    number,
                    &CRASH_LEAVES_BEFORE_OR_AFTER,
                    format!("the ledger accepts no block after the crash: {error}"),
                )
            };
            let got = self
                .catch_panic(|| ledger.add_block(block))?
                .map_err(not_accepted)?;
            recovers_from_nothing(chain.step_of(number), &mut ledger)
                .map_err(|failure| self.is_violation(failure))?;
            let stored = self
                .catch_panic(|| ledger.stored(block.header.height))?
                .map_err(not_accepted)?;
            let after = self.catch_panic(|| ledger.world())?.map_err(not_accepted)?;
            let event = Event::Block {
                block,
                got: Ok(&got),
                expected: Ok(chain.result(number)),
                stored: stored.as_ref(),
                at_work: None,
            };
            self.check(number, &world, &after, event)?;
            world = after;
        }
        Ok((chain.blocks().len() - first) as u64)
    }

    /// Checks the invariants of block `number`.
    fn check(
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
        catch_panic(step, self.name, question).map_err(|failure| self.is_violation(failure))
    }

    fn is_violation(&self, failure: Failure) -> Violation {
        match failure {
            Failure::Violation(violation) => violation,
            Failure::Infrastructure(reason) => {
                self.violation(self.chain.target_number(), &NEVER_PANICS, reason)
            }
        }
    }

    fn violation(&self, number: usize, invariant: &'static Invariant, detail: String) -> Violation {
        Violation::of(invariant, self.chain.step_of(number), self.name, detail)
    }
}

//! Turns of the kinds of faults: small runs in which every step has a fault of one kind.
//!
//! An ordinary run draws its mix of faults, and whole kinds are absent from most. So every seventh run
//! of a campaign is a turn of one kind. The kinds take turns, a campaign of 77 runs has had each, and
//! the variants of a kind follow each other within its runs: none is left to chance.

use lockstep_harness::choice::Choices;

use super::faults::{FaultKind, FaultTurn, a_call, a_read, crashes};
use super::profile::{Profile, Size};
use crate::disk::{Call, Loss};
use crate::scenario::{ConcurrentRequest, Fault, InjectionPoint, Scenario, Step};

/// Bounds of the runs of a kind of fault.
const BOUNDS: Size = Size {
    blocks: 12,
    transactions: 12,
    accounts: 8,
};

/// Blocks of such a run: no kind has more variants.
const BLOCKS: u64 = 10;

impl FaultTurn {
    /// Draws the profile of such a run, without the faults.
    pub(super) fn profile(self, choices: &mut impl Choices) -> Profile {
        let mut profile = Profile::draw(choices, BOUNDS);
        profile.blocks = BLOCKS;
        profile.transactions = BOUNDS.transactions;
        profile.rewinds = profile.rewinds.max(5);
        profile.block_flaws = 0;
        if self.kind == FaultKind::Clock {
            // A jump shows at a block alone, and each of them has its own.
            profile.rewinds = 0;
            profile.reopens = 0;
        }
        profile.fault_turn = Some(self);
        profile
    }

    /// Puts a fault before each step.
    pub(super) fn add_faults(self, scenario: &mut Scenario, choices: &mut impl Choices) {
        let steps = std::mem::take(&mut scenario.steps);
        for (index, step) in (self.round..).zip(steps) {
            let transactions = step.recipes().len() as u64;
            let faults = variant(self.kind, index, transactions, choices);
            scenario.steps.extend(faults.into_iter().map(Step::Fault));
            scenario.steps.push(step);
        }
    }
}

/// Returns the N-th variant of a kind, with drawn numbers.
fn variant(
    kind: FaultKind,
    index: u64,
    transactions: u64,
    choices: &mut impl Choices,
) -> Vec<Fault> {
    match kind {
        FaultKind::Crash => {
            let mut crashes = crashes(choices);
            let number = choices.below(1 << 16);
            let losses = [
                Loss::Nothing,
                Loss::Torn(number),
                Loss::All,
                Loss::Last,
                Loss::Reordered(number),
                Loss::AllButLast,
                Loss::Lengths,
                Loss::TornLast(number % 8),
            ];
            if let Some(Fault::Crash { loss, .. }) = crashes.first_mut() {
                *loss = in_turn(index, &losses);
            }
            crashes
        }
        FaultKind::DiskFails => {
            let calls = [Call::Write, Call::Sync, Call::SetLen, Call::Read, Call::Any];
            let call = in_turn(index, &calls);
            // A commit has many writes and few of the others.
            let at = match call {
                Call::Sync => choices.below(4),
                Call::SetLen | Call::Read => choices.pick(&[0, 0, 1]),
                _ => a_call(choices),
            };
            let count = choices.pick(&[1, 1, 2, 5, 1_000]);
            vec![Fault::DiskFails { call, at, count }]
        }
        FaultKind::DiskFull => vec![Fault::DiskFull {
            after: a_call(choices),
        }],
        FaultKind::ReadFails => vec![Fault::ReadFails {
            at: a_read(choices),
        }],
        FaultKind::Panic => vec![Fault::Panic {
            transaction: choices.below(transactions.max(1)),
            persists: in_turn(index, &[true, false]),
        }],
        FaultKind::PanicAtRead => vec![Fault::PanicAtRead {
            at: a_read(choices),
        }],
        FaultKind::PanicInCommit => vec![Fault::PanicInCommit {
            is_written: in_turn(index, &[true, false]),
        }],
        FaultKind::Cancel => vec![Fault::Cancel(point(index, choices))],
        FaultKind::ConcurrentRequest => {
            let requests = [
                ConcurrentRequest::Rewind(choices.below(4)),
                ConcurrentRequest::SameBlock,
                ConcurrentRequest::OtherBlock,
                ConcurrentRequest::Reader,
                ConcurrentRequest::Close,
            ];
            // Each request meets both kinds of points: their numbers have no common factor.
            let request = in_turn(index, &requests);
            vec![Fault::ConcurrentRequest(point(index, choices), request)]
        }
        FaultKind::Clock => {
            let jumps = [1, 300_000, -1, 299_999, 86_400_000, 0, -300_000, 300_001];
            vec![Fault::Clock {
                jump_ms: in_turn(index, &jumps),
            }]
        }
    }
}

fn point(index: u64, choices: &mut impl Choices) -> InjectionPoint {
    match index % 2 {
        0 => InjectionPoint::Step(choices.below(3)),
        _ => InjectionPoint::Read(a_read(choices)),
    }
}

fn in_turn<T: Copy>(index: u64, of: &[T]) -> T {
    let turn = usize::try_from(index % of.len() as u64).expect("variants are few");
    of[turn]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::dimension::Dimension;
    use super::super::faults::TURNS;
    use super::super::{Preset, of_run};
    use super::*;
    use lockstep_harness::campaign::RunId;

    #[test]
    fn every_kind_has_a_turn() {
        let of: BTreeSet<FaultKind> = TURNS.of.iter().copied().collect();
        let all = FaultKind::ALL.into_iter().chain(FaultKind::FAILURES);
        assert_eq!(of, all.collect());
    }

    #[test]
    fn a_turn_is_no_tail_and_every_step_of_it_has_a_fault_of_its_kind() {
        let mut turns = 0;
        for run in 0..77 {
            let run = RunId { seed: 5, run };
            let Some(turn) = FaultTurn::of_run(run) else {
                continue;
            };
            turns += 1;
            assert_eq!(Dimension::of_run(run), None);
            let (profile, scenario) = of_run(run, Preset::Default);
            assert_eq!(profile.fault_turn, Some(turn));
            let is_fault = |step: &Step| matches!(step, Step::Fault(_));
            let pairs = scenario.steps.windows(2);
            let without = pairs.filter(|pair| !is_fault(&pair[0]) && !is_fault(&pair[1]));
            assert_eq!(without.count(), 0, "{profile}");
            let same = scenario
                .faults()
                .filter(|fault| kind_of(fault) == turn.kind);
            assert!(same.count() >= 10, "{profile}");
            assert!(scenario.faults().all(|fault| kind_of(&fault) == turn.kind));
            assert_eq!(of_run(run, Preset::Ordinary).0.fault_turn, None);
        }
        assert_eq!(turns, 11);
    }

    fn kind_of(fault: &Fault) -> FaultKind {
        match fault {
            Fault::Crash { .. } => FaultKind::Crash,
            Fault::DiskFails { .. } => FaultKind::DiskFails,
            Fault::DiskFull { .. } => FaultKind::DiskFull,
            Fault::ReadFails { .. } => FaultKind::ReadFails,
            Fault::Panic { .. } => FaultKind::Panic,
            Fault::PanicAtRead { .. } => FaultKind::PanicAtRead,
            Fault::PanicInCommit { .. } => FaultKind::PanicInCommit,
            Fault::Cancel(_) => FaultKind::Cancel,
            Fault::ConcurrentRequest(..) => FaultKind::ConcurrentRequest,
            Fault::Clock { .. } => FaultKind::Clock,
        }
    }
}

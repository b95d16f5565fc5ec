//! Self-check of the judge of trials: every campaign detects seeded bugs of the register machine first.

use crate::campaign::SelfCheckFailed;
use crate::choice::Seeded;
use crate::coverage::Coverage;
use crate::executor::answer::{Contender, InProcess};
use crate::executor::case::Case;
use crate::executor::child::{ChildCommand, isolated};
use crate::executor::shrinking::Limits;
use crate::executor::trial::{Ending, judge};
use crate::trace::Trace;

use super::{RegisterBug, RegisterMachine};

/// Seeded bugs of the self-check, of which the last two need a child process.
pub const SELF_CHECKS: [RegisterBug; 5] = [
    RegisterBug::ValidationSkipped,
    RegisterBug::ObservationUnsorted,
    RegisterBug::ReferenceForgets,
    RegisterBug::WorkerPanics,
    RegisterBug::WorkerAborts,
];

/// Cases in which each must be detected.
const CASES: u64 = 60;

/// Runs trials of each and returns their ids. `command` starts child processes; without one, the bugs that end
/// a process are left out.
///
/// # Errors
///
/// [`SelfCheckFailed`] for the first bug that is not detected, or detected by another invariant.
pub fn self_check(
    seed: u64,
    command: Option<&ChildCommand>,
) -> Result<Vec<String>, SelfCheckFailed> {
    let is_contained = |bug: &RegisterBug| *bug != RegisterBug::WorkerAborts;
    let bugs = SELF_CHECKS.into_iter();
    let bugs = bugs.filter(|bug| is_contained(bug) || (command.is_some() && cfg!(unix)));
    bugs.map(|bug| check(seed, bug, command)).collect()
}

fn check(
    seed: u64,
    bug: RegisterBug,
    command: Option<&ChildCommand>,
) -> Result<String, SelfCheckFailed> {
    let machine = RegisterMachine::new(Some(bug));
    let of_bug =
        command.filter(|_| bug == RegisterBug::WorkerAborts || bug == RegisterBug::WorkerPanics);
    let mut contender: Box<dyn Contender<RegisterMachine>> = match of_bug {
        Some(command) => isolated(command.clone().serving(bug.id())),
        None => Box::new(InProcess),
    };
    let got = crate::panic::silence_panics(|| first_finding(seed, &machine, &mut *contender));
    let named_by = bug.seeding().named_by;
    match got {
        Some(Ending::Found(found)) if named_by.contains(&found.violation.invariant) => {
            Ok(bug.id().to_owned())
        }
        other => Err(SelfCheckFailed {
            bug: bug.id().to_owned(),
            found_by: named_by.first().map_or("any", |one| one.name).to_owned(),
            got: other.map_or_else(
                || format!("nothing in {CASES} cases"),
                |ending| format!("{ending:?}"),
            ),
        }),
    }
}

fn first_finding(
    seed: u64,
    machine: &RegisterMachine,
    contender: &mut dyn Contender<RegisterMachine>,
) -> Option<Ending> {
    (0..CASES).find_map(|run| {
        let case = Case::draw(machine, &mut Seeded::new(seed, run));
        let (mut coverage, mut trace) = (Coverage::default(), Trace::hashed());
        let limit = Limits::DEFAULT.long;
        judge(machine, &case, contender, limit, &mut coverage, &mut trace).err()
    })
}

//! The engine `crash`: power loss at every disk call of a block commit.

use super::buggy_subject::BuggySubject;
use super::trial::detects;
use super::{Bug, Correct, Effort, Engine, Search, found_in};
use lockstep_sim::crash::{self, Chain, ChainSize, CrashBug, Unrecovered};
use lockstep_sim::invariants;
use lockstep_sim::subject::Execution;

/// The engine. A run is one chain, with every crash of its target block.
pub(super) struct Crash;

/// The seeded bug around core; `None` for the control.
struct Around(Option<CrashBug>);

impl Around {
    fn of(bug: &Bug) -> Option<Around> {
        match bug.correct() {
            Some(Correct::CoreOnDisk) => Some(Around(None)),
            Some(_) => None,
            None => CrashBug::named(bug.id).map(|bug| Around(Some(bug))),
        }
    }
}

impl Engine for Crash {
    fn name(&self) -> &'static str {
        "crash"
    }

    fn sentence(&self) -> &'static str {
        "every crash of one block with every kind of loss; a run is a chain of three blocks"
    }

    fn applies(&self, bug: &Bug) -> bool {
        Around::of(bug).is_some()
    }

    fn runs(&self) -> u64 {
        20
    }

    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String> {
        let around = Around::of(bug).zip(BuggySubject::of(bug));
        let (Around(seeded), subject) =
            around.ok_or_else(|| format!("no ledger on a disk has {}", bug.id))?;
        let mut runs = 0;
        while runs < effort.most && (effort.goes_on)(runs) {
            // Seeds are small, so no two of them have a chain in common.
            let chain = Chain::drawn(seed.wrapping_add(runs << 32), ChainSize::SMALL);
            runs += 1;
            let outcome = match seeded {
                Some(bug) => bug.every_crash(&chain),
                None => crash::every_crash(&chain, Execution::Graph(2)),
            };
            let (violation, reproducer) = match outcome {
                Ok(_) => continue,
                Err(Unrecovered::Found(found)) => (found.violation, found.reproducer),
                Err(Unrecovered::NotAccepted(found)) => (found.violation, found.reproducer),
            };
            let judge = move |scenario: &_| detects(subject, &invariants::ALL, scenario);
            let scenario = reproducer.payload.scenario;
            let found = found_in(scenario, violation.invariant.name.to_owned(), judge);
            return Ok(Search {
                runs,
                found: Some(found),
            });
        }
        Ok(Search { runs, found: None })
    }
}

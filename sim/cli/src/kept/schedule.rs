//! Kept runs of one ledger with the schedule of a block.

use std::path::Path;

use lockstep_bugs::buggy_executor::concurrent::ThreadBug;
use lockstep_harness::reproducer::{Payload as _, ReproducerError};
use lockstep_harness::violation::Violation;
use lockstep_sim::export;
use lockstep_sim::reproducer::{ScheduledReproducer, ScheduledRun};

use super::ledger::described;
use super::{KeptRun, ReplayResult, Settings, means_nothing, no_such_bug, write_smaller};
use crate::explore;
use crate::report::Fact;
use crate::searching::Searching;

impl KeptRun for ScheduledReproducer {
    fn shows(&self) -> &str {
        &self.shows
    }

    fn left_out(&self) -> Option<&'static str> {
        explore::LEFT_OUT
    }

    /// Its schedule is explained by the run.
    fn description(&self) -> Vec<Fact> {
        described(&self.payload.scenario, self.seeded_bug.as_deref())
    }

    fn change(&mut self, settings: &Settings) -> Result<(), String> {
        let refused = |flag, why| Err(means_nothing(flag, ScheduledRun::KIND, why));
        if settings.workers.is_some() {
            return refused("--workers", "its schedule fixes their number");
        }
        if settings.is_traced {
            return refused("--trace", "only clusters are traced");
        }
        self.payload.scenario.hash_seed ^= settings.hash_seed;
        Ok(())
    }

    fn check_seeded_bug(&self) -> Result<(), String> {
        match &self.seeded_bug {
            Some(id) if ThreadBug::named(id).is_none() => {
                Err(no_such_bug(id, ThreadBug::ALL.iter().map(|bug| bug.id())))
            }
            _ => Ok(()),
        }
    }

    fn without_seeded_bugs(&self) -> Option<Box<dyn KeptRun>> {
        self.seeded_bug.as_ref()?;
        Some(Box::new(self.clone().with_seeded_bug(None)))
    }

    fn run(&self, _scratch: &Path) -> ReplayResult {
        let bug = self.seeded_bug.as_deref().and_then(ThreadBug::named);
        explore::follow(&self.payload, bug)
    }

    fn shrink_into(
        &self,
        out: &Path,
        violation: &Violation,
        budget: Option<u64>,
        searching: &Searching,
        _scratch: &Path,
        from: &str,
    ) -> Result<String, ReproducerError> {
        let invariant = violation.invariant.name;
        let budget = searching.budget(budget.unwrap_or(explore::BUDGET));
        let smaller = explore::smaller_of_file(
            &self.payload,
            self.seeded_bug.as_deref().and_then(ThreadBug::named),
            invariant,
            budget,
        );
        write_smaller(self, out, invariant, Some(smaller), from)
    }

    fn as_test(&self, name: &str) -> String {
        export::as_scheduled_test(self, name)
    }
}

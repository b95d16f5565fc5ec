//! Kept runs of one ledger with the schedule of a block.

use std::path::Path;

use lockstep_bugs::buggy_executor::concurrent::ThreadBug;
use lockstep_harness::reproducer::{Payload as _, ReproducerError};
use lockstep_harness::violation::Violation;
use lockstep_sim::export;
use lockstep_sim::reproducer::{ScheduledReproducer, ScheduledRun};

use super::ledger::in_words;
use super::{KeptRun, ReplayResult, Settings, means_nothing, no_such_bug, write_smaller};
use crate::explore;
use crate::report::Fact;

impl KeptRun for ScheduledReproducer {
    fn shows(&self) -> &str {
        &self.shows
    }

    fn left_out(&self) -> Option<&'static str> {
        explore::LEFT_OUT
    }

    /// Its schedule is explained by the run.
    fn description(&self) -> Vec<Fact> {
        vec![("scenario", in_words(&self.payload.scenario))]
    }

    fn change(&mut self, settings: &Settings) -> Result<(), String> {
        let refused = |flag, why| Err(means_nothing(flag, ScheduledRun::KIND, why));
        if settings.workers.is_some() {
            return refused("--workers", "its schedule fixes their number");
        }
        if settings.is_traced {
            return refused("--trace", "only clusters are traced");
        }
        if let Some(id) = settings.inject_bug.as_deref()
            && ThreadBug::named(id).is_none()
        {
            return Err(no_such_bug(id, ThreadBug::ALL.iter().map(|bug| bug.id())));
        }
        self.payload.scenario.hash_seed ^= settings.hash_seed;
        Ok(())
    }

    fn run(&self, _scratch: &Path, settings: &Settings) -> ReplayResult {
        let bug = settings.inject_bug.as_deref().and_then(ThreadBug::named);
        explore::follow(&self.payload, bug)
    }

    fn shrink_into(
        &self,
        out: &Path,
        violation: &Violation,
        budget: Option<u64>,
        _scratch: &Path,
        from: &str,
    ) -> Result<String, ReproducerError> {
        let invariant = violation.invariant.name;
        let budget = budget.unwrap_or(explore::BUDGET);
        let smaller = explore::smaller_of_file(&self.payload, invariant, budget);
        write_smaller(out, invariant, smaller, from)
    }

    fn as_test(&self, name: &str) -> String {
        export::as_scheduled_test(self, name)
    }
}

//! Campaign of crashes: many ledgers, with a power loss during every operation.

use lockstep_core::model::Genesis;
use lockstep_harness::campaign::{Execution, RunId, SelfCheckFailed, Workload};
use lockstep_harness::choice::Seeded;
use lockstep_harness::coverage::Coverage;

use super::CrashBug;
use crate::campaign;
use crate::coverage::{SYSTEM, totals};
use crate::faulty;
use crate::generate::{self, Profile, Size, faults};
use crate::scenario::{Scenario, Step};
use crate::subject::{Subject, SubjectError};

/// The focus whose coverage points a campaign of crashes must reach.
const FOCUS: &str = "crash";

/// Number of blocks from which a campaign must reach its whole focus; a smaller one is chosen by
/// hand.
const WHOLE: u64 = 100;

/// Workload of ledgers on simulated disks, with a crash in each step.
#[derive(Clone, Copy, Debug)]
pub struct Crashes;

impl Workload for Crashes {
    type Case = Scenario;
    type Profile = Profile;

    fn system(&self) -> &'static str {
        SYSTEM
    }

    fn draw(&self, RunId { seed, run }: RunId) -> (Profile, Scenario) {
        let profile = generate::scenario(&mut Seeded::new(seed, run), Size::CAMPAIGN).0;
        (profile, scenario(seed, run))
    }

    fn execute(&self, scenario: &Scenario, is_repeated: bool) -> Execution {
        campaign::execute(scenario, is_repeated, &on_disk)
    }

    fn self_check(&self, seed: u64) -> Result<Vec<String>, SelfCheckFailed> {
        CrashBug::ALL
            .into_iter()
            .map(|bug| bug.check(seed).map(|_| bug.to_string()))
            .collect()
    }

    fn missing(&self, coverage: &Coverage, _: u64, is_whole: bool) -> Vec<&'static str> {
        match coverage.total(totals::BLOCKS) {
            0 => vec!["a block"],
            WHOLE.. if is_whole => coverage.missing(SYSTEM, Some(FOCUS)),
            _ => Vec::new(),
        }
    }
}

fn on_disk(genesis: &Genesis, hash_seed: u64) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
    faulty::subjects(genesis, hash_seed)
}

/// Draws a scenario of a campaign, with crashes in each step and no other faults.
#[must_use]
pub fn scenario(seed: u64, run: u64) -> Scenario {
    let (_, mut scenario) = generate::scenario(&mut Seeded::new(seed, run), Size::CAMPAIGN);
    // Another stream, so that the crashes do not depend on how the scenario is drawn.
    let mut choices = Seeded::new(!seed, run);
    let steps = std::mem::take(&mut scenario.steps).into_iter();
    for step in steps {
        let crashes = faults::crashes(&mut choices).into_iter().map(Step::Fault);
        scenario.steps.extend(crashes);
        scenario.steps.push(step);
    }
    scenario
}

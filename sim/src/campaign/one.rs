//! One run of a campaign, done once or twice.

use lockstep_core::model::Hash;

use crate::scenario::Scenario;
use crate::tally::Tally;
use crate::trace::{self, Difference, Observation, Trace};
use crate::trial;
use lockstep_harness::violation::Failure;

use super::on_trial::{Circumstances, OnTrial};
use super::plan::{Case, Plan};

/// Added to the hash seed of a run when it is done again.
const OTHER_HASH_SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// What one run came to.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Which run.
    pub case: Case,
    /// What was reached in it.
    pub tally: Tally,
    /// What was observed, in order.
    pub trace: Vec<Observation>,
    /// The hash of everything that was observed, or why there is none.
    pub outcome: Result<Hash, Failure>,
    /// How often it was done again, here or in another process.
    pub again: u64,
    /// Where the two times went apart.
    pub difference: Option<Difference>,
}

/// Which time a scenario is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// As it is written.
    First,
    /// With another hash seed and other numbers of workers. No result depends on them.
    Again,
    /// The one after the other.
    Twice,
}

/// Does one run. A violation that only the second time shows is a violation like any other.
pub fn one_run(plan: &Plan, case: Case, time: Time, on_trial: &dyn OnTrial) -> Ended {
    let scenario = plan.scenario(case);
    let first = once(&scenario, time == Time::Again, on_trial);
    let mut ended = Ended {
        case,
        tally: first.tally,
        trace: first.trace,
        outcome: first.outcome,
        again: 0,
        difference: None,
    };
    if time == Time::Twice && ended.outcome.is_ok() {
        let again = once(&scenario, true, on_trial);
        ended.compare(again.outcome, &again.trace);
    }
    ended
}

impl Ended {
    /// Compares with the same run done another time.
    pub fn compare(&mut self, outcome: Result<Hash, Failure>, observed: &[Observation]) {
        if self.outcome.is_err() || self.difference.is_some() {
            return;
        }
        self.again += 1;
        match outcome {
            Err(failure) => self.outcome = Err(failure),
            Ok(_) => self.difference = trace::first_difference(&self.trace, observed),
        }
    }
}

struct Once {
    tally: Tally,
    trace: Vec<Observation>,
    outcome: Result<Hash, Failure>,
}

fn once(scenario: &Scenario, is_again: bool, on_trial: &dyn OnTrial) -> Once {
    let mut tally = Tally::default();
    let mut trace = Trace::default();
    let outcome = trial::traced(
        scenario,
        &|genesis, hash_seed| {
            let circumstances = Circumstances {
                hash_seed: match is_again {
                    true => hash_seed ^ OTHER_HASH_SEED,
                    false => hash_seed,
                },
                is_again,
                has_faults: scenario.faults().next().is_some(),
                only: None,
            };
            on_trial.subjects(genesis, &circumstances)
        },
        &mut tally,
        &mut trace,
    );
    Once {
        tally,
        trace: trace.into_observations(),
        outcome,
    }
}

//! Campaigns of schedules: drawn blocks, each executed under many schedules.

use std::sync::Arc;

use lockstep_harness::campaign::{Execution, RunId, SelfCheckFailed, Workload};
use lockstep_harness::choice::Seeded;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::trace::Trace;

use super::explorable::Explorable;
use super::faults::{self, FaultCounts};
use super::search::{self, Explored, SearchPlan};
use crate::generate::{self, Profile, Size};
use crate::scenario::Scenario;
use lockstep_harness::violation::Failure;

/// System of the coverage points of an exploration.
pub const SYSTEM: &str = "schedule";

/// Blocks of 3 to 30 transactions.
const SIZE: Size = Size {
    blocks: 3,
    transactions: 30,
    accounts: 8,
};

/// Minimum number of runs of a campaign that must have met every kind of fault.
const WHOLE: u64 = 64;

/// Begin of the names of the coverage points of faults.
const OF_FAULTS: &str = "fault: ";

/// A coverage point of an exploration: [`lockstep_harness::point!`] with its system.
macro_rules! schedule_point {
    ($($point:tt)+) => {
        ::lockstep_harness::point!("schedule", $($point)+)
    };
}

/// A scenario and the plan of its exploration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exploration {
    /// The scenario.
    pub scenario: Scenario,
    /// Parameters of its exploration.
    pub plan: SearchPlan,
}

/// Workload of scenarios whose blocks are executed under drawn schedules.
pub struct Schedules<E> {
    /// The executor that is explored.
    pub explorable: Arc<E>,
    /// Number of schedules that each scheduler draws for each block.
    pub schedules: usize,
    /// Self-check before the first run: finds a seeded race and returns its id.
    pub self_check: fn(seed: u64) -> Result<Vec<String>, SelfCheckFailed>,
}

impl<E: Explorable> Workload for Schedules<E> {
    type Case = Exploration;
    type Profile = Profile;

    fn system(&self) -> &'static str {
        SYSTEM
    }

    fn draw(&self, run: RunId) -> (Profile, Exploration) {
        let (profile, mut scenario) = generate::scenario(&mut Seeded::new(run.seed, run.run), SIZE);
        // A stream of their own: what a seed draws otherwise stays as it is.
        faults::add_faults(&mut scenario, &mut Seeded::new(!run.seed, run.run));
        let plan = SearchPlan::of_seed(run.seed, self.schedules);
        (profile, Exploration { scenario, plan })
    }

    /// Executes an exploration. Everything in it is drawn from its plan, so a repetition is the same.
    fn execute(&self, case: &Exploration, _: bool) -> Execution {
        let (mut coverage, mut trace) = (Coverage::default(), Trace::default());
        let outcome = match search::explore(&case.scenario, case.plan, &self.explorable) {
            Err(reason) => Err(Failure::Infrastructure(reason)),
            Ok((explored, finding)) => {
                count(&mut coverage, &case.scenario, explored);
                trace.line(0, format_args!("{explored:?}"));
                match finding {
                    None => Ok(trace.digest()),
                    Some(finding) => {
                        let mut violation = finding.violation;
                        if let Some((scheduler, schedule)) = finding.found_by {
                            let by = format!("\n  found by   {scheduler}, schedule {schedule}");
                            violation.detail.push_str(&by);
                        }
                        Err(Failure::Violation(violation))
                    }
                }
            }
        };
        Execution {
            coverage,
            trace,
            outcome,
        }
    }

    fn self_check(&self, seed: u64) -> Result<Vec<String>, SelfCheckFailed> {
        (self.self_check)(seed)
    }

    /// Lists the coverage points that were not reached. Even one run must have two different schedules; a
    /// campaign of many must have met every kind of fault.
    fn missing(&self, coverage: &Coverage, runs: u64, is_whole: bool) -> Vec<&'static str> {
        let missing = coverage.missing(SYSTEM, None).into_iter();
        match runs {
            WHOLE.. if is_whole => missing.collect(),
            _ => missing
                .filter(|point| !point.starts_with(OF_FAULTS))
                .collect(),
        }
    }
}

fn count(coverage: &mut Coverage, scenario: &Scenario, explored: Explored) {
    let transactions = scenario.transactions() as u64;
    coverage.count_many(schedule_point!("blocks", total), explored.blocks);
    coverage.count_many(schedule_point!("transactions", total), transactions);
    coverage.count_many(schedule_point!("schedules", total), explored.schedules);
    coverage.count_many(
        schedule_point!("distinct schedules", total),
        explored.distinct,
    );
    coverage.count_many(schedule_point!("decisions", total), explored.decisions);
    coverage.count_many(schedule_point!("preemptions", total), explored.preemptions);
    let most = explored.most_preemptions;
    coverage.count_many(schedule_point!("most preemptions", most), most);
    if explored.distinct > 1 {
        coverage.count(schedule_point!("schedule: distinct"));
    }
    count_faults(coverage, explored.faults);
}

/// Counts the faults that were met, by the thread that met them.
fn count_faults(coverage: &mut Coverage, faults: FaultCounts) {
    coverage.count_many(schedule_point!("faults armed", total), faults.armed);
    coverage.count_many(schedule_point!("faults met", total), faults.met());
    if faults.failing_reads > faults.failing_reads_of_workers {
        coverage.count(schedule_point!("fault: failing read in the caller"));
    }
    if faults.failing_reads_of_workers > 0 {
        coverage.count(schedule_point!("fault: failing read in a worker"));
    }
    if faults.panics > faults.panics_of_workers {
        coverage.count(schedule_point!("fault: panic in the caller"));
    }
    if faults.panics_of_workers > 0 {
        coverage.count(schedule_point!("fault: panic in a worker"));
    }
    if faults.cancellations > 0 {
        coverage.count(schedule_point!("fault: cancellation"));
    }
}

#[cfg(test)]
mod tests {
    use lockstep_harness::campaign::{self, Plan, Runs, Unwatched, Verdict};

    use super::*;
    use crate::explore::CoreLedger;

    fn schedules(schedules: usize) -> Schedules<CoreLedger> {
        Schedules {
            explorable: Arc::new(CoreLedger),
            schedules,
            self_check: |_| Ok(Vec::new()),
        }
    }

    #[test]
    fn a_campaign_counts_its_schedules_and_is_the_same_when_it_is_repeated() {
        let plan = Plan {
            repeat_every: 1,
            ..Plan::of(Runs::Seeds(0..2))
        };
        let summary = campaign::run(&plan, &schedules(5), &mut Unwatched);
        assert_eq!(summary.verdict, Verdict::Passed);
        assert_eq!((summary.runs, summary.repeated), (2, 2));
        let coverage = &summary.coverage;
        // One schedule for each block, and 5 of each of the 4 schedulers where two threads are runnable.
        let drawn = coverage.total("schedules") - coverage.total("blocks");
        assert!(drawn > 0 && drawn.is_multiple_of(20), "{coverage:?}");
        assert!(coverage.total("preemptions") > 0);
    }

    #[test]
    fn a_whole_campaign_meets_every_fault_in_the_caller_and_in_workers() {
        let plan = Plan {
            repeat_every: 1_000,
            ..Plan::of(Runs::Seeds(0..WHOLE))
        };
        let summary = campaign::run(&plan, &schedules(2), &mut Unwatched);
        assert_eq!(summary.verdict, Verdict::Passed, "{:?}", summary.coverage);
        let total = |of| summary.coverage.total(of);
        assert!(
            total("faults met") > total("faults armed"),
            "{:?}",
            summary.coverage
        );
    }

    #[test]
    fn a_campaign_of_many_runs_without_a_fault_is_vacuous() {
        let without = Coverage::default();
        let missing = schedules(1).missing(&without, WHOLE, true);
        let faults = missing.iter().filter(|point| point.starts_with(OF_FAULTS));
        assert_eq!(faults.count(), 5, "{missing:?}");
        assert_eq!(
            schedules(1).missing(&without, 1, true),
            ["schedule: distinct"]
        );
        assert_eq!(
            schedules(1).missing(&without, WHOLE, false),
            ["schedule: distinct"]
        );
    }

    #[test]
    fn a_campaign_whose_schedules_are_all_the_same_is_vacuous() {
        let summary = campaign::run(&Plan::of(Runs::Seeds(0..0)), &schedules(5), &mut Unwatched);
        assert_eq!(summary.verdict.name(), "vacuous");
    }
}

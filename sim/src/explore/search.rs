//! Search for a schedule that violates an invariant, and for the simplest one that does.

use std::sync::Arc;

use lockstep_core::model::Genesis;

use super::explorable::Explorable;
use super::faults::FaultCounts;
use super::portfolio::{Portfolio, SCHEDULERS};
use super::scheduler::{Preemption, Shared, with};
use super::subject::{self, ExplorationStats, ExploredSubject, ScheduleSource};
use crate::scenario::Scenario;
use crate::shrink::{self, Shrunk};
use crate::subject::{Subject, SubjectError};
use crate::trial;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::schedule::{self, Schedule};
use lockstep_harness::shrink::Budget;
use lockstep_harness::violation::{Failure, Violation};

/// Parameters of the exploration of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchPlan {
    /// Seed of the schedulers.
    pub seed: u64,
    /// Number of schedules that each scheduler draws for each block.
    pub schedules: usize,
    /// Number of workers.
    pub workers: usize,
    /// True for execution over the dependency graph, false for parallel validation in block order.
    pub over_graph: bool,
    /// The schedulers of [`SCHEDULERS`](super::SCHEDULERS) that draw.
    pub schedulers: &'static [&'static str],
}

impl SearchPlan {
    /// Derives a plan from a seed: 2 to 4 workers, over the graph in three of four seeds.
    #[must_use]
    pub const fn of_seed(seed: u64, schedules: usize) -> Self {
        SearchPlan {
            seed,
            schedules,
            workers: 2 + (seed % 3) as usize,
            over_graph: !seed.is_multiple_of(4),
            schedulers: &SCHEDULERS,
        }
    }
}

/// Counts of an exploration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Explored {
    /// Number of executed blocks.
    pub blocks: u64,
    /// Number of schedules, all blocks together.
    pub schedules: u64,
    /// Number of distinct schedules of each block, summed over blocks.
    pub distinct: u64,
    /// Number of scheduling decisions.
    pub decisions: u64,
    /// Number of decisions that preempted a thread.
    pub preemptions: u64,
    /// Largest number of preemptions in one schedule.
    pub most_preemptions: u64,
    /// Faults that were armed and met.
    pub faults: FaultCounts,
}

impl Explored {
    /// Adds the counts of two explorations.
    #[must_use]
    pub const fn and(self, other: Explored) -> Explored {
        let most = match self.most_preemptions > other.most_preemptions {
            true => self.most_preemptions,
            false => other.most_preemptions,
        };
        Explored {
            blocks: self.blocks + other.blocks,
            schedules: self.schedules + other.schedules,
            distinct: self.distinct + other.distinct,
            decisions: self.decisions + other.decisions,
            preemptions: self.preemptions + other.preemptions,
            most_preemptions: most,
            faults: self.faults.and(other.faults),
        }
    }
}

impl From<&ExplorationStats> for Explored {
    fn from(stats: &ExplorationStats) -> Self {
        Explored {
            blocks: stats.blocks as u64,
            schedules: stats.schedules,
            distinct: stats.distinct,
            decisions: stats.decisions,
            preemptions: stats.preemptions,
            most_preemptions: stats.most_preemptions,
            faults: stats.faults,
        }
    }
}

/// A violation of an invariant under some schedule, or in the serial execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The violation.
    pub violation: Violation,
    /// The schedule that shows it; `None` where the serial execution shows it.
    pub schedule: Option<Schedule>,
    /// Scheduler that drew it, and the number of the draw for that block, from 1.
    pub found_by: Option<(&'static str, usize)>,
}

/// Installs the panic hook of shuttle, which otherwise installs itself at the first execution and
/// reports every panic at length. A hook that is set after this call stays.
pub fn install_shuttle_panic_hook() {
    let once = shuttle::scheduler::RoundRobinScheduler::new(1);
    shuttle::Runner::new(once, subject::config()).run(|| {});
}

/// Executes a scenario serially and each of its blocks under drawn schedules.
///
/// # Errors
///
/// If the machine fails; the text says how.
pub fn explore(
    scenario: &Scenario,
    plan: SearchPlan,
    explorable: &Arc<impl Explorable>,
) -> Result<(Explored, Option<Finding>), String> {
    let stats: Shared<ExplorationStats> = Shared::default();
    let source = || ScheduleSource::Drawn {
        portfolio: Portfolio::new(plan.seed, plan.schedulers),
        schedules: plan.schedules,
    };
    let execution = (plan.workers, plan.over_graph);
    let violation = run(scenario, explorable, execution, &source, &stats)?;
    let stats = with(&stats, |stats| stats.clone());
    let finding = violation.map(|violation| {
        let (schedule, found_by) = match stats.found.clone() {
            Some((schedule, scheduler, draw)) => (Some(schedule), Some((scheduler, draw))),
            None => (None, None),
        };
        Finding {
            violation,
            schedule,
            found_by,
        }
    });
    Ok((Explored::from(&stats), finding))
}

/// Replays a scenario with one block under this schedule and the others serially. Returns the
/// violation, and the preemptions of that block.
///
/// # Errors
///
/// If the machine fails; the text says how.
pub fn replay(
    scenario: &Scenario,
    schedule: &Schedule,
    explorable: &Arc<impl Explorable>,
) -> Result<(Option<Violation>, Vec<Preemption>), String> {
    let stats: Shared<ExplorationStats> = Shared::default();
    let source = || ScheduleSource::Recorded(schedule.clone());
    let execution = (schedule.workers, schedule.over_graph);
    let violation = run(scenario, explorable, execution, &source, &stats)?;
    Ok((
        violation,
        with(&stats, |stats| {
            std::mem::take(&mut stats.replayed_preemptions)
        }),
    ))
}

/// Searches for the smallest scenario in which some schedule of this plan violates the same invariant.
#[must_use]
pub fn shrink<'w>(
    scenario: &Scenario,
    invariant: &str,
    plan: SearchPlan,
    budget: impl Into<Budget<'w>>,
    explorable: &Arc<impl Explorable>,
) -> Shrunk {
    let judge = |candidate: &Scenario| {
        let (_, finding) = explore(candidate, plan, explorable).ok()?;
        finding.map(|finding| finding.violation.invariant.name.to_owned())
    };
    shrink::shrink(scenario, invariant, budget, &judge)
}

/// Reduces a schedule to switches none of which can be left out without losing the violation.
///
/// Costs one replay a candidate, about `s log s` of them for `s` switches of which few matter.
#[must_use]
pub fn minimise(
    scenario: &Scenario,
    schedule: &Schedule,
    invariant: &str,
    explorable: &Arc<impl Explorable>,
) -> Schedule {
    let judge = |candidate: &Schedule| {
        let (violation, _) = replay(scenario, candidate, explorable).ok()?;
        violation.map(|violation| violation.invariant.name.to_owned())
    };
    let shrunk =
        lockstep_harness::shrink::shrink(schedule, &schedule::PASSES, invariant, u64::MAX, &judge);
    shrunk.smallest
}

/// Searches for a schedule that violates this invariant with few preemptions, and minimises it. Returns
/// it with its preemptions; `None` where no schedule of this plan violates the invariant.
///
/// A drawn schedule has many switches, and the result of minimising it depends on the order in which
/// they are removed; so several seeds are tried, the schedulers of few preemptions first.
#[must_use]
pub fn simplest_schedule(
    scenario: &Scenario,
    invariant: &str,
    plan: SearchPlan,
    explorable: &Arc<impl Explorable>,
) -> Option<(Schedule, Vec<Preemption>)> {
    const ENOUGH: usize = 1;
    const SEEDS: u64 = 4;
    const FEW_FIRST: [&[&str]; 4] = [&["pct 2"], &["pct 3"], &["uniform walk"], &["random"]];
    let mut best: Option<(Schedule, Vec<Preemption>)> = None;
    let tries = (0..SEEDS).flat_map(|seed| FEW_FIRST.map(|schedulers| (seed, schedulers)));
    for (seed, schedulers) in tries {
        let plan = SearchPlan {
            seed: plan.seed.wrapping_add(seed),
            schedulers,
            ..plan
        };
        let found = explore(scenario, plan, explorable).ok();
        let schedule = found
            .and_then(|(_, finding)| finding)
            .filter(|finding| finding.violation.invariant == invariant)
            .and_then(|finding| finding.schedule);
        let Some(schedule) = schedule else {
            continue;
        };
        let least = minimise(scenario, &schedule, invariant, explorable);
        let Ok((_, preemptions)) = replay(scenario, &least, explorable) else {
            continue;
        };
        let order = |(schedule, preemptions): &(Schedule, Vec<Preemption>)| {
            (preemptions.len(), schedule.switches.len())
        };
        let one = (least, preemptions);
        if best.as_ref().is_none_or(|best| order(&one) < order(best)) {
            best = Some(one);
        }
        if best
            .as_ref()
            .is_some_and(|(_, preemptions)| preemptions.len() <= ENOUGH)
        {
            break;
        }
    }
    best
}

/// Runs a scenario on the control subjects and on the explored one.
fn run(
    scenario: &Scenario,
    explorable: &Arc<impl Explorable>,
    execution: (usize, bool),
    source: &dyn Fn() -> ScheduleSource,
    stats: &Shared<ExplorationStats>,
) -> Result<Option<Violation>, String> {
    let setup =
        |genesis: &Genesis, hash_seed: u64| -> Result<Vec<Box<dyn Subject>>, SubjectError> {
            let mut subjects = explorable.control_subjects(genesis, hash_seed)?;
            subjects.push(Box::new(ExploredSubject::new(
                Arc::clone(explorable),
                genesis,
                hash_seed,
                execution,
                source(),
                Arc::clone(stats),
            )?));
            Ok(subjects)
        };
    match trial::run(scenario, &setup, &mut Coverage::default()) {
        Ok(_) => Ok(None),
        Err(Failure::Violation(violation)) => Ok(Some(violation)),
        Err(Failure::Infrastructure(reason)) => Err(reason),
    }
}

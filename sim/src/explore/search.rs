//! Looks for a schedule that shows something, and for the plainest that still does.

use std::sync::Arc;

use lockstep_core::model::Genesis;

use super::portfolio::{Portfolio, SCHEDULERS};
use super::scheduler::{Pause, Shared, with};
use super::subject::{self, Explorable, Seen, UnderSchedules, Way};
use crate::scenario::Scenario;
use crate::shrink::{self, Shrunk};
use crate::subject::{Subject, SubjectError};
use crate::trial;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::schedule::{self, Schedule};
use lockstep_harness::violation::{Failure, Violation};

/// How the blocks of a scenario are explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the schedules are drawn from.
    pub seed: u64,
    /// How many each scheduler draws for each block.
    pub schedules: usize,
    /// How many workers execute.
    pub workers: usize,
    /// Over the graph of conflicts; in block order beside the checks where not.
    pub over_graph: bool,
    /// Those of [`SCHEDULERS`](super::SCHEDULERS) that draw.
    pub schedulers: &'static [&'static str],
}

impl Plan {
    /// 2 to 4 workers, mostly over the graph.
    #[must_use]
    pub const fn of_seed(seed: u64, schedules: usize) -> Self {
        Plan {
            seed,
            schedules,
            workers: 2 + (seed % 3) as usize,
            over_graph: !seed.is_multiple_of(4),
            schedulers: &SCHEDULERS,
        }
    }
}

/// What exploring came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Explored {
    /// How many blocks were executed.
    pub blocks: u64,
    /// Under how many schedules, all blocks together.
    pub schedules: u64,
    /// How many of those of one block differ from each other.
    pub distinct: u64,
    /// How often somebody was chosen to go on.
    pub decisions: u64,
    /// How often somebody else than who could have gone on.
    pub preemptions: u64,
    /// The most of those in one schedule.
    pub most_preemptions: u64,
}

impl Explored {
    /// Of this and another.
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
        }
    }
}

impl From<&Seen> for Explored {
    fn from(seen: &Seen) -> Self {
        Explored {
            blocks: seen.blocks as u64,
            schedules: seen.schedules,
            distinct: seen.distinct,
            decisions: seen.decisions,
            preemptions: seen.preemptions,
            most_preemptions: seen.most_preemptions,
        }
    }
}

/// Something that must hold does not hold under some schedule, or under any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What, and who.
    pub violation: Violation,
    /// Under which schedule; none where the serial execution shows it.
    pub schedule: Option<Schedule>,
    /// Which scheduler drew it, and in which of its draws for that block.
    pub by: Option<(&'static str, usize)>,
}

/// Shuttle takes the hook for panics when it first runs, and says more about each than anybody wants
/// who looks for them. Whoever replaces the hook calls this before, so that theirs is the last.
pub fn let_shuttle_take_the_panic_hook() {
    let once = shuttle::scheduler::RoundRobinScheduler::new(1);
    shuttle::Runner::new(once, subject::config()).run(|| {});
}

/// Runs a scenario on core, serially and under schedules that are drawn.
///
/// # Errors
///
/// Where the machine failed, in words.
pub fn explore(
    scenario: &Scenario,
    plan: Plan,
    explorable: &Arc<impl Explorable>,
) -> Result<(Explored, Option<Finding>), String> {
    let seen: Shared<Seen> = Shared::default();
    let way = || Way::Drawn {
        portfolio: Portfolio::new(plan.seed, plan.schedulers),
        schedules: plan.schedules,
    };
    let how = (plan.workers, plan.over_graph);
    let violation = run(scenario, explorable, how, &way, &seen)?;
    let seen = with(&seen, |seen| seen.clone());
    let finding = violation.map(|violation| {
        let (schedule, by) = match seen.found.clone() {
            Some((schedule, scheduler, draw)) => (Some(schedule), Some((scheduler, draw))),
            None => (None, None),
        };
        Finding {
            violation,
            schedule,
            by,
        }
    });
    Ok((Explored::from(&seen), finding))
}

/// Runs a scenario again with one block under this schedule and the others serially; gives what is
/// violated, and who was paused where in that block.
///
/// # Errors
///
/// Where the machine failed, in words.
pub fn follow(
    scenario: &Scenario,
    schedule: &Schedule,
    explorable: &Arc<impl Explorable>,
) -> Result<(Option<Violation>, Vec<Pause>), String> {
    let seen: Shared<Seen> = Shared::default();
    let way = || Way::Followed(schedule.clone());
    let how = (schedule.workers, schedule.over_graph);
    let violation = run(scenario, explorable, how, &way, &seen)?;
    Ok((
        violation,
        with(&seen, |seen| std::mem::take(&mut seen.pauses)),
    ))
}

/// The smallest scenario in which some schedule of this plan shows the same.
#[must_use]
pub fn shrink(
    scenario: &Scenario,
    invariant: &str,
    plan: Plan,
    budget: u64,
    explorable: &Arc<impl Explorable>,
) -> Shrunk {
    let judge = |candidate: &Scenario| {
        let (_, finding) = explore(candidate, plan, explorable).ok()?;
        finding.map(|finding| finding.violation.invariant.name.to_owned())
    };
    shrink::shrink(scenario, invariant, budget, &judge)
}

/// The schedule with as few switches as still show the same: without any one of them it is not shown.
///
/// Costs one run a candidate, about `s log s` of them for `s` switches of which few matter.
#[must_use]
pub fn minimise(
    scenario: &Scenario,
    schedule: &Schedule,
    invariant: &str,
    explorable: &Arc<impl Explorable>,
) -> Schedule {
    let judge = |candidate: &Schedule| {
        let (violation, _) = follow(scenario, candidate, explorable).ok()?;
        violation.map(|violation| violation.invariant.name.to_owned())
    };
    let shrunk =
        lockstep_harness::shrink::shrink(schedule, &schedule::PASSES, invariant, u64::MAX, &judge);
    shrunk.smallest
}

/// Of what each scheduler finds in a scenario, the schedule with the fewest preemptions that shows
/// the same, made minimal, and who is paused where; `None` where none of this plan shows it.
///
/// A schedule that was drawn has many switches, and which of them are left depends on which are left
/// out first; so several are tried, those of few preemptions first.
#[must_use]
pub fn plainest(
    scenario: &Scenario,
    invariant: &str,
    plan: Plan,
    explorable: &Arc<impl Explorable>,
) -> Option<(Schedule, Vec<Pause>)> {
    const ENOUGH: usize = 1;
    const SEEDS: u64 = 4;
    const FEW_FIRST: [&[&str]; 4] = [&["pct 2"], &["pct 3"], &["uniform walk"], &["random"]];
    let mut best: Option<(Schedule, Vec<Pause>)> = None;
    let tries = (0..SEEDS).flat_map(|seed| FEW_FIRST.map(|schedulers| (seed, schedulers)));
    for (seed, schedulers) in tries {
        let plan = Plan {
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
        let Ok((_, pauses)) = follow(scenario, &least, explorable) else {
            continue;
        };
        let order =
            |(schedule, pauses): &(Schedule, Vec<Pause>)| (pauses.len(), schedule.switches.len());
        let one = (least, pauses);
        if best.as_ref().is_none_or(|best| order(&one) < order(best)) {
            best = Some(one);
        }
        if best
            .as_ref()
            .is_some_and(|(_, pauses)| pauses.len() <= ENOUGH)
        {
            break;
        }
    }
    best
}

/// Runs a scenario on the serial path and on one that is explored.
fn run(
    scenario: &Scenario,
    explorable: &Arc<impl Explorable>,
    how: (usize, bool),
    way: &dyn Fn() -> Way,
    seen: &Shared<Seen>,
) -> Result<Option<Violation>, String> {
    let setup =
        |genesis: &Genesis, hash_seed: u64| -> Result<Vec<Box<dyn Subject>>, SubjectError> {
            let mut subjects = explorable.beside(genesis, hash_seed)?;
            subjects.push(Box::new(UnderSchedules::new(
                Arc::clone(explorable),
                genesis,
                hash_seed,
                how,
                way(),
                Arc::clone(seen),
            )?));
            Ok(subjects)
        };
    match trial::run(scenario, &setup, &mut Coverage::default()) {
        Ok(_) => Ok(None),
        Err(Failure::Violation(violation)) => Ok(Some(violation)),
        Err(Failure::Infrastructure(reason)) => Err(reason),
    }
}

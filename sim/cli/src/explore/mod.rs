//! `lockstep explore`: blocks under schedules drawn by shuttle's schedulers.

use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use lockstep_bugs::buggy_executor::concurrent::ThreadBug;
use lockstep_bugs::buggy_executor::concurrent::under_shuttle::Explored as BuggyLedger;
use lockstep_bugs::{Bug, ENGINES, Effort};
use lockstep_harness::campaign::{
    self, Enough, Finding, Observer, Plan, RunId, Runs, SelfCheckFailed, Summary, Workload as _,
};
use lockstep_harness::exit::ExitCode;
use lockstep_harness::finding::Smaller;
use lockstep_harness::panic::silence_panics;
use lockstep_harness::schedule::Schedule;
use lockstep_harness::shrink::Budget;
use lockstep_harness::violation::{Failure, Violation};
use lockstep_sim::explore::{
    self, CoreLedger, Explorable, Exploration, Preemption, SCHEDULERS, Schedules,
};
use lockstep_sim::generate::Profile;
use lockstep_sim::reproducer::{LedgerRun, ScheduledRun};
use lockstep_sim::scenario::Scenario;

use crate::findings::FindingNote;
use crate::interrupt::UntilInterrupted;
use crate::kept::{self, ReplayResult};
use crate::report::{Fact, of_injected_bug, pair, say_pair, say_self_checks, say_verdict};
use crate::searching::Output;
use crate::{complain, say, values};

/// Default of the number of candidates that shrinking explores.
pub(crate) const BUDGET: u64 = 300;

/// Default of the number of schedules that each scheduler draws for a block.
const SCHEDULES: usize = 25;

#[derive(Debug, Args)]
pub(crate) struct Explore {
    /// Explore the scenario of each seed from A to B - 1, in place of --for
    #[arg(long, env = "LOCKSTEP_EXPLORE_SEEDS", value_name = "A..B", value_parser = values::seeds, conflicts_with = "duration")]
    seeds: Option<Range<u64>>,
    /// Continue for this time (30s, 5m), from seed 0 on [default: 20s]
    #[arg(long = "for", env = "LOCKSTEP_EXPLORE_FOR", value_name = "DURATION", value_parser = values::duration)]
    duration: Option<Duration>,
    /// Draw N schedules per block with each of the four schedulers
    #[arg(
        long,
        env = "LOCKSTEP_EXPLORE_SCHEDULES",
        value_name = "N",
        default_value_t = SCHEDULES
    )]
    schedules: usize,
    /// Explore a ledger with this seeded race in place of core (ids: `lockstep bugs --list`)
    #[arg(long, env = "LOCKSTEP_EXPLORE_INJECT_BUG", value_name = "ID", value_parser = seeded_bug(), hide_possible_values = true)]
    inject_bug: Option<ThreadBug>,
    /// Write the reproducers of findings to this folder
    #[arg(
        long,
        env = "LOCKSTEP_EXPLORE_OUT",
        value_name = "FOLDER",
        default_value = "reproducers"
    )]
    out: PathBuf,
}

fn seeded_bug() -> impl TypedValueParser<Value = ThreadBug> {
    PossibleValuesParser::new(ThreadBug::ALL.map(ThreadBug::id))
        .map(|id| ThreadBug::named(&id).expect("only the id of a seeded bug is possible"))
}

impl Explore {
    pub(crate) fn execute(self) -> ExitCode {
        if self.schedules == 0 {
            complain("--schedules 0 explores nothing; give 1 or more");
            return ExitCode::Usage;
        }
        match self.inject_bug {
            Some(bug) => self.explore(&Arc::new(BuggyLedger::new(Some(bug)))),
            None => self.explore(&Arc::new(CoreLedger)),
        }
    }

    fn explore<E: Explorable>(&self, explorable: &Arc<E>) -> ExitCode {
        let limit = self.duration.unwrap_or(Duration::from_secs(20));
        let of_time = self.seeds.is_none();
        let Range {
            start: from,
            end: to,
        } = self.seeds.clone().unwrap_or(0..u64::MAX);
        let command = match of_time {
            true => format!("lockstep explore --for {}s", limit.as_secs()),
            false => format!("lockstep explore --seeds {from}..{to}"),
        };
        say(format_args!(
            "{command} --schedules {}{}",
            self.schedules,
            self.injected()
        ));
        match self.inject_bug {
            Some(bug) => say_pair("subjects", format_args!("buggy executor with {bug}")),
            None => say_pair("subjects", "core on 2 to 4 workers"),
        }
        say_pair("reference", "the same subject, serial");
        say_pair("schedulers", SCHEDULERS.join(", "));
        let plan = Plan {
            enough: match of_time {
                true => Enough::Time(limit),
                false => Enough::AllRuns,
            },
            ..Plan::of(Runs::Seeds(from..to))
        };
        let workload = Schedules {
            explorable: Arc::clone(explorable),
            schedules: self.schedules,
            self_check,
        };
        let mut clock = UntilInterrupted::new();
        let mut summary = quietly(|| campaign::run(&plan, &workload, &mut clock));
        let id = self.inject_bug.map(ThreadBug::id);
        summary.verdict = of_injected_bug(summary.verdict, id, summary.runs);
        if let [finding, ..] = summary.verdict.findings() {
            let profile = workload.profile(finding.run);
            say_pair("scenario", profile);
            return self.report(finding, explorable);
        }
        print_summary(&summary);
        say_verdict(&summary.verdict);
        print_time(&summary, Observer::<Profile>::elapsed(&clock));
        summary.verdict.exit_code()
    }

    /// Writes the reproducers of a finding and prints it. The case is explored again to obtain the
    /// failing schedule.
    fn report<E: Explorable>(
        &self,
        finding: &Finding<Exploration>,
        explorable: &Arc<E>,
    ) -> ExitCode {
        let seed = finding.run.seed;
        let Exploration { scenario, plan } = &*finding.case;
        let explored = quietly(|| explore::explore(scenario, *plan, explorable));
        let found = explored.ok().and_then(|(_, found)| found);
        let schedule = found.and_then(|found| found.schedule);
        let run = (scenario, schedule);
        self.keep(explorable, seed, &finding.violation, run, *plan)
    }

    /// The flag that injects the seeded bug, with a space before it.
    fn injected(&self) -> String {
        let flag = self.inject_bug.map(|bug| format!(" --inject-bug {bug}"));
        flag.unwrap_or_default()
    }

    fn keep<E: Explorable>(
        &self,
        explorable: &Arc<E>,
        seed: u64,
        violation: &Violation,
        (scenario, schedule): (&Scenario, Option<Schedule>),
        plan: explore::SearchPlan,
    ) -> ExitCode {
        let invariant = violation.invariant.name;
        let note = FindingNote {
            violation,
            run: RunId { seed, run: 0 },
            place: vec![
                ("seed", seed.to_string()),
                ("step", violation.step.to_string()),
            ],
            transactions: scenario.transactions(),
            reproduce: format!(
                "lockstep explore --seeds {seed}..{} --schedules {}{}",
                seed + 1,
                self.schedules,
                self.injected()
            ),
            out: &self.out,
            name: format!("explore-{invariant}-seed{seed}"),
            seeded_bug: self.inject_bug.map(ThreadBug::id),
            is_announced: false,
        };
        match schedule {
            // A finding of the serial execution has no schedule.
            None => note.report(
                scenario.clone(),
                Output::Text,
                |whole: &LedgerRun, searching| {
                    let budget = searching.budget(BUDGET);
                    let shrunk = quietly(|| {
                        explore::shrink(&whole.scenario, invariant, plan, budget, explorable)
                    });
                    Some((kept::smaller_ledger(shrunk), Vec::new()))
                },
            ),
            Some(schedule) => {
                let run = ScheduledRun {
                    scenario: scenario.clone(),
                    schedule,
                };
                note.report(run, Output::Text, |whole: &ScheduledRun, searching| {
                    let budget = searching.budget(BUDGET);
                    Some(smaller(whole, invariant, plan, budget, explorable))
                })
            }
        };
        violation.exit_code()
    }
}

/// Checks that a seeded race of the buggy executor is detected under drawn schedules.
fn self_check(seed: u64) -> Result<Vec<String>, SelfCheckFailed> {
    const BUG: &str = "fee-read-modify-write";
    const SCHEDULES: u64 = 20_000;
    let failed = |got: String| SelfCheckFailed {
        bug: BUG.to_owned(),
        found_by: "an invariant".to_owned(),
        got,
    };
    let bug = Bug::named(BUG).ok_or_else(|| failed("it is in no catalogue".to_owned()))?;
    let engine = ENGINES.iter().find(|engine| engine.name() == "random");
    let engine = engine.ok_or_else(|| failed("there is no such engine".to_owned()))?;
    let search = engine
        .search(bug, seed, &Effort::of(SCHEDULES))
        .map_err(failed)?;
    match search.found {
        Some(_) => Ok(vec![BUG.to_owned()]),
        None => Err(failed(format!("nothing under {} schedules", search.runs))),
    }
}

fn print_summary(summary: &Summary<Exploration>) {
    let total = |of| summary.coverage.total(of);
    say_self_checks(&summary.self_checks);
    say_pair("scenarios", summary.runs);
    say_pair("blocks", total("blocks"));
    say_pair("transactions", total("transactions"));
    let schedules = total("schedules");
    let distinct = total("distinct schedules");
    say_pair(
        "schedules",
        format_args!("{schedules}, {distinct} distinct"),
    );
    let each = |of| total(of) as f64 / schedules.max(1) as f64;
    say_pair(
        "decisions",
        format_args!("{:.0} per schedule", each("decisions")),
    );
    say_pair(
        "preemptions",
        format_args!(
            "{:.1} per schedule, at most {}",
            each("preemptions"),
            total("most preemptions")
        ),
    );
    let (armed, met) = (total("faults armed"), total("faults met"));
    say_pair(
        "faults",
        format_args!("{armed} armed before a block, met under {met} schedules"),
    );
}

/// Prints the time to standard error, because standard output is the same in every run of the same
/// seeds.
fn print_time(summary: &Summary<Exploration>, took: Duration) {
    let seconds = took.as_secs_f64();
    let rate = summary.coverage.total("schedules") as f64 / seconds.max(0.001);
    let value = format!("{seconds:.1} s, {rate:.0} schedules/s");
    let _ = writeln!(std::io::stderr(), "  {}", pair("time", value));
}

/// Reason why a run with a schedule cannot be replayed: none in this build.
pub(crate) const LEFT_OUT: Option<&str> = None;

/// Replays a block under its schedule.
pub(crate) fn follow(run: &ScheduledRun, bug: Option<ThreadBug>) -> ReplayResult {
    let ScheduledRun { scenario, schedule } = run;
    let followed = quietly(|| match bug {
        None => explore::replay(scenario, schedule, &Arc::new(CoreLedger)),
        Some(bug) => explore::replay(scenario, schedule, &Arc::new(BuggyLedger::new(Some(bug)))),
    });
    let (outcome, pauses) = match followed {
        Ok((None, pauses)) => (Ok(vec![("result", "same as serial".to_owned())]), pauses),
        Ok((Some(violation), pauses)) => (Err(Failure::Violation(violation)), pauses),
        Err(reason) => (Err(Failure::Infrastructure(reason)), Vec::new()),
    };
    ReplayResult {
        outcome,
        unit: "step",
        notes: explained(&run.schedule, &pauses),
        trace: None,
    }
}

/// Shrinks a run from a file, with the same number of workers and in the same execution mode.
pub(crate) fn smaller_of_file(
    run: &ScheduledRun,
    bug: Option<ThreadBug>,
    invariant: &str,
    budget: Budget<'_>,
) -> Smaller<ScheduledRun> {
    let plan = explore::SearchPlan {
        workers: run.schedule.workers,
        over_graph: run.schedule.over_graph,
        ..explore::SearchPlan::of_seed(0, SCHEDULES)
    };
    match bug {
        None => smaller(run, invariant, plan, budget, &Arc::new(CoreLedger)).0,
        Some(bug) => {
            let explorable = Arc::new(BuggyLedger::new(Some(bug)));
            smaller(run, invariant, plan, budget, &explorable).0
        }
    }
}

/// Shrinks a run to the smallest scenario that violates the invariant under a schedule of this plan,
/// with the simplest such schedule, and facts about that. Where the plan finds none, the scenario stays and the switches of
/// its schedule are reduced.
fn smaller<E: Explorable>(
    run: &ScheduledRun,
    invariant: &str,
    plan: explore::SearchPlan,
    budget: Budget<'_>,
    explorable: &Arc<E>,
) -> (Smaller<ScheduledRun>, Vec<Fact>) {
    let shrunk = quietly(|| explore::shrink(&run.scenario, invariant, plan, budget, explorable));
    let words = shrunk.to_string();
    let plainest =
        quietly(|| explore::simplest_schedule(&shrunk.smallest, invariant, plan, explorable));
    let (scenario, schedule, pauses) = match plainest {
        Some((schedule, pauses)) => (shrunk.smallest, schedule, pauses),
        None => {
            let least =
                quietly(|| explore::minimise(&run.scenario, &run.schedule, invariant, explorable));
            let followed = quietly(|| explore::replay(&run.scenario, &least, explorable));
            let pauses = followed.map_or_else(|_| Vec::new(), |(_, pauses)| pauses);
            (run.scenario.clone(), least, pauses)
        }
    };
    let facts = explained(&schedule, &pauses);
    let lines = facts.iter().map(|(key, value)| pair(key, value));
    let smaller = Smaller {
        shrunk: words,
        remarks: lines.collect(),
        payload: ScheduledRun { scenario, schedule },
    };
    (smaller, facts)
}

/// Facts about a schedule, with a line for each pause of a thread.
fn explained(schedule: &Schedule, pauses: &[Preemption]) -> Vec<Fact> {
    let mut facts = vec![
        ("workers", schedule.workers.to_string()),
        ("block", schedule.block.to_string()),
        ("switches", schedule.switches.len().to_string()),
        ("preemptions", pauses.len().to_string()),
    ];
    facts.extend(pauses.iter().map(|pause| ("", pause.to_string())));
    facts
}

/// Silences panic messages meanwhile, because each panic is reported as a finding.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    explore::install_shuttle_panic_hook();
    silence_panics(work)
}

#[cfg(test)]
mod tests {
    use lockstep_harness::choice::Seeded;
    use lockstep_harness::invariant::NEVER_PANICS;
    use lockstep_harness::schedule::Switch;
    use lockstep_sim::generate::{self, Size};
    use lockstep_sim::reproducer::ScheduledReproducer;
    use lockstep_sim::scenario::Step;

    use super::*;

    #[test]
    fn a_finding_is_kept_unshrunk_and_shrunk() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let (_, mut scenario) = generate::scenario(&mut Seeded::new(1, 0), Size::SMALL);
        scenario.steps.retain(|step| matches!(step, Step::Block(_)));
        scenario.steps.truncate(1);
        let schedule = Schedule {
            workers: 2,
            over_graph: true,
            block: 0,
            switches: vec![Switch(0, 5, 1)],
        };
        // Core violates nothing, so no candidate does.
        let subject = "core, graph on 2 workers, under schedules";
        let violation = Violation::of(&NEVER_PANICS, 0, subject, "on purpose");
        let explore = Explore {
            seeds: None,
            duration: None,
            schedules: 1,
            inject_bug: None,
            out: folder.path().to_path_buf(),
        };
        let plan = explore::SearchPlan::of_seed(1, 1);
        let core = Arc::new(CoreLedger);
        let run = (&scenario, Some(schedule.clone()));
        let exit_code = explore.keep(&core, 9, &violation, run, plan);
        assert_eq!(exit_code, ExitCode::Violated);
        let read = |name: &str| ScheduledReproducer::read(&folder.path().join(name));
        let whole = read("explore-never-panics-seed9.unshrunk.repro").expect("it is kept whole");
        let expected = ScheduledRun { scenario, schedule };
        assert_eq!(whole.payload, expected);
        let small = read("explore-never-panics-seed9.repro").expect("it is kept small");
        assert_eq!(small.shows, "never-panics");
    }
}

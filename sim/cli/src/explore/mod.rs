//! `lockstep explore`: blocks under many schedules.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use lockstep_bugs::{Bug, ENGINES, Effort};
use lockstep_harness::campaign::{
    self, Ended, Enough, Finding, Observer, Plan, RunId, Runs, SelfCheckFailed, Summary, Verdict,
    Workload as _,
};
use lockstep_harness::exit::ExitCode;
use lockstep_harness::panic::silence_panics;
use lockstep_harness::schedule::Schedule;
use lockstep_sim::explore::{self, CoreLedger, Exploration, Pause, SCHEDULERS, Schedules};
use lockstep_sim::generate::Profile;
use lockstep_sim::reproducer::Reproducer;

use crate::{complain, say, values};

/// The most candidates that shrinking judges: each is explored.
const BUDGET: u64 = 300;

#[derive(Debug, Args)]
pub(crate) struct Explore {
    /// Explore the scenarios of these seeds, `A..B`
    #[arg(long, env = "LOCKSTEP_EXPLORE_SEEDS", value_name = "A..B", value_parser = values::seeds, conflicts_with = "duration")]
    seeds: Option<Range<u64>>,
    /// Explore for so long, e.g. 30s or 5m [default: 20s]
    #[arg(long = "for", env = "LOCKSTEP_EXPLORE_FOR", value_name = "DURATION", value_parser = values::duration)]
    duration: Option<Duration>,
    /// How many schedules each of the four schedulers draws for a block
    #[arg(
        long,
        env = "LOCKSTEP_EXPLORE_SCHEDULES",
        value_name = "N",
        default_value_t = 25
    )]
    schedules: usize,
    /// Where reproducers are written
    #[arg(long, env = "LOCKSTEP_EXPLORE_OUT", default_value = "findings")]
    out: PathBuf,
}

impl Explore {
    pub(crate) fn execute(self) -> ExitCode {
        if self.schedules == 0 {
            complain("--schedules 0 explores nothing; ask for 1 or more");
            return ExitCode::Usage;
        }
        let core = Arc::new(CoreLedger);
        let limit = self.duration.unwrap_or(Duration::from_secs(20));
        let of_time = self.seeds.is_none();
        let Range {
            start: from,
            end: to,
        } = self.seeds.clone().unwrap_or(0..u64::MAX);
        say(format_args!(
            "lockstep explore: {}, {} schedules of each of {} for a block",
            match of_time {
                true => format!("for {limit:?} from seed {from}"),
                false => format!("seeds {from}..{to}"),
            },
            self.schedules,
            SCHEDULERS.join(", ")
        ));
        let plan = Plan {
            enough: match of_time {
                true => Enough::Time(limit),
                false => Enough::AllRuns,
            },
            ..Plan::of(Runs::Seeds(from..to))
        };
        let workload = Schedules {
            explorable: Arc::clone(&core),
            schedules: self.schedules,
            self_check,
        };
        let mut clock = Clock(Instant::now());
        let summary = quietly(|| campaign::run(&plan, &workload, &mut clock));
        if let [finding, ..] = summary.verdict.findings() {
            let profile = workload.profile(finding.run);
            say(format_args!("seed {}: {profile}", finding.run.seed));
            return self.report(finding, &core);
        }
        print_summary(&summary, clock.0.elapsed());
        match &summary.verdict {
            Verdict::Passed => say("passed: every block came to the same under every schedule"),
            verdict => say(verdict),
        }
        summary.verdict.exit_code()
    }

    fn report(&self, finding: &Finding<Exploration>, core: &Arc<CoreLedger>) -> ExitCode {
        let violation = &finding.violation;
        let seed = finding.run.seed;
        let Exploration { scenario, plan } = &*finding.case;
        let plan = *plan;
        say(format_args!(
            "violated: {} after step {}, by {}\n  {}",
            violation.invariant, violation.step, violation.subject, violation.detail
        ));
        let shrunk =
            quietly(|| explore::shrink(scenario, violation.invariant.name, plan, BUDGET, core));
        say(format_args!("  {shrunk}"));
        let least =
            quietly(|| explore::plainest(&shrunk.smallest, violation.invariant.name, plan, core));
        let mut reproducer = Reproducer::new(violation.invariant.name, shrunk.smallest.clone());
        let mut remark = format!("lockstep explore --seeds {seed}..{}\n{shrunk}", seed + 1);
        if let Some((least, pauses)) = least {
            explain(&least, &pauses);
            remark.extend(pauses.iter().map(|pause| format!("\n{pause}")));
            reproducer = reproducer.under(least);
        }
        let file = self.out.join(format!("explore-{seed}.repro"));
        let written = std::fs::create_dir_all(&self.out)
            .map_err(|error| error.to_string())
            .and_then(|()| {
                reproducer
                    .write(&file, &remark)
                    .map_err(|error| error.to_string())
            });
        match written {
            Ok(()) => say(format_args!(
                "  replay     lockstep replay {}",
                file.display()
            )),
            Err(reason) => complain(reason),
        }
        violation.exit_code()
    }
}

/// The clock of a campaign that is watched for nothing else.
struct Clock(Instant);

impl Observer<Profile> for Clock {
    fn drawn(&mut self, _: RunId, _: &Profile) {}
    fn ended(&mut self, _: &Profile, _: &Ended) {}
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Looks for a seeded race of the buggy executor, under schedules that are drawn.
fn self_check(seed: u64) -> Result<Vec<String>, SelfCheckFailed> {
    const BUG: &str = "fee-read-modify-write";
    const SCHEDULES: u64 = 20_000;
    let failed = |said: String| SelfCheckFailed {
        bug: BUG.to_owned(),
        found_by: "an invariant".to_owned(),
        said,
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

fn print_summary(summary: &Summary<Exploration>, took: Duration) {
    let total = |of| summary.coverage.total(of);
    for bug in &summary.self_checks {
        say(format_args!("  planted      {bug}: found"));
    }
    say(format_args!(
        "  drawn        {} scenarios, {} blocks, {} transactions, 2 to 4 workers",
        summary.runs,
        total("blocks"),
        total("transactions")
    ));
    let schedules = total("schedules");
    say(format_args!(
        "  schedules    {schedules}, {} of them distinct, {:.0} a second",
        total("distinct schedules"),
        schedules as f64 / took.as_secs_f64()
    ));
    let each = |of| total(of) as f64 / schedules.max(1) as f64;
    say(format_args!(
        "  preemptions  {:.1} a schedule, at most {}, of {:.0} decisions",
        each("preemptions"),
        total("most preemptions"),
        each("decisions"),
    ));
}

/// A reproducer with a schedule.
pub(crate) fn replay(reproducer: &Reproducer, file: &str) -> ExitCode {
    let Some(schedule) = &reproducer.schedule else {
        complain(format_args!("{file} has no schedule"));
        return ExitCode::Usage;
    };
    let core = Arc::new(CoreLedger);
    say(format_args!("lockstep replay {file}"));
    match quietly(|| explore::follow(&reproducer.scenario, schedule, &core)) {
        Ok((violation, pauses)) => {
            explain(schedule, &pauses);
            match violation {
                None => {
                    say("passed");
                    ExitCode::Passed
                }
                Some(violation) => {
                    say(format_args!(
                        "violated: {} after step {}, by {}\n  {}",
                        violation.invariant, violation.step, violation.subject, violation.detail
                    ));
                    violation.exit_code()
                }
            }
        }
        Err(reason) => {
            complain(reason);
            ExitCode::Infrastructure
        }
    }
}

fn explain(schedule: &Schedule, pauses: &[Pause]) {
    say(format_args!(
        "  schedule   {} workers, block {}, {} switches, {} preemptions",
        schedule.workers,
        schedule.block,
        schedule.switches.len(),
        pauses.len()
    ));
    for pause in pauses {
        say(format_args!("    {pause}"));
    }
}

/// Without a word about panics: each is a finding that is reported.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    explore::let_shuttle_take_the_panic_hook();
    silence_panics(work)
}

//! `lockstep explore`: blocks under many schedules.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use lockstep_harness::choice::Seeded;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::panic::silence_panics;
use lockstep_harness::schedule::Schedule;
use lockstep_sim::explore::{self, CoreLedger, Explored, Finding, Pause, Plan, SCHEDULERS};
use lockstep_sim::generate::{self, Size};
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::scenario::Scenario;

use crate::{complain, say, values};

/// Blocks of 3 to 30 transactions.
const SIZE: Size = Size {
    blocks: 3,
    transactions: 30,
    accounts: 8,
};

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
        let start = Instant::now();
        let mut sum = Explored::default();
        let (mut scenarios, mut transactions) = (0u64, 0u64);
        for seed in from..to {
            if of_time && scenarios > 0 && start.elapsed() >= limit {
                break;
            }
            let (profile, scenario) = generate::scenario(&mut Seeded::new(seed, 0), SIZE);
            let plan = Plan::of_seed(seed, self.schedules);
            let (explored, finding) = match quietly(|| explore::explore(&scenario, plan, &core)) {
                Ok(explored) => explored,
                Err(reason) => {
                    complain(reason);
                    return ExitCode::Infrastructure;
                }
            };
            scenarios += 1;
            transactions += scenario.transactions() as u64;
            sum = sum.and(explored);
            if let Some(finding) = finding {
                say(format_args!("seed {seed}: {profile}"));
                return self.report(seed, &scenario, plan, &finding, &core);
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        say(format_args!(
            "  drawn        {scenarios} scenarios, {} blocks, {transactions} transactions, \
             2 to 4 workers",
            sum.blocks
        ));
        say(format_args!(
            "  schedules    {}, {} of them distinct, {:.0} a second",
            sum.schedules,
            sum.distinct,
            sum.schedules as f64 / seconds
        ));
        say(format_args!(
            "  preemptions  {:.1} a schedule, at most {}, of {:.0} decisions",
            sum.preemptions as f64 / sum.schedules.max(1) as f64,
            sum.most_preemptions,
            sum.decisions as f64 / sum.schedules.max(1) as f64,
        ));
        if sum.distinct < 2 {
            complain("vacuous: no two schedules differ");
            return ExitCode::Vacuous;
        }
        say("passed: every block came to the same under every schedule");
        ExitCode::Passed
    }

    fn report(
        &self,
        seed: u64,
        scenario: &Scenario,
        plan: Plan,
        finding: &Finding,
        core: &Arc<CoreLedger>,
    ) -> ExitCode {
        let violation = &finding.violation;
        say(format_args!(
            "violated: {} after step {}, by {}\n  {}",
            violation.invariant, violation.step, violation.subject, violation.detail
        ));
        if let Some((scheduler, draw)) = finding.by {
            say(format_args!("  found by   {scheduler}, schedule {draw}"));
        }
        let shrunk =
            quietly(|| explore::shrink(scenario, &violation.invariant, plan, BUDGET, core));
        say(format_args!("  {shrunk}"));
        let least =
            quietly(|| explore::plainest(&shrunk.smallest, &violation.invariant, plan, core));
        let mut reproducer = Reproducer::new(&violation.invariant, shrunk.smallest.clone());
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
        violation.exit_code
    }
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
                    violation.exit_code
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

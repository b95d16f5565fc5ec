//! Campaign of a program that tests one executor.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::campaign::{
    self, Ended, Enough, Finding, Observer, Plan, RunId, Runs, Shard, Summary, Workload as _,
};
use crate::coverage::Coverage;
use crate::exit::ExitCode;
use crate::finding::{Smaller, write_small, write_whole};
use crate::report::{
    as_line, of_seed, say, say_coverage, say_facts, say_pair, say_second_verdict, say_self_checks,
    say_verdict, say_violation,
};
use crate::reproducer::Reproducer;
use crate::shards::{FindingRecord, Record, RunRecord, VerdictRecord, build};
use crate::shrink::Budget;
use crate::values;
use crate::violation::Violation;

use super::super::SYSTEM;
use super::super::adapter::Adapter;
use super::super::case::{Case, CaseRun};
use super::super::child::MUTE_MARGIN;
use super::super::shrinking::BUDGET;
use super::super::workload::Trials;
use super::arguments::{Arguments, count};
use super::{complain, settings};

/// Cases of a campaign of which no number is given.
const RUNS: u64 = 1_000;

/// Everything that the parts of a campaign need.
struct RunCommand<'r, A: Adapter> {
    trials: Trials<'r, A>,
    plan: Plan,
    focus: &'static str,
    out: PathBuf,
    budget: u64,
    lanes: usize,
    is_json: bool,
    program: &'r str,
    build: String,
    begun: Instant,
}

pub(super) fn execute<A: Adapter + Sync>(
    adapter: &A,
    program: &str,
    arguments: &Arguments,
) -> Result<ExitCode, String> {
    let (command, settings) = settings(arguments)?;
    let plan = plan(arguments, settings.limits.long)?;
    let build = build().map_err(|error| format!("this program's file cannot be read: {error}"))?;
    let run = RunCommand {
        trials: Trials::isolated(adapter, command, settings),
        plan,
        focus: if settings.must_be_parallel {
            "parallel"
        } else {
            "default"
        },
        out: PathBuf::from(
            arguments
                .get("--out", |text| Ok(text.to_owned()))?
                .unwrap_or_else(|| "reproducers".to_owned()),
        ),
        budget: arguments.get("--budget", count)?.unwrap_or(BUDGET),
        lanes: lanes(arguments)?,
        is_json: arguments.has("--json"),
        program,
        build,
        begun: Instant::now(),
    };
    Ok(run.campaign())
}

/// Number of cases at a time.
fn lanes(arguments: &Arguments) -> Result<usize, String> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = arguments.get("--jobs", count)?;
    Ok(jobs.map_or_else(cores, |jobs| usize::try_from(jobs.min(256)).unwrap_or(1)))
}

/// The plan that the flags ask for.
fn plan(arguments: &Arguments, limit: Duration) -> Result<Plan, String> {
    let seed = arguments.get("--seed", values::seed)?;
    let runs = arguments.get("--runs", count)?;
    let seeds = arguments.get("--seeds", values::seeds)?;
    let only = arguments.get("--only", values::seed)?;
    let time = arguments.get("--for", values::duration)?;
    let shard = arguments.get("--shard", values::shard)?;
    if seeds.is_some() && (seed.is_some() || runs.is_some() || only.is_some()) {
        return Err("--seeds has a case for each seed; omit --seed, --runs and --only".to_owned());
    }
    if runs.is_some() && time.is_some() {
        return Err("--runs and --for are two ends of a campaign; omit one".to_owned());
    }
    let runs_of_seed = runs.unwrap_or(RUNS);
    let seed = seed.unwrap_or(1);
    let enough = match (time, &seeds, only) {
        (Some(time), _, _) => Enough::Time(time),
        (None, None, None) => Enough::Totals(vec![("cases", runs_of_seed)]),
        _ => Enough::AllRuns,
    };
    let runs = match (seeds, only) {
        (Some(seeds), _) => Runs::Seeds(seeds),
        (None, Some(run)) => Runs::One(RunId { seed, run }),
        (None, None) => Runs::OfSeed(seed),
    };
    Ok(Plan {
        shard: shard.unwrap_or(Shard::WHOLE),
        enough,
        repeat_every: arguments.get("--repeat-every", count)?.unwrap_or(8),
        most_findings: usize::try_from(arguments.get("--findings", count)?.unwrap_or(1))
            .unwrap_or(usize::MAX),
        is_self_checked: only.is_none(),
        run_timeout: limit + MUTE_MARGIN,
        ..Plan::of(runs)
    })
}

impl<A: Adapter + Sync> RunCommand<'_, A> {
    fn campaign(mut self) -> ExitCode {
        if !self.is_json {
            say(self.command());
            say_pair("executor", A::NAME);
            say_pair("reference", A::REFERENCE.sentence());
            say_pair("isolation", self.trials.isolation());
        }
        self.begun = Instant::now();
        let lane = self.trials.lane();
        let summary = campaign::run_on_lanes(
            &self.plan,
            &self.trials,
            self.lanes,
            || lane.trials(),
            &mut Watch(&self),
        );
        if !self.is_json {
            say_summary(&summary);
        }
        let findings = summary.verdict.findings().iter();
        let findings: Vec<FindingRecord> = findings.map(|finding| self.report(finding)).collect();
        let elapsed = self.begun.elapsed();
        if self.is_json {
            let verdict = VerdictRecord::new(
                &self.plan,
                SYSTEM,
                self.focus,
                0,
                &summary,
                findings,
                as_ms(elapsed),
                &self.build,
            );
            say(as_line(&Record::Verdict(Box::new(verdict))));
        } else {
            match summary.verdict.findings() {
                [] => say_verdict(&summary.verdict),
                _ => say_second_verdict(&summary),
            }
            // Standard output is the same in every run.
            let transactions = summary.coverage.total("transactions");
            let seconds = elapsed.as_secs_f64().max(0.001);
            complain(format_args!(
                "  time          {seconds:.1} s, {:.0} cases/s, {:.0} transactions/s",
                summary.runs as f64 / seconds,
                transactions as f64 / seconds
            ));
        }
        summary.verdict.exit_code()
    }

    /// Command that repeats the campaign, its end and its shard aside.
    fn command(&self) -> String {
        match &self.plan.runs {
            Runs::OfSeed(seed) => format!("{} run --seed {seed}", self.program),
            Runs::Seeds(_) => format!("{} run --seeds {}", self.program, self.plan.runs),
            Runs::One(run) => self.reproduce(*run),
        }
    }

    /// Command that repeats a run.
    fn reproduce(&self, run: RunId) -> String {
        format!(
            "{} run --seed {} --only {}",
            self.program, run.seed, run.run
        )
    }

    fn whole(&self, case: Case<A>, violation: &Violation) -> Reproducer<CaseRun<A>> {
        let class = self.trials.class_of(violation);
        let class = class.map_or_else(String::new, |class| class.to_string());
        Reproducer::new(violation.invariant.name, CaseRun::new(case, &class))
    }

    fn name(run: RunId, violation: &Violation) -> String {
        format!("{}-seed{}-run{}", violation.invariant, run.seed, run.run)
    }

    fn remark(&self, run: RunId, violation: &Violation) -> String {
        format!(
            "{} violated by {}\n{}\nreproduce: {}",
            violation.invariant,
            violation.subject,
            violation.detail,
            self.reproduce(run)
        )
    }

    /// Keeps the case as drawn, and prints the finding: before anything else happens to it.
    fn announce(&self, run: RunId, violation: &Violation) {
        let (_, case) = self.trials.draw(run);
        let size = case.transactions() as u64;
        let in_words = case.to_string();
        let whole = self.whole(case, violation);
        let (name, remark) = (Self::name(run, violation), self.remark(run, violation));
        let written = write_whole(&self.out, &name, &whole, &remark);
        let unshrunk = written.map_err(complain_of_file).ok();
        if self.is_json {
            let mut record = FindingRecord::first(run, violation, size);
            record.unshrunk = unshrunk;
            return say(as_line(&Record::Finding(record)));
        }
        let place = [
            ("run", of_seed(run)),
            ("block", violation.step.to_string()),
            ("case", in_words),
        ];
        let mut more = vec![
            ("class", whole.payload.class.clone()),
            ("reproduce", self.reproduce(run)),
        ];
        more.extend(unshrunk.map(|file| self.replay(&file)));
        say_violation(violation, &place, &more);
    }

    fn replay(&self, file: &str) -> (&'static str, String) {
        ("replay", format!("{} replay {file}", self.program))
    }

    /// Shrinks a finding and keeps the smallest case.
    fn report(&self, finding: &Finding<Case<A>>) -> FindingRecord {
        let (run, violation) = (finding.run, &finding.violation);
        let mut record = FindingRecord::new(finding, finding.case.transactions() as u64);
        let name = Self::name(run, violation);
        record.unshrunk = Some(
            self.out
                .join(format!("{name}.unshrunk.repro"))
                .display()
                .to_string(),
        );
        let Some(class) = self.trials.class_of(violation) else {
            return record;
        };
        let budget = Budget::of(self.budget);
        let small = self.trials.shrink(&finding.case, &class, budget);
        let shrunk = small.in_words();
        record.shrunk = Some(shrunk.clone());
        record.size = small.shrunk.smallest.transactions() as u64;
        let smaller = Smaller {
            payload: CaseRun::new(small.shrunk.smallest.clone(), &class.to_string()),
            shrunk: shrunk.clone(),
            remarks: Vec::new(),
        };
        let whole = self.whole((*finding.case).clone(), violation);
        let remark = self.remark(run, violation);
        let written = write_small(&self.out, &name, &whole, smaller, &remark);
        record.reproducer = written.map_err(complain_of_file).ok();
        if !self.is_json {
            say_pair("shrunk", shrunk.strip_prefix("shrunk ").unwrap_or(&shrunk));
            if let Some(file) = &record.reproducer {
                say_facts(&[self.replay(file)]);
            }
        }
        record
    }
}

/// Observer of a campaign: prints JSON records of runs, and findings as they are found.
struct Watch<'w, 'r, A: Adapter>(&'w RunCommand<'r, A>);

impl<A: Adapter + Sync> Observer<String> for Watch<'_, '_, A> {
    fn drawn(&mut self, _: RunId, _: &String) {}

    fn ended(&mut self, profile: &String, ended: &Ended) {
        let run = self.0;
        if run.is_json {
            let elapsed = as_ms(run.begun.elapsed());
            let scenario = profile.clone();
            let record = RunRecord::new(&run.plan, run.focus, scenario, ended, elapsed, &run.build);
            say(as_line(&Record::Run(record)));
        }
    }

    fn elapsed(&self) -> Duration {
        self.0.begun.elapsed()
    }

    fn found(&mut self, run: RunId, violation: &Violation) {
        self.0.announce(run, violation);
    }
}

fn as_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn complain_of_file(error: crate::reproducer::ReproducerError) {
    complain(format_args!(
        "the reproducer could not be written: {error}; name another folder with --out"
    ));
}

fn say_summary<C>(summary: &Summary<C>) {
    let coverage = &summary.coverage;
    say_self_checks(&summary.self_checks);
    say_pair(
        "cases",
        format_args!(
            "{}, and {} repetitions with other numbers of workers",
            summary.runs, summary.repeated
        ),
    );
    say_facts(&measured(coverage));
    say_coverage(coverage, SYSTEM, "executor");
    if !summary.digest.is_of_nothing() {
        say_pair("digest", summary.digest);
    }
}

/// Facts about the quantities, the conflicts and the parallelism of a campaign.
pub(super) fn measured(coverage: &Coverage) -> Vec<(&'static str, String)> {
    let [blocks, transactions] = ["blocks", "transactions"].map(|of| coverage.total(of));
    let changed = coverage.of("swap: changed the result");
    let swaps = changed + coverage.of("swap: changed nothing");
    let parallelism = match coverage.of("parallelism: measured") {
        0 => "not measured".to_owned(),
        measured => format!(
            "measured in {measured} blocks, several workers at once in {}",
            coverage.of("parallelism: several workers at once")
        ),
    };
    vec![
        ("transactions", format!("{transactions} in {blocks} blocks")),
        (
            "conflicts",
            format!("{changed} of {swaps} swaps of neighbours changed the result"),
        ),
        ("parallelism", parallelism),
    ]
}

//! `lockstep run`: a campaign.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use lockstep_harness::campaign::{
    Campaign, Enough, Plan, Repetition, RunId, Runs, Shard, Verdict, Workload,
};
use lockstep_harness::exit::ExitCode;
use lockstep_harness::processes::{self, Processes, Terms, Work};
use lockstep_harness::shards::{self, Record, VerdictRecord};
use lockstep_sim::campaign::{CoreSubjects, Ledgers};
use lockstep_sim::generate::Preset;
use lockstep_sim::scenario::Scenario;
use lockstep_sim::shrink::BUDGET;
use lockstep_sim::tally::{SYSTEM, totals};

use super::watch::{Summary, Watch, as_line};
use super::{check_environment, complain, findings, say, scratch_folder, values};

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Decides everything that is drawn: a number, or a commit (the first 16 of up to 40
    /// hexadecimal digits count)
    #[arg(long, env = "LOCKSTEP_RUN_SEED", default_value = "1", value_parser = values::seed)]
    seed: u64,
    /// Do the first run of each of these seeds, the last one not included, in place of the runs of
    /// one seed
    #[arg(long, env = "LOCKSTEP_RUN_SEEDS", value_name = "A..B", value_parser = values::seeds)]
    seeds: Option<Range<u64>>,
    /// What the campaign is about
    #[arg(long, env = "LOCKSTEP_RUN_PROFILE", default_value = "default", value_parser = values::preset())]
    profile: Preset,
    /// Do every n-th run, from the k-th on; what must be reached is then asked of all shards
    /// together, by `lockstep merge`
    #[arg(long, env = "LOCKSTEP_RUN_SHARD", value_name = "K/N", default_value = "0/1", value_parser = values::shard)]
    shard: Shard,
    /// Go on until at least so many blocks were taken, by all shards together
    #[arg(long, env = "LOCKSTEP_RUN_BLOCKS", default_value_t = 300)]
    blocks: u64,
    /// Go on until at least so many transactions were in them
    #[arg(long, env = "LOCKSTEP_RUN_TRANSACTIONS", default_value_t = 30_000)]
    transactions: u64,
    /// Go on for so long, in place of the two above, e.g. 60s or 10m
    #[arg(long = "for", env = "LOCKSTEP_RUN_FOR", value_name = "DURATION", value_parser = values::duration)]
    duration: Option<Duration>,
    /// Do this one run of the seed only, as a report names it
    #[arg(long, env = "LOCKSTEP_RUN_ONLY", value_name = "RUN", conflicts_with_all = ["duration", "seeds", "shard"])]
    only: Option<u64>,
    /// Go on until so many findings, those of one kind counted each
    #[arg(long, env = "LOCKSTEP_RUN_FINDINGS", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    findings: u64,
    /// Changes the seed of every hash map of the ledger; no result may depend on it
    #[arg(long, env = "LOCKSTEP_RUN_HASH_SEED", default_value_t = 0)]
    hash_seed: u64,
    /// Do every run twice, the second time with other numbers of workers and another hash seed, and
    /// compare everything that is observed, step by step
    #[arg(long, env = "LOCKSTEP_RUN_DOUBLECHECK", value_parser = BoolishValueParser::new())]
    doublecheck: bool,
    /// Do every so many runs twice
    #[arg(long, env = "LOCKSTEP_RUN_TWICE_EVERY", value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    twice_every: u64,
    /// Do every so many runs once more in a process of its own; 0 for none
    #[arg(
        long,
        env = "LOCKSTEP_RUN_ELSEWHERE_EVERY",
        value_name = "N",
        default_value_t = 16
    )]
    elsewhere_every: u64,
    /// Processes at once, 8 runs each [default: one a core]
    #[arg(long, env = "LOCKSTEP_RUN_JOBS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// A run that takes longer than this is a finding: it does not end
    #[arg(long, env = "LOCKSTEP_RUN_PATIENCE", value_name = "DURATION", default_value = "5m", value_parser = values::duration)]
    patience: Duration,
    /// Where the ledgers' files are while this runs [default: the system's temporary folder]
    #[arg(long, env = "LOCKSTEP_RUN_DIR")]
    dir: Option<PathBuf>,
    /// Where reproducers are written if something is found
    #[arg(long, env = "LOCKSTEP_RUN_OUT", default_value = "reproducers")]
    out: PathBuf,
    /// Try at most so many smaller runs for each kind of finding
    #[arg(long, env = "LOCKSTEP_RUN_BUDGET", value_name = "N", default_value_t = BUDGET)]
    budget: u64,
    /// Print one JSON record a run and one for the verdict, in place of text; `lockstep merge`
    /// reads them
    #[arg(long, env = "LOCKSTEP_RUN_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
    /// Print no progress, and not what it took
    #[arg(long, env = "LOCKSTEP_RUN_QUIET", value_parser = BoolishValueParser::new())]
    quiet: bool,
}

impl Run {
    pub(super) fn execute(self) -> ExitCode {
        if let Err(error) = check_environment() {
            complain(error);
            return ExitCode::Usage;
        }
        let folder = match scratch_folder(self.dir.as_deref()) {
            Ok(folder) => folder,
            Err(reason) => {
                complain(reason);
                return ExitCode::Infrastructure;
            }
        };
        let build = match shards::build() {
            Ok(build) => build,
            Err(error) => {
                complain(format_args!("the program cannot read itself: {error}"));
                return ExitCode::Infrastructure;
            }
        };
        let plan = self.plan();
        let terms = Terms {
            jobs: self.jobs.map_or_else(cores, usize::from),
            cross_process_every: self.elsewhere_every,
            run_timeout: self.patience,
        };
        let subjects = CoreSubjects {
            folder: folder.path().to_path_buf(),
        };
        let workload = Ledgers {
            preset: self.profile,
            hash_seed: self.hash_seed,
            subjects: &subjects,
        };
        if !self.json {
            self.print_head(&plan);
        }
        let mut watch = Watch::new(&plan, self.profile, build, self.json, self.quiet);
        let summary = summary(&plan, &workload, terms, folder.path(), &mut watch);
        watch.finish(&summary);
        let records =
            findings::keep_all(&workload, &summary, &self.out, folder.path(), self.budget);
        let exit_code = summary.verdict.exit_code();
        if self.json {
            let elapsed_ms = watch.elapsed_ms();
            let verdict = VerdictRecord::new(
                &plan,
                SYSTEM,
                self.profile.name(),
                self.hash_seed,
                &summary,
                records,
                elapsed_ms,
                watch.build(),
            );
            say(as_line(&Record::Verdict(Box::new(verdict))));
        } else {
            print_summary(&plan, &summary);
            findings::print_all(&workload, &summary, &records);
        }
        exit_code
    }

    fn plan(&self) -> Plan {
        let (runs, enough) = match (self.only, &self.seeds) {
            (Some(run), _) => {
                let seed = self.seed;
                (Runs::One(RunId { seed, run }), Enough::AllRuns)
            }
            (None, Some(seeds)) => (Runs::Seeds(seeds.clone()), Enough::AllRuns),
            (None, None) => {
                let taken = Enough::Totals(vec![
                    (totals::BLOCKS, self.blocks),
                    (totals::TRANSACTIONS, self.transactions),
                ]);
                (Runs::OfSeed(self.seed), taken)
            }
        };
        Plan {
            runs,
            shard: self.shard,
            enough: self.duration.map_or(enough, Enough::Time),
            repeat_every: match self.doublecheck {
                true => 1,
                false => self.twice_every,
            },
            most_findings: usize::try_from(self.findings).unwrap_or(usize::MAX),
            is_self_checked: true,
        }
    }

    /// What this is, so that it can be typed again. The hash seed is left out: nothing depends on
    /// it, and nothing that is printed does.
    fn print_head(&self, plan: &Plan) {
        let mut command = match &plan.runs {
            Runs::Seeds(seeds) => format!("lockstep run --seeds {}..{}", seeds.start, seeds.end),
            Runs::OfSeed(seed) => format!("lockstep run --seed {seed}"),
            Runs::One(run) => format!("lockstep run --seed {} --only {}", run.seed, run.run),
        };
        if self.profile != Preset::Default {
            command.push_str(&format!(" --profile {}", self.profile));
        }
        if plan.shard != Shard::WHOLE {
            command.push_str(&format!(" --shard {}", plan.shard));
        }
        if self.doublecheck {
            command.push_str(" --doublecheck");
        }
        say(command);
        say(
            "  on trial   core in memory, executed in 8 ways, and core on a redb file; each block \
             against the oracle",
        );
    }
}

/// Executes the runs in worker processes, and takes what they came to in their order.
fn summary(
    plan: &Plan,
    workload: &Ledgers<'_>,
    terms: Terms,
    folder: &Path,
    watch: &mut Watch<'_>,
) -> Summary {
    let worker = |work: &[Work]| worker(workload, folder, work);
    let mut campaign = Campaign::new(plan, workload);
    match dies(worker) {
        Ok(bug) => campaign.saw(bug),
        Err(verdict) => campaign.stop(verdict),
    }
    let mut processes = Processes::new(plan, SYSTEM, terms, Box::new(worker));
    while let Some((index, run)) = campaign.next(watch.elapsed()) {
        let profile = workload.profile(run);
        watch.drawn(run, &profile);
        let ended = processes.result(index);
        watch.ended(&profile, &ended);
        campaign.take(&ended);
    }
    campaign.conclude()
}

/// The command of a worker.
fn worker(workload: &Ledgers<'_>, folder: &Path, work: &[Work]) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("worker")
        .args(["--profile", workload.preset.name()])
        .args(["--hash-seed", &workload.hash_seed.to_string()])
        .arg("--dir")
        .arg(folder)
        .args(work.iter().map(Work::to_string));
    Ok(command)
}

/// Looks at a worker that dies in the middle of a run.
fn dies(
    worker: impl Fn(&[Work]) -> io::Result<Command>,
) -> Result<&'static str, Verdict<Scenario>> {
    let work = Work {
        run: RunId { seed: 0, run: 0 },
        repetition: Repetition::First,
    };
    let infrastructure = |reason| Verdict::Infrastructure { run: None, reason };
    let mut command = worker(&[work])
        .map_err(|error| infrastructure(format!("the program cannot name itself: {error}")))?;
    processes::self_check(command.arg("--dies")).map_err(|failed| match failed {
        Ok(failed) => Verdict::SelfCheckFailed(failed),
        Err(reason) => infrastructure(reason),
    })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn print_summary(plan: &Plan, summary: &Summary) {
    let coverage = &summary.coverage;
    if !summary.self_checks.is_empty() {
        let found = summary.self_checks.join(", ");
        say(format_args!("  planted    {found}: all found"));
    }
    say(format_args!(
        "  runs       {}, and {} times one of them again, with other workers and hash seeds",
        summary.runs, summary.repeated
    ));
    let [blocks, transactions, applied] =
        [totals::BLOCKS, totals::TRANSACTIONS, totals::APPLIED].map(|of| coverage.total(of));
    say(format_args!(
        "  taken      {blocks} blocks, {transactions} transactions: {applied} applied, {} rejected",
        transactions - applied
    ));
    // Events are named "group: event"; the events of a group share a line.
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (event, count) in coverage.events() {
        let (group, event) = event.split_once(": ").unwrap_or(("ledger", event));
        groups
            .entry(group)
            .or_default()
            .push(format!("{event} {count}"));
    }
    for (group, events) in groups {
        say(format_args!("  {group:<10} {}", events.join(", ")));
    }
    // A shard, or one run, is not asked for all of them, nor is what ended before it was over; and the
    // list would be long.
    let is_over = matches!(summary.verdict, Verdict::Passed | Verdict::Vacuous { .. });
    let never: Vec<String> = coverage
        .never_reached(SYSTEM)
        .filter(|_| plan.is_whole() && is_over)
        .map(|(name, is_rare)| match is_rare {
            true => format!("{name} (rare)"),
            false => name.to_owned(),
        })
        .collect();
    if !never.is_empty() {
        say(format_args!("  never      {}", never.join(", ")));
    }
    say(format_args!("  digest     {}", summary.digest));
}

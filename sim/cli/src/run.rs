//! `lockstep run`: a campaign.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use lockstep_harness::exit::ExitCode;
use lockstep_sim::campaign::{Campaign, Case, Cases, Enough, Plan, Shard, Summary, Verdict};
use lockstep_sim::fleet::{self, Record, VerdictRecord};
use lockstep_sim::generate::Preset;
use lockstep_sim::shrink::BUDGET;

use super::children::{Children, Terms};
use super::watch::{Watch, as_line};
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
        let build = match fleet::build() {
            Ok(build) => build,
            Err(error) => {
                complain(format_args!("the program cannot read itself: {error}"));
                return ExitCode::Infrastructure;
            }
        };
        let plan = self.plan();
        let terms = Terms {
            jobs: self.jobs.map_or_else(cores, usize::from),
            elsewhere_every: self.elsewhere_every,
            patience: self.patience,
            folder: folder.path().to_path_buf(),
        };
        if !self.json {
            self.print_head(&plan);
        }
        let mut watch = Watch::new(&plan, build, self.json, self.quiet);
        let summary = summary(&plan, terms, &mut watch);
        watch.finish(&summary);
        let records = findings::keep(&plan, &summary, &self.out, folder.path(), self.budget);
        let exit_code = summary.verdict.exit_code();
        if self.json {
            let elapsed_ms = watch.elapsed_ms();
            let verdict = VerdictRecord::new(&plan, &summary, records, elapsed_ms, watch.build());
            say(as_line(&Record::Verdict(Box::new(verdict))));
        } else {
            print_summary(&plan, &summary);
            findings::print(&plan, &summary, &records);
        }
        exit_code
    }

    fn plan(&self) -> Plan {
        let (cases, enough) = match (self.only, &self.seeds) {
            (Some(run), _) => {
                let seed = self.seed;
                (Cases::One(Case { seed, run }), Enough::AllCases)
            }
            (None, Some(seeds)) => (Cases::Seeds(seeds.clone()), Enough::AllCases),
            (None, None) => {
                let taken = Enough::Taken {
                    blocks: self.blocks,
                    transactions: self.transactions,
                };
                (Cases::OfSeed(self.seed), taken)
            }
        };
        Plan {
            cases,
            shard: self.shard,
            preset: self.profile,
            enough: self.duration.map_or(enough, Enough::Time),
            hash_seed: self.hash_seed,
            twice_every: match self.doublecheck {
                true => 1,
                false => self.twice_every,
            },
            most_findings: usize::try_from(self.findings).unwrap_or(usize::MAX),
        }
    }

    /// What this is, so that it can be typed again. The hash seed is left out: nothing depends on
    /// it, and nothing that is printed does.
    fn print_head(&self, plan: &Plan) {
        let mut command = match &plan.cases {
            Cases::Seeds(seeds) => format!("lockstep run --seeds {}..{}", seeds.start, seeds.end),
            Cases::OfSeed(seed) => format!("lockstep run --seed {seed}"),
            Cases::One(case) => format!("lockstep run --seed {} --only {}", case.seed, case.run),
        };
        if plan.preset != Preset::Default {
            command.push_str(&format!(" --profile {}", plan.preset));
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

/// Does the runs in other processes, and takes what they came to in their order.
fn summary(plan: &Plan, terms: Terms, watch: &mut Watch<'_>) -> Summary {
    let mut campaign = Campaign::new(plan);
    let mut children = Children::new(plan, terms);
    if let Some(verdict) = children.blindness() {
        campaign.stop(verdict);
    }
    while let Some((index, case)) = campaign.next(watch.elapsed()) {
        let profile = plan.profile(case);
        watch.drawn(case, &profile);
        let ended = children.result(index);
        watch.ended(&profile, &ended);
        campaign.take(&ended);
    }
    campaign.conclude()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn print_summary(plan: &Plan, summary: &Summary) {
    let tally = &summary.tally;
    if !matches!(summary.verdict, Verdict::Blind { .. }) {
        let planted = fleet::canaries().join(", ");
        say(format_args!("  planted    {planted}: all found"));
    }
    say(format_args!(
        "  runs       {}, and {} times one of them again, with other workers and hash seeds",
        summary.runs, summary.again
    ));
    say(format_args!(
        "  taken      {} blocks, {} transactions: {} applied, {} rejected",
        tally.blocks,
        tally.transactions,
        tally.applied,
        tally.transactions - tally.applied
    ));
    // Events are named "group: event"; the events of a group share a line.
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (event, count) in tally.events() {
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
    let never: Vec<String> = tally
        .never_reached()
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

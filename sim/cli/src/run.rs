//! `lockstep run`: a campaign.

use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use lockstep_bugs::injected::InjectedBug;
use lockstep_harness::campaign::{Enough, Plan, RunId, Runs, Shard, Verdict};
use lockstep_harness::exit::ExitCode;
use lockstep_harness::processes::Work;
use lockstep_harness::shards::{self, Record, VerdictRecord};
use lockstep_sim::campaign::{CoreSubjects, Ledgers, SubjectFactory};
use lockstep_sim::coverage::{SYSTEM, totals};
use lockstep_sim::generate::Preset;
use lockstep_sim::shrink::BUDGET;
use lockstep_sim::subject::Execution;

use super::findings::LedgerFindings;
use super::progress::Progress;
use super::report::{
    LedgerSummary, as_line, of_injected_bug, runs, say_coverage, say_pair, say_second_verdict,
    say_self_checks, say_verdict,
};
use super::searching::Output;
use super::{check_environment, complain, in_processes, say, scratch_folder, values};

/// Accepted blocks of a campaign without another limit.
const BLOCKS: u64 = 300;
/// Transactions in them.
const TRANSACTIONS: u64 = 30_000;

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Draw everything from this seed: a number, or a commit of up to 40 hexadecimal digits, of which
    /// the first 16 are used
    #[arg(long, env = "LOCKSTEP_RUN_SEED", default_value = "1", value_parser = values::seed)]
    seed: u64,
    /// Execute the first run of each seed from A to B - 1, in place of all runs of one seed
    #[arg(long, env = "LOCKSTEP_RUN_SEEDS", value_name = "A..B", value_parser = values::seeds)]
    seeds: Option<Range<u64>>,
    /// Draw scenarios from the distributions of this preset
    #[arg(long, env = "LOCKSTEP_RUN_PRESET", default_value = "default", value_parser = values::preset())]
    preset: Preset,
    /// Execute shard K of N: every Nth run from the Kth on; `lockstep merge` checks the coverage of all
    /// shards together
    #[arg(long, env = "LOCKSTEP_RUN_SHARD", value_name = "K/N", default_value = "0/1", value_parser = values::shard)]
    shard: Shard,
    /// Continue until N blocks were accepted, over all shards
    #[arg(
        long,
        env = "LOCKSTEP_RUN_BLOCKS",
        value_name = "N",
        default_value_t = BLOCKS
    )]
    blocks: u64,
    /// Continue until the accepted blocks had N transactions, over all shards
    #[arg(
        long,
        env = "LOCKSTEP_RUN_TRANSACTIONS",
        value_name = "N",
        default_value_t = TRANSACTIONS
    )]
    transactions: u64,
    /// Continue for this time (60s, 10m, 8h), in place of --blocks and --transactions
    #[arg(long = "for", env = "LOCKSTEP_RUN_FOR", value_name = "DURATION", value_parser = values::duration)]
    duration: Option<Duration>,
    /// Execute one run of the seed, by the number that a report gives
    #[arg(long, env = "LOCKSTEP_RUN_ONLY", value_name = "RUN", conflicts_with_all = ["duration", "seeds", "shard"])]
    only: Option<u64>,
    /// Stop after N findings, duplicates included
    #[arg(long, env = "LOCKSTEP_RUN_FINDINGS", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    findings: u64,
    /// Mix this number into the seed of every hash map; no result may depend on it
    #[arg(
        long,
        env = "LOCKSTEP_RUN_HASH_SEED",
        value_name = "SEED",
        default_value_t = 0
    )]
    hash_seed: u64,
    /// Execute every run a second time with other worker counts and hash seeds, and compare all
    /// observations
    #[arg(long, env = "LOCKSTEP_RUN_DOUBLECHECK", value_parser = BoolishValueParser::new())]
    doublecheck: bool,
    /// Execute every Nth run a second time with other worker counts and hash seeds
    #[arg(long, env = "LOCKSTEP_RUN_REPEAT_EVERY", value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    repeat_every: u64,
    /// Execute every Nth run once more in another process, 0 for none
    #[arg(
        long,
        env = "LOCKSTEP_RUN_CROSS_PROCESS_EVERY",
        value_name = "N",
        default_value_t = 16
    )]
    cross_process_every: u64,
    /// Run N worker processes at a time, each for 8 runs [default: one per core]
    #[arg(long, env = "LOCKSTEP_RUN_JOBS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Report a run as a finding (finishes-in-time) if it is silent for this time: no operation of it ends
    /// and no worker gets on
    #[arg(long, env = "LOCKSTEP_RUN_RUN_TIMEOUT", value_name = "DURATION", default_value = values::RUN_TIMEOUT, value_parser = values::duration)]
    run_timeout: Duration,
    /// Test a ledger with this seeded bug in place of core (ids: `lockstep bugs --list`)
    #[arg(long, env = "LOCKSTEP_RUN_INJECT_BUG", value_name = "ID", conflicts_with = "shard", value_parser = values::injected_bug(), hide_possible_values = true)]
    inject_bug: Option<InjectedBug>,
    /// Keep the ledgers' files in this folder during the campaign [default: the system's temporary
    /// folder]
    #[arg(long, env = "LOCKSTEP_RUN_DIR", value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Write the reproducers of findings to this folder
    #[arg(
        long,
        env = "LOCKSTEP_RUN_OUT",
        value_name = "FOLDER",
        default_value = "reproducers"
    )]
    out: PathBuf,
    /// Try at most N candidates when a finding is shrunk; a large one counts once for each 64 transactions
    #[arg(long, env = "LOCKSTEP_RUN_BUDGET", value_name = "N", default_value_t = BUDGET)]
    budget: u64,
    /// Print a JSON record per run and finding and one for the verdict, the input of `lockstep merge`, in place of
    /// text
    #[arg(long, env = "LOCKSTEP_RUN_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
    /// Print no progress bar and no times
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
                complain(format_args!(
                    "the file of this program cannot be read to identify the build: {error}; check its permissions"
                ));
                return ExitCode::Infrastructure;
            }
        };
        let plan = self.plan();
        let terms = in_processes::terms(self.jobs, self.cross_process_every);
        let core = CoreSubjects {
            folder: folder.path().to_path_buf(),
        };
        let subjects: &dyn SubjectFactory = match &self.inject_bug {
            Some(bug) => bug,
            None => &core,
        };
        let workload = Ledgers {
            preset: self.preset,
            hash_seed: self.hash_seed,
            subjects,
        };
        if !self.json {
            self.print_head(&plan);
        }
        let bug = self.inject_bug.as_ref();
        let output = Output::of(self.json, self.quiet);
        let findings = LedgerFindings {
            workload: &workload,
            bug,
            out: &self.out,
        };
        let mut progress = Progress::new(&plan, findings, build, output);
        let worker = |work: &[Work]| worker(&workload, folder.path(), bug, work);
        let mut summary = in_processes::campaign(&plan, &workload, terms, worker, &mut progress);
        let id = bug.map(InjectedBug::id);
        summary.verdict = of_injected_bug(summary.verdict, id, summary.runs);
        let times = progress.finish(&summary);
        let exit_code = summary.verdict.exit_code();
        let report = || findings.report_all(&summary, output, folder.path(), self.budget);
        if self.json {
            let records = report();
            let elapsed_ms = progress.elapsed_ms();
            let verdict = VerdictRecord::new(
                &plan,
                SYSTEM,
                self.preset.name(),
                self.hash_seed,
                &summary,
                records,
                elapsed_ms,
                progress.build(),
            );
            say(as_line(&Record::Verdict(Box::new(verdict))));
        } else {
            print_summary(&plan, &summary);
            if summary.verdict.findings().is_empty() {
                say_verdict(&summary.verdict);
            }
            report();
            say_second_verdict(&summary);
        }
        let _ = io::stderr().write_all(times.as_bytes());
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
                let accepted = Enough::Totals(vec![
                    (totals::BLOCKS, self.blocks),
                    (totals::TRANSACTIONS, self.transactions),
                ]);
                (Runs::OfSeed(self.seed), accepted)
            }
        };
        Plan {
            runs,
            shard: self.shard,
            enough: self.duration.map_or(enough, Enough::Time),
            repeat_every: match self.doublecheck {
                true => 1,
                false => self.repeat_every,
            },
            most_findings: usize::try_from(self.findings).unwrap_or(usize::MAX),
            is_self_checked: true,
            run_timeout: self.run_timeout,
        }
    }

    /// Command that executes the same runs. Flags that decide no result are left out: the hash seed, the
    /// repetitions, processes and folders.
    fn command(&self, plan: &Plan) -> String {
        let mut command = match &plan.runs {
            Runs::Seeds(seeds) => format!("lockstep run --seeds {}..{}", seeds.start, seeds.end),
            Runs::OfSeed(seed) => format!("lockstep run --seed {seed}"),
            Runs::One(run) => format!("lockstep run --seed {} --only {}", run.seed, run.run),
        };
        if self.preset != Preset::Default {
            command.push_str(&format!(" --preset {}", self.preset));
        }
        if plan.shard != Shard::WHOLE {
            command.push_str(&format!(" --shard {}", plan.shard));
        }
        match (self.duration, &plan.enough) {
            (Some(limit), _) => command.push_str(&format!(" --for {}s", limit.as_secs())),
            (None, Enough::Totals(_)) => {
                for (flag, number, default) in [
                    ("blocks", self.blocks, BLOCKS),
                    ("transactions", self.transactions, TRANSACTIONS),
                ] {
                    if number != default {
                        command.push_str(&format!(" --{flag} {number}"));
                    }
                }
            }
            _ => {}
        }
        if self.findings > 1 {
            command.push_str(&format!(" --findings {}", self.findings));
        }
        if self.doublecheck {
            command.push_str(" --doublecheck");
        }
        if let Some(bug) = &self.inject_bug {
            command.push_str(&format!(" --inject-bug {}", bug.id()));
        }
        command
    }

    /// Prints the command and the subjects.
    fn print_head(&self, plan: &Plan) {
        say(self.command(plan));
        let modes = Execution::ALL.len();
        match &self.inject_bug {
            Some(bug) => {
                say_pair(
                    "subjects",
                    format_args!("a ledger with the seeded bug {}", bug.id()),
                );
                say_pair("injected bug", bug.sentence());
            }
            None => say_pair(
                "subjects",
                format_args!(
                    "core in memory ({modes} configurations of mode and workers), core on a redb file"
                ),
            ),
        }
        say_pair("reference", "oracle, after every step");
    }
}

/// Command line of a worker process for these runs.
fn worker(
    workload: &Ledgers<'_>,
    folder: &Path,
    bug: Option<&InjectedBug>,
    work: &[Work],
) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("worker")
        .args(["--preset", workload.preset.name()])
        .args(["--hash-seed", &workload.hash_seed.to_string()])
        .arg("--dir")
        .arg(folder)
        .args(bug.iter().flat_map(|bug| ["--inject-bug", bug.id()]))
        .args(work.iter().map(Work::to_string));
    Ok(command)
}

fn print_summary(plan: &Plan, summary: &LedgerSummary) {
    let coverage = &summary.coverage;
    say_self_checks(&summary.self_checks);
    say_pair("runs", runs(summary.runs, summary.repeated));
    let [blocks, transactions, applied] =
        [totals::BLOCKS, totals::TRANSACTIONS, totals::APPLIED].map(|of| coverage.total(of));
    say_pair("blocks", format_args!("{blocks} accepted"));
    let rejected = transactions - applied;
    say_pair(
        "transactions",
        format_args!("{transactions}: {applied} applied, {rejected} rejected"),
    );
    say_coverage(coverage, SYSTEM, "ledger");
    // The list is long for a shard or a single run, and for a campaign that ended early; none of them
    // has to reach every point.
    let is_over = matches!(summary.verdict, Verdict::Passed | Verdict::Vacuous { .. });
    let not_reached: Vec<String> = coverage
        .never_reached(SYSTEM)
        .filter(|_| plan.is_whole() && is_over)
        .map(|(name, is_rare)| match is_rare {
            true => format!("{name} (rare)"),
            false => name.to_owned(),
        })
        .collect();
    if !not_reached.is_empty() {
        say_pair("not reached", not_reached.join(", "));
    }
    if !summary.digest.is_of_nothing() {
        say_pair("digest", summary.digest);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        run: Run,
    }

    #[test]
    fn the_printed_command_executes_the_same_runs() {
        for flags in [
            "--seed 3",
            "--seed 3 --only 4",
            "--seeds 0..7 --preset calm --shard 1/2",
            "--seed 1 --for 90s",
            "--seeds 2..9 --for 60s --findings 3",
            "--seed 1 --blocks 20 --transactions 100 --doublecheck",
            "--seed 1 --inject-bug self-transfer",
        ] {
            let typed = std::iter::once("run").chain(flags.split(' '));
            let run = Cli::try_parse_from(typed).expect("the flags are known").run;
            let plan = run.plan();
            let printed = run.command(&plan);
            let arguments = printed.split(' ').skip(1);
            let again = Cli::try_parse_from(arguments)
                .expect("the command parses")
                .run;
            assert_eq!(again.plan(), plan, "{flags}: {printed}");
            assert_eq!(again.preset, run.preset, "{flags}: {printed}");
            let id = |run: &Run| run.inject_bug.map(|bug| bug.id());
            assert_eq!(id(&again), id(&run), "{flags}: {printed}");
        }
    }
}

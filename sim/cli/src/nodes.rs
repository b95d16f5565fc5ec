//! `lockstep nodes`: clusters of nodes on a faulty network.

use std::fs;
use std::io::{IsTerminal, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::builder::{BoolishValueParser, PossibleValuesParser, TypedValueParser as _};
use clap::{Args, value_parser};
use indicatif::{ProgressBar, ProgressStyle};
use lockstep_cluster::{BUDGET, ClusterRun, Clusters, NodeBug, NodesProfile, NodesScenario};
use lockstep_core::config::MAX_WORKERS;
use lockstep_harness::campaign::{
    Ended, Enough, Finding, Observer, Plan, RunId, Runs, Summary, Workload as _,
};
use lockstep_harness::exit::ExitCode;
use lockstep_harness::finding::Files;
use lockstep_harness::processes::Work;
use lockstep_harness::trace::{self, Observation};
use serde_json::json;

use super::findings::FindingNote;
use super::kept::smaller_cluster;
use super::report::{
    of_injected_bug, pair, runs, say_coverage, say_pair, say_second_verdict, say_self_checks,
    say_verdict,
};
use super::searching::Output;
use super::{check_environment, complain, in_processes, interrupt, say, scratch_folder, values};

#[derive(Debug, Args)]
pub(super) struct Nodes {
    /// Execute one run for each seed from A to B - 1 [default: 0..200, with --for 0 and all that
    /// follow]
    #[arg(long, env = "LOCKSTEP_NODES_SEEDS", value_name = "A..B", value_parser = values::seeds)]
    seeds: Option<Range<u64>>,
    /// Stop after this time (60s, 10m, 8h), if the seeds do not end before
    #[arg(long = "for", env = "LOCKSTEP_NODES_FOR", value_name = "DURATION", value_parser = values::duration)]
    duration: Option<Duration>,
    /// Write a trace of each run, an event per line, to a file per seed in this folder
    #[arg(long, env = "LOCKSTEP_NODES_TRACE", value_name = "FOLDER")]
    trace: Option<PathBuf>,
    /// Inject this seeded bug into one node, to see that it is detected
    #[arg(long, env = "LOCKSTEP_NODES_INJECT_BUG", value_name = "ID", value_parser = seeded_bug())]
    inject_bug: Option<NodeBug>,
    /// Execute on every node with N workers, 1 to 256 [default: drawn]; no result may depend on it
    #[arg(long, env = "LOCKSTEP_NODES_WORKERS", value_name = "N", value_parser = value_parser!(u16).range(1..=MAX_WORKERS as i64))]
    workers: Option<u16>,
    /// Mix this number into the seed of every hash map; no result may depend on it
    #[arg(
        long,
        env = "LOCKSTEP_NODES_HASH_SEED",
        value_name = "SEED",
        default_value_t = 0
    )]
    hash_seed: u64,
    /// Execute every Nth run a second time with other worker counts and hash seeds, and compare the
    /// traces
    #[arg(long, env = "LOCKSTEP_NODES_REPEAT_EVERY", value_name = "N", default_value_t = 8, value_parser = value_parser!(u64).range(1..))]
    repeat_every: u64,
    /// Run N worker processes at a time, each for 8 runs [default: one per core]
    #[arg(long, env = "LOCKSTEP_NODES_JOBS", value_name = "N", value_parser = value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Report a run as a finding (finishes-in-time) if it is silent for this time: no operation of it ends
    /// and no worker gets on
    #[arg(long, env = "LOCKSTEP_NODES_RUN_TIMEOUT", value_name = "DURATION", default_value = values::RUN_TIMEOUT, value_parser = values::duration)]
    run_timeout: Duration,
    /// Keep the ledgers' files in this folder during the campaign [default: the system's temporary
    /// folder]
    #[arg(long, env = "LOCKSTEP_NODES_DIR", value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Write the reproducers of findings to this folder
    #[arg(
        long,
        env = "LOCKSTEP_NODES_OUT",
        value_name = "FOLDER",
        default_value = "reproducers"
    )]
    out: PathBuf,
    /// Try at most N candidates when a finding is shrunk; a large one counts once for each 64 transactions
    #[arg(long, env = "LOCKSTEP_NODES_BUDGET", value_name = "N", default_value_t = BUDGET)]
    budget: u64,
    /// Print a JSON record per run and finding and one for the verdict, in place of text
    #[arg(long, env = "LOCKSTEP_NODES_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
    /// Print no progress bar
    #[arg(long, env = "LOCKSTEP_NODES_QUIET", value_parser = BoolishValueParser::new())]
    quiet: bool,
}

fn seeded_bug() -> impl clap::builder::TypedValueParser<Value = NodeBug> {
    PossibleValuesParser::new(NodeBug::ALL.map(NodeBug::id))
        .map(|id| NodeBug::named(&id).expect("only the id of a seeded bug is possible"))
}

impl Nodes {
    pub(super) fn execute(self) -> ExitCode {
        if let Err(error) = check_environment() {
            complain(error);
            return ExitCode::Usage;
        }
        if let Some(folder) = &self.trace
            && let Err(error) = fs::create_dir_all(folder)
        {
            complain(format_args!(
                "{}: {error}; name a folder that can be written with --trace",
                folder.display()
            ));
            return ExitCode::Infrastructure;
        }
        let scratch = match scratch_folder(self.dir.as_deref()) {
            Ok(folder) => folder,
            Err(reason) => {
                complain(reason);
                return ExitCode::Infrastructure;
            }
        };
        self.campaign(scratch.path())
    }

    fn campaign(&self, scratch: &Path) -> ExitCode {
        let seeds = match (&self.seeds, self.duration) {
            (Some(seeds), _) => seeds.clone(),
            (None, Some(_)) => 0..u64::MAX,
            (None, None) => 0..200,
        };
        let is_by_hand = self.inject_bug.is_some() || seeds.end - seeds.start < FEW;
        let plan = Plan {
            enough: self.duration.map_or(Enough::AllRuns, Enough::Time),
            // A node with a seeded bug may depend on the worker count, so it is not compared.
            repeat_every: match self.inject_bug {
                Some(_) => 0,
                None => self.repeat_every,
            },
            is_self_checked: !is_by_hand,
            run_timeout: self.run_timeout,
            ..Plan::of(Runs::Seeds(seeds.clone()))
        };
        let clusters = Clusters {
            workers: self.workers.map(usize::from),
            hash_seed: self.hash_seed,
            bug: self.inject_bug,
            folder: scratch.to_path_buf(),
        };
        if !self.json {
            say(format_args!("{}{}", self.command(&seeds), self.limit()));
            say_pair(
                "subjects",
                "3 to 7 nodes, each core in memory, in a redb file or in redb on a simulated disk",
            );
            say_pair("reference", "oracle after every step, and the other nodes");
        }
        let mut observer = NodesObserver::new(self, &seeds);
        let terms = in_processes::terms(self.jobs, 0);
        let worker = |work: &[Work]| self.worker(scratch, work);
        let mut summary = in_processes::campaign(&plan, &clusters, terms, worker, &mut observer);
        let id = self.inject_bug.map(NodeBug::id);
        summary.verdict = of_injected_bug(summary.verdict, id, summary.runs);
        observer.bar.finish_and_clear();
        let elapsed = observer.begun.elapsed();
        let exit_code = summary.verdict.exit_code();
        let finding = summary.verdict.findings().first();
        if self.json {
            let files = finding.map(|finding| self.report(finding, scratch));
            say(record(&summary, &files.unwrap_or_default(), exit_code));
        } else {
            print_summary(clusters.system(), &summary, observer.slowest);
            match finding {
                Some(finding) => {
                    self.report(finding, scratch);
                    say_second_verdict(&summary);
                }
                None => say_verdict(&summary.verdict),
            }
            // Standard output is the same in every run.
            let time = pair("time", format_args!("{:.1} s", elapsed.as_secs_f64()));
            let _ = writeln!(std::io::stderr(), "  {time}");
        }
        exit_code
    }

    /// Command line of a worker process for these runs.
    fn worker(&self, scratch: &Path, work: &[Work]) -> std::io::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["worker", "--clusters", "--hash-seed"])
            .arg(self.hash_seed.to_string())
            .arg("--dir")
            .arg(scratch);
        if let Some(workers) = self.workers {
            command.args(["--workers", &workers.to_string()]);
        }
        if let Some(bug) = self.inject_bug {
            command.args(["--inject-bug", bug.id()]);
        }
        command.args(work.iter().map(Work::to_string));
        Ok(command)
    }

    /// The flag that limits the time, with a space before it.
    fn limit(&self) -> String {
        let flag = self
            .duration
            .map(|limit| format!(" --for {}s", limit.as_secs()));
        flag.unwrap_or_default()
    }

    /// Command that executes these seeds, without a limit of time.
    fn command(&self, seeds: &Range<u64>) -> String {
        let mut command = match (seeds.end, self.limit()) {
            (u64::MAX, limit) if !limit.is_empty() => "lockstep nodes".to_owned(),
            _ => format!("lockstep nodes --seeds {}..{}", seeds.start, seeds.end),
        };
        if let Some(bug) = self.inject_bug {
            command.push_str(&format!(" --inject-bug {bug}"));
        }
        if let Some(workers) = self.workers {
            command.push_str(&format!(" --workers {workers}"));
        }
        if self.hash_seed != 0 {
            command.push_str(&format!(" --hash-seed {}", self.hash_seed));
        }
        command
    }

    /// Writes and prints a finding, whole and shrunk.
    fn report(&self, finding: &Finding<NodesScenario>, scratch: &Path) -> Files {
        let (seed, violation) = (finding.run.seed, &finding.violation);
        let note = FindingNote {
            violation,
            run: finding.run,
            place: vec![
                ("seed", seed.to_string()),
                ("event", violation.step.to_string()),
            ],
            transactions: finding.case.transactions(),
            reproduce: self.reproduce(seed),
            out: &self.out,
            name: format!("nodes-{}-seed{seed}", violation.invariant),
            // The scenario names it at its node.
            seeded_bug: None,
            is_announced: false,
        };
        let whole = (*finding.case).clone();
        let output = Output::of(self.json, self.quiet);
        note.report(whole, output, |whole: &ClusterRun, searching| {
            let budget = searching.budget(self.budget);
            let smaller = smaller_cluster(whole, violation.invariant, scratch, budget)?;
            Some((smaller, Vec::new()))
        })
    }

    /// Command that repeats the run of this seed.
    fn reproduce(&self, seed: u64) -> String {
        self.command(&(seed..seed.saturating_add(1)))
    }
}

fn write_trace(path: &Path, trace: &[Observation]) {
    if let Err(error) = fs::write(path, trace::as_text(trace)) {
        complain(format_args!(
            "the trace could not be written to {}: {error}",
            path.display()
        ));
    }
}

/// Smallest number of runs for which the self-check is executed.
const FEW: u64 = 10;

fn print_summary(system: &str, summary: &Summary<NodesScenario>, slowest: Option<(u64, [u64; 2])>) {
    say_self_checks(&summary.self_checks);
    say_pair("runs", runs(summary.runs, summary.repeated));
    say_coverage(&summary.coverage, system, "cluster");
    if let Some((seed, [took, allowed])) = slowest {
        say_pair(
            "converged",
            format_args!(
                "{took} of {allowed} allowed events after the last fault, most with seed {seed}"
            ),
        );
    }
    if !summary.digest.is_of_nothing() {
        say_pair("digest", summary.digest);
    }
}

fn record(
    summary: &Summary<NodesScenario>,
    files: &Files,
    exit_code: ExitCode,
) -> serde_json::Value {
    let events: serde_json::Map<_, _> = summary
        .coverage
        .events()
        .map(|(event, count)| (event.to_owned(), count.into()))
        .collect();
    json!({
        "kind": "verdict",
        "verdict": summary.verdict.name(),
        "exit_code": exit_code,
        "detail": summary.verdict.to_string(),
        "reproducer": files.small,
        "unshrunk": files.unshrunk,
        "shrunk": files.shrunk,
        "seeded_bugs": summary.self_checks,
        "runs": summary.runs,
        "repetitions": summary.repeated,
        "coverage": events,
        "most_events_to_converge": summary.coverage.total("events to converge"),
        "digest": summary.digest.to_string(),
    })
}

/// Observer of a campaign: prints runs and a progress bar, and writes traces.
struct NodesObserver {
    begun: Instant,
    bar: ProgressBar,
    json: bool,
    traces: Option<PathBuf>,
    /// Seed of the run that took the most events to converge, that number, and its bound.
    slowest: Option<(u64, [u64; 2])>,
}

impl NodesObserver {
    fn new(nodes: &Nodes, seeds: &Range<u64>) -> Self {
        let bar = if nodes.json || nodes.quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(seeds.end - seeds.start)
        };
        let template = match nodes.duration {
            Some(_) => "  {spinner} {elapsed_precise}, {msg}",
            None => "  [{wide_bar}] {pos} of {len} runs, {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        NodesObserver {
            begun: Instant::now(),
            bar,
            json: nodes.json,
            traces: nodes.trace.clone(),
            slowest: None,
        }
    }
}

impl Observer<NodesProfile> for NodesObserver {
    fn drawn(&mut self, RunId { seed, .. }: RunId, profile: &NodesProfile) {
        if !self.json {
            self.bar
                .suspend(|| say_pair(&format!("seed {seed}"), profile));
        }
        self.bar.set_message(format!("seed {seed}"));
    }

    fn ended(&mut self, profile: &NodesProfile, ended: &Ended) {
        let (seed, coverage) = (ended.run.seed, &ended.coverage);
        if let Some(folder) = &self.traces {
            let file = format!("nodes-seed{seed}.trace");
            write_trace(&folder.join(file), &ended.trace);
        }
        let [took, allowed] =
            ["events to converge", "events allowed to converge"].map(|of| coverage.total(of));
        if ended.outcome.is_ok() && self.slowest.is_none_or(|(_, [most, _])| took > most) {
            self.slowest = Some((seed, [took, allowed]));
        }
        if self.json {
            say(json!({
                "kind": "run",
                "seed": seed,
                "scenario": profile.to_string(),
                "blocks_added": coverage.of("block: added"),
                "reorganisations": coverage.of_group("reorg"),
                "crashes": coverage.of("restart: after a crash"),
                "trace": ended.outcome.as_ref().ok().map(ToString::to_string),
                "events_to_converge": ended.outcome.as_ref().ok().map(|_| took),
            }));
        }
        self.bar.inc(1);
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    fn is_interrupted(&self) -> bool {
        interrupt::is_interrupted()
    }
}

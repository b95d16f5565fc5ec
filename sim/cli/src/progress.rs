//! Progress of a ledger campaign on the terminal, and its times.

use std::fs;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use lockstep_harness::campaign::{Ended, Enough, Plan, RunId, Runs};
use lockstep_harness::shards::{Record, RunRecord};
use lockstep_sim::coverage::totals;
use lockstep_sim::generate::{Preset, Profile};
use lockstep_sim::scenario::Scenario;

use super::report::{pair, say_pair};
use super::say;

/// Summary of a ledger campaign.
pub(super) type Summary = lockstep_harness::campaign::Summary<Scenario>;

/// Printer of a campaign's progress: one line a run, and a bar on a terminal.
pub(super) struct Progress<'p> {
    plan: &'p Plan,
    preset: Preset,
    begun: Instant,
    /// Processor seconds of this process before the campaign: under `cargo run` they include compilers.
    processor_seconds: Option<f64>,
    bar: ProgressBar,
    build: String,
    is_json: bool,
    is_quiet: bool,
    transactions: u64,
    findings: u64,
}

impl<'p> Progress<'p> {
    pub(super) fn new(
        plan: &'p Plan,
        preset: Preset,
        build: String,
        is_json: bool,
        is_quiet: bool,
    ) -> Self {
        let (length, template) = match (&plan.runs, &plan.enough) {
            (Runs::One(_), _) => (1, "  {spinner} {msg}"),
            (_, Enough::Time(duration)) => (
                duration.as_secs(),
                "  [{wide_bar}] {elapsed_precise} of {len} s, {msg}",
            ),
            (_, Enough::Totals(totals)) => (
                totals
                    .last()
                    .map_or(1, |(_, transactions)| *transactions)
                    .div_ceil(plan.shard.of),
                "  [{wide_bar}] {pos} of {len} transactions, {msg}",
            ),
            (Runs::Seeds(seeds), _) => (
                (seeds.end - seeds.start).div_ceil(plan.shard.of),
                "  [{wide_bar}] {pos} of {len} seeds, {msg}",
            ),
            (Runs::OfSeed(_), _) => (1, "  {spinner} {msg}"),
        };
        let bar = if is_json || is_quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(length)
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress {
            plan,
            preset,
            begun: Instant::now(),
            processor_seconds: processor_seconds(),
            bar,
            build,
            is_json,
            is_quiet,
            transactions: 0,
            findings: 0,
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn build(&self) -> &str {
        &self.build
    }

    pub(super) fn drawn(&mut self, run: RunId, profile: &Profile) {
        if !self.is_json {
            let key = match self.plan.runs {
                Runs::Seeds(_) => format!("seed {}", run.seed),
                Runs::OfSeed(_) | Runs::One(_) => format!("run {}", run.run),
            };
            self.bar.suspend(|| say_pair(&key, profile));
        }
        let found = match self.findings {
            0 => String::new(),
            findings => format!(", {findings} findings"),
        };
        self.bar.set_message(format!("{run}{found}"));
    }

    pub(super) fn ended(&mut self, profile: &Profile, ended: &Ended) {
        if self.is_json {
            let elapsed_ms = self.elapsed_ms();
            let run = RunRecord::new(
                self.plan,
                self.preset.name(),
                profile.to_string(),
                ended,
                elapsed_ms,
                &self.build,
            );
            say(as_line(&Record::Run(run)));
        }
        self.transactions += ended.coverage.total(totals::TRANSACTIONS);
        self.findings += u64::from(ended.outcome.is_err());
        match (&self.plan.runs, &self.plan.enough) {
            (_, Enough::Totals(_)) => self.bar.set_position(self.transactions),
            (_, Enough::Time(_)) => self.bar.set_position(self.elapsed().as_secs()),
            (Runs::Seeds(_), _) => self.bar.inc(1),
            _ => {}
        }
    }

    /// Ends the progress bar. Returns the lines about the times of the campaign, for standard error:
    /// standard output is the same in every run.
    pub(super) fn finish(&self, summary: &Summary) -> String {
        self.bar.finish_and_clear();
        if self.is_quiet {
            return String::new();
        }
        let processor = processor_seconds().zip(self.processor_seconds);
        let processor = processor.map(|(now, before)| now - before);
        times(summary, self.elapsed(), processor)
    }
}

/// Encodes a record as a line of JSON.
pub(super) fn as_line(record: &Record) -> String {
    serde_json::to_string(record).expect("a record is numbers, lists and texts")
}

/// Lines about the wall-clock time, and about the processor time where it is known.
fn times(summary: &Summary, elapsed: Duration, processor: Option<f64>) -> String {
    let transactions = summary.coverage.total(totals::TRANSACTIONS);
    let rates = |seconds: f64| {
        let seconds = seconds.max(0.001);
        [summary.runs, transactions].map(|count| count as f64 / seconds)
    };
    let seconds = elapsed.as_secs_f64();
    let [runs, transactions] = rates(seconds);
    let value = format!("{seconds:.1} s, {runs:.1} scenarios/s, {transactions:.0} transactions/s");
    let mut text = format!("  {}\n", pair("time", value));
    if let Some(processor) = processor {
        let [runs, transactions] = rates(processor);
        let value = format!("{runs:.1} scenarios, {transactions:.0} transactions");
        text.push_str(&format!("  {}\n", pair("per core-s", value)));
    }
    text
}

/// Processor seconds used by this process and its finished children; `None` on systems without
/// `/proc/self/stat`.
fn processor_seconds() -> Option<f64> {
    /// Unit of `/proc/self/stat` on every Linux, whatever the kernel's own tick is.
    const TICKS_A_SECOND: f64 = 100.0;
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in parentheses, with anything in it; fields 14 to 17 are the user
    // and system ticks of the process and of its finished children.
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks: Option<Vec<u64>> = fields
        .get(11..15)?
        .iter()
        .map(|field| field.parse().ok())
        .collect();
    Some(ticks?.iter().sum::<u64>() as f64 / TICKS_A_SECOND)
}

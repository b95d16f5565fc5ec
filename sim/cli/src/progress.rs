//! Progress of a ledger campaign on the terminal, and its times.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use lockstep_harness::campaign::{Ended, Enough, Observer, Plan, RunId, Runs};
use lockstep_harness::processor::processor_time;
use lockstep_harness::shards::{Record, RunRecord};
use lockstep_harness::violation::Violation;
use lockstep_sim::coverage::totals;
use lockstep_sim::generate::Profile;

use super::findings::LedgerFindings;
use super::report::{LedgerSummary, as_line, pair, say_pair};
use super::searching::Output;
use super::{interrupt, say};

/// Printer of a campaign's progress: one line a run, and a bar on a terminal.
pub(super) struct Progress<'p> {
    plan: &'p Plan,
    kept: LedgerFindings<'p>,
    begun: Instant,
    /// Processor seconds of this process before the campaign: under `cargo run` they include compilers.
    processor_seconds: Option<f64>,
    bar: ProgressBar,
    build: String,
    output: Output,
    transactions: u64,
    findings: u64,
}

impl<'p> Progress<'p> {
    pub(super) fn new(
        plan: &'p Plan,
        kept: LedgerFindings<'p>,
        build: String,
        output: Output,
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
        let bar = if output != Output::Text || !std::io::stderr().is_terminal() {
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
            kept,
            begun: Instant::now(),
            processor_seconds: processor_seconds(),
            bar,
            build,
            output,
            transactions: 0,
            findings: 0,
        }
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn build(&self) -> &str {
        &self.build
    }

    /// Ends the progress bar. Returns the lines about the times of the campaign, for standard error:
    /// standard output is the same in every run.
    pub(super) fn finish(&self, summary: &LedgerSummary) -> String {
        self.bar.finish_and_clear();
        if self.output == Output::Quiet {
            return String::new();
        }
        let processor = processor_seconds().zip(self.processor_seconds);
        let processor = processor.map(|(now, before)| now - before);
        times(summary, self.begun.elapsed(), processor)
    }
}

impl Observer<Profile> for Progress<'_> {
    fn drawn(&mut self, run: RunId, profile: &Profile) {
        if !self.output.is_json() {
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

    fn ended(&mut self, profile: &Profile, ended: &Ended) {
        if self.output.is_json() {
            let elapsed_ms = self.elapsed_ms();
            let run = RunRecord::new(
                self.plan,
                self.kept.workload.preset.name(),
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
            (_, Enough::Time(_)) => self.bar.set_position(self.begun.elapsed().as_secs()),
            (Runs::Seeds(_), _) => self.bar.inc(1),
            _ => {}
        }
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    fn found(&mut self, run: RunId, violation: &Violation) {
        // A campaign that ends with its first finding reports it at once.
        if self.output.is_json() || self.plan.most_findings > 1 {
            self.bar
                .suspend(|| self.kept.announce(run, violation, self.output));
        }
    }

    fn is_interrupted(&self) -> bool {
        interrupt::is_interrupted()
    }
}

/// Lines about the wall-clock time, and about the processor time where it is known.
fn times(summary: &LedgerSummary, elapsed: Duration, processor: Option<f64>) -> String {
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

/// Processor seconds used by this process and its finished children, where they are known.
fn processor_seconds() -> Option<f64> {
    let time = processor_time()?;
    Some((time.own + time.children).as_secs_f64())
}

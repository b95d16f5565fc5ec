//! `lockstep run`: a campaign.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lockstep_sim::campaign::{self, Observer, Plan, RunReport, Summary, Verdict};
use lockstep_sim::generate::Profile;
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::shrink::{BUDGET, Shrunk};
use lockstep_sim::trial::Violation;
use serde_json::json;

use super::shrink::quietly_shrunk;
use super::{INFRASTRUCTURE, USAGE, check_environment, complain, say, scratch_folder};

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Decides everything that is drawn
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Go on until at least so many blocks were taken
    #[arg(long, default_value_t = 300)]
    blocks: u64,
    /// Go on until at least so many transactions were in them
    #[arg(long, default_value_t = 30_000)]
    transactions: u64,
    /// Go on for so long, in place of the two above, e.g. 60s or 10m
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// Do this one run only, as a report names it
    #[arg(long, value_name = "RUN", conflicts_with = "duration")]
    only: Option<u64>,
    /// Changes the seed of every hash map of the ledger; no result may depend on it
    #[arg(long, default_value_t = 0)]
    hash_seed: u64,
    /// Where the ledgers' files are while this runs [default: the system's temporary folder]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Where a reproducer is written if something is found
    #[arg(long, default_value = "reproducers")]
    out: PathBuf,
    /// Try at most so many smaller runs if something is found
    #[arg(long, value_name = "N", default_value_t = BUDGET)]
    budget: u64,
    /// Do every so many runs twice and compare
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    twice_every: u64,
    /// Print one JSON record a run and one for the verdict, in place of text
    #[arg(long)]
    json: bool,
    /// Print no progress
    #[arg(long)]
    quiet: bool,
}

impl Run {
    pub(super) fn execute(self) -> u8 {
        if let Err(error) = check_environment() {
            complain(error);
            return USAGE;
        }
        let folder = match scratch_folder(self.dir.as_deref()) {
            Ok(folder) => folder,
            Err(reason) => {
                complain(reason);
                return INFRASTRUCTURE;
            }
        };
        let plan = Plan {
            seed: self.seed,
            blocks: self.blocks,
            transactions: self.transactions,
            duration: self.duration,
            first_run: self.only.unwrap_or(0),
            most_runs: self.only.map(|_| 1),
            hash_seed: self.hash_seed,
            folder: folder.path().to_path_buf(),
            twice_every: self.twice_every,
        };
        if !self.json {
            say(format_args!("lockstep run --seed {}", self.seed));
            say(
                "  on trial   core in memory, executed in 8 ways, and core on a redb file; each block \
                 against the oracle",
            );
        }
        let mut watch = Watch::new(&self);
        let summary = campaign::run(&plan, &mut watch);
        watch.bar.finish_and_clear();
        let elapsed = watch.begun.elapsed();
        self.conclude(&summary, elapsed, folder.path())
    }

    fn conclude(&self, summary: &Summary, elapsed: Duration, scratch: &Path) -> u8 {
        let exit_code = summary.verdict.exit_code();
        let kept = match &summary.verdict {
            Verdict::Violated {
                run,
                violation,
                reproducer,
            } => self.keep(*run, violation, reproducer, scratch),
            _ => None,
        };
        if self.json {
            say(record(summary, kept.as_ref(), exit_code));
        } else {
            print_summary(summary, kept.as_ref());
            // Apart from the rest, which is the same each time.
            let _ = writeln!(
                std::io::stderr(),
                "  took       {:.1} s",
                elapsed.as_secs_f64()
            );
        }
        exit_code
    }

    /// Writes the run as it was found, so that it is there whatever shrinking does, and then as
    /// small as it gets.
    fn keep(
        &self,
        run: u64,
        violation: &Violation,
        whole: &Reproducer,
        scratch: &Path,
    ) -> Option<Kept> {
        let name = format!("{}-seed{}-run{run}", violation.invariant, self.seed);
        let remark = format!(
            "{} after step {}, by {}\n{}\nfound by: lockstep run --seed {} --only {run} \
             --hash-seed {}",
            violation.invariant,
            violation.step,
            violation.subject,
            violation.detail,
            self.seed,
            self.hash_seed,
        );
        let whole_path = self.out.join(format!("{name}.whole.repro"));
        let path = self.out.join(format!("{name}.repro"));
        let written = whole.write(&whole_path, &remark).and_then(|()| {
            let shrunk = quietly_shrunk(&whole.scenario, violation, scratch, self.budget);
            let small = Reproducer::new(&violation.invariant, shrunk.scenario.clone());
            let remark = format!("{shrunk}\nbefore that: {remark}");
            small.write(&path, &remark)?;
            Ok(shrunk)
        });
        match written {
            Ok(shrunk) => Some(Kept {
                path: path.display().to_string(),
                whole: whole_path.display().to_string(),
                shrunk,
            }),
            Err(error) => {
                complain(format_args!(
                    "the reproducer could not be written: {error}; name another folder with --out"
                ));
                None
            }
        }
    }
}

/// What was written about a violation.
struct Kept {
    path: String,
    whole: String,
    shrunk: Shrunk,
}

fn print_summary(summary: &Summary, kept: Option<&Kept>) {
    let tally = &summary.tally;
    say(format_args!(
        "  runs       {}, {} of them done twice",
        summary.runs, summary.twice
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
    say(format_args!("  digest     {}", summary.digest));
    say(&summary.verdict);
    if let Some(kept) = kept {
        say(format_args!("  {}", kept.shrunk));
        say(format_args!("  whole      {}", kept.whole));
        say(format_args!("  replay     lockstep replay {}", kept.path));
    }
}

fn record(summary: &Summary, kept: Option<&Kept>, exit_code: u8) -> serde_json::Value {
    let tally = &summary.tally;
    let events: serde_json::Map<_, _> = tally
        .events()
        .map(|(event, count)| (event.to_owned(), count.into()))
        .collect();
    json!({
        "kind": "verdict",
        "verdict": summary.verdict.name(),
        "exit_code": exit_code,
        "detail": summary.verdict.to_string(),
        "reproducer": kept.map(|kept| &kept.path),
        "whole": kept.map(|kept| &kept.whole),
        "shrunk": kept.map(|kept| kept.shrunk.to_string()),
        "runs": summary.runs,
        "twice": summary.twice,
        "blocks": tally.blocks,
        "transactions": tally.transactions,
        "applied": tally.applied,
        "events": events,
        "digest": summary.digest.to_string(),
    })
}

/// Shows how a campaign goes on.
struct Watch {
    begun: Instant,
    bar: ProgressBar,
    json: bool,
}

impl Watch {
    fn new(run: &Run) -> Self {
        let (length, template) = match (run.only, run.duration) {
            (Some(_), _) => (1, "  {spinner} run {msg}"),
            (None, Some(duration)) => (
                duration.as_secs(),
                "  [{wide_bar}] {elapsed_precise} of {len} s, {msg}",
            ),
            (None, None) => (
                run.transactions,
                "  [{wide_bar}] {pos} of {len} transactions, {msg}",
            ),
        };
        let bar = if run.json || run.quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(length)
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Watch {
            begun: Instant::now(),
            bar,
            json: run.json,
        }
    }
}

impl Observer for Watch {
    fn drawn(&mut self, run: u64, profile: &Profile) {
        if !self.json {
            self.bar
                .suspend(|| say(format_args!("  drawn {run:>4} {profile}")));
        }
        self.bar.set_message(format!("run {run}"));
    }

    fn ended(&mut self, report: &RunReport<'_>) {
        let tally = report.tally;
        if self.json {
            say(json!({
                    "kind": "run",
                    "run": report.run,
                    "drawn": report.profile.to_string(),
                    "blocks": tally.blocks,
                    "transactions": tally.transactions,
                    "applied": tally.applied,
                    "observed": report.outcome.ok().map(|hash| hash.to_string()),
            }));
        }
        match self.bar.length() {
            Some(length) if length == self.bar.position() => {}
            _ => self.bar.inc(tally.transactions),
        }
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("a number of seconds, or with a unit: 90s, 10m, 8h".to_owned()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| "a whole number, with s, m or h behind it: 90s, 10m, 8h".to_owned())
}

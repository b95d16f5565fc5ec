//! Time that an engine needs to detect a seeded bug.

use std::cell::Cell;
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use lockstep_bugs::{Bug, Effort, Engine};
use serde::Serialize;

/// Most candidates that are tried when a finding is shrunk.
const CANDIDATES: u64 = 3_000;

/// Seeds and limits of the searches.
pub(super) struct Limits {
    /// First seed.
    pub(super) seed: u64,
    /// Number of seeds, each a search.
    pub(super) seeds: u64,
    /// Most runs of a search; `None` for the default of each engine.
    pub(super) runs: Option<u64>,
    /// Most time of a search.
    pub(super) budget: Duration,
}

/// Result of an engine's searches for a bug: a cell of the detection matrix.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) bug: &'static str,
    pub(super) engine: &'static str,
    /// Number of seeds from which it was detected.
    pub(super) detected: u64,
    pub(super) seeds: u64,
    /// Runs until it was detected; all runs if it never was.
    pub(super) runs: MedianAndWorst<u64>,
    /// Seconds on the wall clock, on one thread, without shrinking.
    pub(super) seconds: MedianAndWorst<f64>,
    /// Transactions of the shrunk reproducer: the largest number over the seeds.
    pub(super) transactions: Option<usize>,
    /// Preemptions of the shrunk reproducer, if the engine counts them: the largest number over the
    /// seeds.
    pub(super) preemptions: Option<usize>,
    /// Violated invariants that named it, without duplicates.
    pub(super) invariants: Vec<String>,
}

/// Median and worst value over the seeds.
#[derive(Debug, Serialize)]
pub(super) struct MedianAndWorst<T> {
    pub(super) median: T,
    pub(super) worst: T,
}

impl<T: Copy + PartialOrd> MedianAndWorst<T> {
    /// Computes both; `values` has at least one element.
    fn of(mut values: Vec<T>) -> Self {
        values.sort_by(|a, b| a.partial_cmp(b).expect("times and counts can be compared"));
        MedianAndWorst {
            median: values[values.len() / 2],
            worst: values[values.len() - 1],
        }
    }
}

/// Searches from each seed, and shrinks each finding.
///
/// # Errors
///
/// If the engine could not search; the message is the engine's.
pub(super) fn measured(
    engine: &dyn Engine,
    bug: &'static Bug,
    limits: &Limits,
) -> Result<Measured, String> {
    let mut of_detected = Vec::new();
    let mut of_all = Vec::new();
    let (mut transactions, mut preemptions) = (None, None);
    let mut invariants = Vec::new();
    let most = limits.runs.unwrap_or_else(|| engine.runs());
    let seeds = usize::try_from(limits.seeds).unwrap_or(usize::MAX);
    for seed in (limits.seed..=u64::MAX).take(seeds) {
        let title = format!("{} {} seed {seed}", bug.id, engine.name());
        let progress = SearchProgress::new(title, most, limits);
        let goes_on = |runs| progress.goes_on(runs);
        let search = engine.search(
            bug,
            seed,
            &Effort {
                most,
                goes_on: &goes_on,
            },
        )?;
        let effort = (search.runs, progress.seconds());
        progress.is_over();
        of_all.push(effort);
        if let Some(found) = search.found {
            of_detected.push(effort);
            let title = format!("{} {} shrinking", bug.id, engine.name());
            let progress = SearchProgress::new(title, CANDIDATES, limits);
            let goes_on = |tries| progress.goes_on(tries);
            let small = (found.shrunk)(&Effort {
                most: CANDIDATES,
                goes_on: &goes_on,
            });
            progress.is_over();
            transactions = transactions.max(Some(small.transactions));
            preemptions = preemptions.max(small.preemptions);
            if !invariants.contains(&found.invariant) {
                invariants.push(found.invariant);
            }
        }
    }
    let detected = of_detected.len() as u64;
    let efforts = if detected > 0 { of_detected } else { of_all };
    Ok(Measured {
        bug: bug.id,
        engine: engine.name(),
        detected,
        seeds: limits.seeds,
        runs: MedianAndWorst::of(efforts.iter().map(|(runs, _)| *runs).collect()),
        seconds: MedianAndWorst::of(efforts.iter().map(|(_, seconds)| *seconds).collect()),
        transactions,
        preemptions,
        invariants,
    })
}

/// Time limit and progress line of a search. The line is printed every second to a terminal and every
/// minute to a file.
struct SearchProgress {
    title: String,
    most: u64,
    budget: Duration,
    begun: Instant,
    said: Cell<Duration>,
    every: Duration,
}

impl SearchProgress {
    fn new(title: String, most: u64, limits: &Limits) -> Self {
        let every = if stderr().is_terminal() { 1 } else { 60 };
        SearchProgress {
            title,
            most,
            budget: limits.budget,
            begun: Instant::now(),
            said: Cell::new(Duration::ZERO),
            every: Duration::from_secs(every),
        }
    }

    fn goes_on(&self, runs: u64) -> bool {
        let elapsed = self.begun.elapsed();
        if elapsed >= self.said.get() + self.every {
            self.said.set(elapsed);
            self.say(runs, elapsed);
        }
        elapsed < self.budget
    }

    fn say(&self, runs: u64, elapsed: Duration) {
        let SearchProgress { title, most, .. } = self;
        let rate = runs as f64 / elapsed.as_secs_f64();
        let line = format!("{title}: {runs} of {most} runs, {rate:.0} runs/s");
        // A closed standard error loses only the progress.
        let _ = if stderr().is_terminal() {
            write!(stderr(), "\r{line:<79}")
        } else {
            writeln!(stderr(), "{line}")
        };
    }

    fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Clears the progress line of a terminal.
    fn is_over(&self) {
        if stderr().is_terminal() && !self.said.get().is_zero() {
            let _ = write!(stderr(), "\r{:<79}\r", "");
        }
    }
}

//! How long an engine needs for a bug.

use std::cell::Cell;
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use lockstep_bugs::{Bug, Effort, Engine};
use serde::Serialize;

/// So many candidates are tried to make what was found smaller.
const TRIES: u64 = 3_000;

/// How much each search may cost.
pub(super) struct Limits {
    pub(super) seed: u64,
    pub(super) seeds: u64,
    /// In place of what each engine takes for a search.
    pub(super) runs: Option<u64>,
    pub(super) budget: Duration,
}

/// What an engine made of a bug.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) bug: &'static str,
    pub(super) engine: &'static str,
    /// From how many seeds it was found.
    pub(super) found: u64,
    pub(super) seeds: u64,
    /// Runs until it was found; where it never was, all that there were.
    pub(super) runs: Spread<u64>,
    /// Seconds on the wall clock and one thread, shrinking not included.
    pub(super) seconds: Spread<f64>,
    /// Transactions of the smallest reproducer: the most over the seeds.
    pub(super) transactions: Option<usize>,
    /// Preemptions of it, where the engine counts them: the most over the seeds.
    pub(super) preemptions: Option<usize>,
    /// What named it, each once.
    pub(super) invariants: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Spread<T> {
    pub(super) median: T,
    pub(super) worst: T,
}

impl<T: Copy + PartialOrd> Spread<T> {
    /// Of at least one.
    fn of(mut values: Vec<T>) -> Self {
        values.sort_by(|a, b| a.partial_cmp(b).expect("times and counts can be compared"));
        Spread {
            median: values[values.len() / 2],
            worst: values[values.len() - 1],
        }
    }
}

/// Searches from each seed, and makes small what was found.
pub(super) fn measured(
    engine: &dyn Engine,
    bug: &'static Bug,
    limits: &Limits,
) -> Result<Measured, String> {
    let mut of_found = Vec::new();
    let mut of_all = Vec::new();
    let (mut transactions, mut preemptions) = (None, None);
    let mut invariants = Vec::new();
    let most = limits.runs.unwrap_or_else(|| engine.runs());
    let seeds = usize::try_from(limits.seeds).unwrap_or(usize::MAX);
    for seed in (limits.seed..=u64::MAX).take(seeds) {
        let what = format!("{} {} seed {seed}", bug.id, engine.name());
        let watch = Watch::new(what, most, limits);
        let goes_on = |runs| watch.goes_on(runs);
        let search = engine.search(
            bug,
            seed,
            &Effort {
                most,
                goes_on: &goes_on,
            },
        )?;
        let effort = (search.runs, watch.seconds());
        watch.is_over();
        of_all.push(effort);
        if let Some(found) = search.found {
            of_found.push(effort);
            let what = format!("{} {} shrinking", bug.id, engine.name());
            let watch = Watch::new(what, TRIES, limits);
            let goes_on = |tries| watch.goes_on(tries);
            let small = (found.shrunk)(&Effort {
                most: TRIES,
                goes_on: &goes_on,
            });
            watch.is_over();
            transactions = transactions.max(Some(small.transactions));
            preemptions = preemptions.max(small.preemptions);
            if !invariants.contains(&found.invariant) {
                invariants.push(found.invariant);
            }
        }
    }
    let found = of_found.len() as u64;
    let efforts = if found > 0 { of_found } else { of_all };
    Ok(Measured {
        bug: bug.id,
        engine: engine.name(),
        found,
        seeds: limits.seeds,
        runs: Spread::of(efforts.iter().map(|(runs, _)| *runs).collect()),
        seconds: Spread::of(efforts.iter().map(|(_, seconds)| *seconds).collect()),
        transactions,
        preemptions,
        invariants,
    })
}

/// Ends what takes too long, and says meanwhile how far it is: every second to a terminal, every
/// minute to anything else.
struct Watch {
    what: String,
    most: u64,
    budget: Duration,
    begun: Instant,
    said: Cell<Duration>,
    every: Duration,
}

impl Watch {
    fn new(what: String, most: u64, limits: &Limits) -> Self {
        let every = if stderr().is_terminal() { 1 } else { 60 };
        Watch {
            what,
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
        let Watch { what, most, .. } = self;
        let rate = runs as f64 / elapsed.as_secs_f64();
        let line = format!("{what}: {runs} of {most} runs, {rate:.0} a second");
        // Where nobody reads it, nothing is lost.
        let _ = if stderr().is_terminal() {
            write!(stderr(), "\r{line:<79}")
        } else {
            writeln!(stderr(), "{line}")
        };
    }

    fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Clears the line.
    fn is_over(&self) {
        if stderr().is_terminal() && !self.said.get().is_zero() {
            let _ = write!(stderr(), "\r{:<79}\r", "");
        }
    }
}

//! `lockstep bugs`: how soon each known defect is found, and by whom.

use std::fmt;
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use lockstep_sim::bugs::{self, Engine, Found};
use lockstep_sim::specimen::Defect;
use serde::Serialize;

use super::{INFRASTRUCTURE, complain, say, values};

/// Exit code where the right specimen is accused.
const ACCUSED: u8 = 11;
/// Exit code where a defect is not found by the trial.
const BLIND: u8 = 13;

/// So many candidates are tried to make what was found smaller.
const TRIES: u64 = 3_000;

#[derive(Debug, Args)]
pub(super) struct Bugs {
    /// Only this defect; may be repeated [default: all, as docs/known-bugs.md names them]
    #[arg(long, env = "LOCKSTEP_BUGS_BUG", value_name = "NAME", value_delimiter = ',',
        value_parser = defect(), hide_possible_values = true)]
    bug: Vec<Defect>,
    /// Only this engine; may be repeated [default: all]
    #[arg(long, env = "LOCKSTEP_BUGS_ENGINE", value_name = "NAME", value_delimiter = ',',
        value_parser = engine())]
    engine: Vec<Engine>,
    /// A search ends after this time: 90s, 10m [default: when its runs are done]
    #[arg(long, env = "LOCKSTEP_BUGS_BUDGET", value_name = "DURATION",
        value_parser = values::duration)]
    budget: Option<Duration>,
    /// A search ends after so many scenarios
    #[arg(
        long,
        env = "LOCKSTEP_BUGS_RUNS",
        value_name = "N",
        default_value_t = 1_000
    )]
    runs: u64,
    /// Search so often for each defect with each engine, every time from another seed
    #[arg(long, env = "LOCKSTEP_BUGS_SEEDS", value_name = "N", default_value_t = 3,
        value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first of the seeds: a number, or a commit
    #[arg(long, env = "LOCKSTEP_BUGS_SEED", default_value = "1", value_parser = values::seed)]
    seed: u64,
    /// Print one JSON record a line
    #[arg(long, env = "LOCKSTEP_BUGS_JSON")]
    json: bool,
}

/// What an engine made of a defect.
#[derive(Debug, Serialize)]
struct Row {
    /// `none` for the specimen that is right.
    bug: &'static str,
    engine: &'static str,
    /// From how many seeds it was found.
    found: u64,
    seeds: u64,
    /// Scenarios until it was found; where it never was, all that were judged.
    runs: Spread<u64>,
    /// Seconds on the wall clock and one thread, shrinking not included.
    seconds: Spread<f64>,
    /// Transactions of the smallest scenario: the most over the seeds.
    transactions: Option<usize>,
    /// What named it, each once.
    invariants: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Spread<T> {
    median: T,
    worst: T,
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

impl Bugs {
    pub(super) fn execute(self) -> u8 {
        // Every panic of a specimen is an accusation, and reported as one.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let verdict = self.verdict();
        std::panic::set_hook(hook);
        match verdict {
            Ok(exit_code) => exit_code,
            Err(reason) => {
                complain(reason);
                INFRASTRUCTURE
            }
        }
    }

    fn verdict(&self) -> Result<u8, String> {
        let defects = if self.bug.is_empty() {
            Defect::ALL
        } else {
            &self.bug
        };
        let engines = if self.engine.is_empty() {
            &Engine::ALL[..]
        } else {
            &self.engine
        };
        if !self.json {
            say(format_args!(
                "{} defects, seeds {} to {}, at most {} scenarios a search; seconds are wall clock, one thread",
                defects.len(),
                self.seed,
                self.seed.saturating_add(self.seeds - 1),
                self.runs
            ));
            say(HEAD);
        }
        let (mut accused, mut missed) = (Vec::new(), Vec::new());
        for defect in std::iter::once(None).chain(defects.iter().copied().map(Some)) {
            for &engine in engines {
                let row = self.row(engine, defect)?;
                match defect {
                    None if row.found > 0 => accused.push(engine.name()),
                    Some(defect) if row.found == 0 && engine == Engine::Trial => {
                        missed.push(defect.name());
                    }
                    _ => {}
                }
                if self.json {
                    say(serde_json::to_string(&row).map_err(|error| error.to_string())?);
                } else {
                    say(row);
                }
            }
        }
        if !accused.is_empty() {
            complain(format_args!(
                "the specimen without a defect is accused by {}: the engine or the specimen is wrong",
                accused.join(", ")
            ));
            return Ok(ACCUSED);
        }
        if !missed.is_empty() {
            complain(format_args!(
                "the trial does not find {}; more --runs or --budget may, or it has become blind",
                missed.join(", ")
            ));
            return Ok(BLIND);
        }
        Ok(0)
    }

    fn row(&self, engine: Engine, defect: Option<Defect>) -> Result<Row, String> {
        let mut of_found = Vec::new();
        let mut of_all = Vec::new();
        let mut transactions = None;
        let mut invariants = Vec::new();
        for seed in (self.seed..=u64::MAX).take(usize::try_from(self.seeds).unwrap_or(usize::MAX)) {
            let begun = Instant::now();
            let has_time = || self.budget.is_none_or(|budget| begun.elapsed() < budget);
            let search = bugs::search(engine, defect, seed, self.runs, &has_time)?;
            let effort = (search.runs, begun.elapsed().as_secs_f64());
            of_all.push(effort);
            if let Some(found) = &search.found {
                of_found.push(effort);
                transactions = transactions.max(Some(size(engine, defect, found)));
                if !invariants.contains(&found.invariant) {
                    invariants.push(found.invariant.clone());
                }
            }
        }
        let found = of_found.len() as u64;
        let efforts = if found > 0 { of_found } else { of_all };
        Ok(Row {
            bug: defect.map_or("none", Defect::name),
            engine: engine.name(),
            found,
            seeds: self.seeds,
            runs: Spread::of(efforts.iter().map(|(runs, _)| *runs).collect()),
            seconds: Spread::of(efforts.iter().map(|(_, seconds)| *seconds).collect()),
            transactions,
            invariants,
        })
    }
}

fn size(engine: Engine, defect: Option<Defect>, found: &Found) -> usize {
    bugs::shrunk(engine, defect, found, TRIES).transactions()
}

const HEAD: &str = "\
defect                   engine    found    runs: median  worst    seconds: median   worst  txs  named by";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = format!("{}/{}", self.found, self.seeds);
        let size = self.transactions.map_or("-".to_owned(), |n| n.to_string());
        let named = if self.invariants.is_empty() {
            "-".to_owned()
        } else {
            self.invariants.join(", ")
        };
        write!(
            f,
            "{:<24} {:<9} {found:>5} {:>15} {:>6} {:>18.3} {:>7.3} {size:>4}  {named}",
            self.bug,
            self.engine,
            self.runs.median,
            self.runs.worst,
            self.seconds.median,
            self.seconds.worst
        )
    }
}

fn defect() -> impl TypedValueParser<Value = Defect> {
    PossibleValuesParser::new(Defect::ALL.iter().map(|defect| defect.name()))
        .map(|name| Defect::named(&name).expect("only the name of a defect is possible"))
}

fn engine() -> impl TypedValueParser<Value = Engine> {
    PossibleValuesParser::new(Engine::ALL.map(Engine::name))
        .map(|name| Engine::named(&name).expect("only the name of an engine is possible"))
}

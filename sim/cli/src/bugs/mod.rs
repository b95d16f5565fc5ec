//! `lockstep bugs`: the detection matrix, time to detect each seeded bug by engine.

mod measure;
mod page;
mod text;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use lockstep_bugs::{BUGS, Bug, CORRECT, ENGINES, Engine, INVENTED};
use lockstep_harness::panic::silence_panics;
use lockstep_harness::seeded_bug::catalogue;

use self::measure::{Limits, Measured, measured};
use super::report::say_pair;
use super::{complain, say, values};
use lockstep_harness::exit::ExitCode;

/// Name that selects the control subjects, which have no seeded bug.
const NONE: &str = "none";

#[derive(Debug, Args)]
pub(super) struct Bugs {
    /// Search for this bug only, by its id in docs/known-bugs.md, `none` for the correct controls; may
    /// be repeated [default: all]
    #[arg(long, env = "LOCKSTEP_BUGS_BUG", value_name = "ID", value_delimiter = ',',
        value_parser = bug(), hide_possible_values = true)]
    bug: Vec<String>,
    /// Search with this engine only; may be repeated [default: all]
    #[arg(long, env = "LOCKSTEP_BUGS_ENGINE", value_name = "NAME", value_delimiter = ',',
        value_parser = engine())]
    engine: Vec<String>,
    /// Stop each search after this time: 90s, 10m
    #[arg(long, env = "LOCKSTEP_BUGS_BUDGET", value_name = "DURATION", default_value = "60s",
        value_parser = values::duration)]
    budget: Duration,
    /// Stop each search after N runs [default: by engine, 1000 scenarios, 20 chains, 200 clusters or
    /// 1000000 fuzzer inputs]
    #[arg(long, env = "LOCKSTEP_BUGS_RUNS", value_name = "N")]
    runs: Option<u64>,
    /// Search N times for each bug with each engine, from consecutive seeds
    #[arg(long, env = "LOCKSTEP_BUGS_SEEDS", value_name = "N", default_value_t = 11,
        value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Search from this seed first: a number, or a commit
    #[arg(long, env = "LOCKSTEP_BUGS_SEED", default_value = "1", value_parser = values::seed)]
    seed: u64,
    /// Print the catalogue of seeded bugs in place of searching: sentence, hosts, engines, invariants
    #[arg(long, env = "LOCKSTEP_BUGS_LIST")]
    list: bool,
    /// Print a line per bug and engine, with runs, sizes and invariants
    #[arg(long, env = "LOCKSTEP_BUGS_LONG", conflicts_with = "json")]
    long: bool,
    /// Print a JSON record per bug and engine, in place of text
    #[arg(long, env = "LOCKSTEP_BUGS_JSON")]
    json: bool,
    /// Write the matrix to this HTML file, too
    #[arg(long, env = "LOCKSTEP_BUGS_HTML", value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Column of the matrix: an engine, and the reason why it is left out, if it is.
struct Column {
    engine: &'static dyn Engine,
    left_out: Option<String>,
}

/// Row of the matrix: a bug and its cells.
struct Row {
    bug: &'static Bug,
    cells: Vec<Cell>,
}

/// Cell of the matrix.
enum Cell {
    /// The code that the engine executes does not contain the bug.
    NotApplicable,
    /// The engine cannot run on this machine or in this build.
    LeftOut,
    /// The engine searched.
    Searched(Measured),
}

impl Row {
    fn searched(&self) -> impl Iterator<Item = &Measured> {
        self.cells.iter().filter_map(|cell| match cell {
            Cell::Searched(measured) => Some(measured),
            Cell::NotApplicable | Cell::LeftOut => None,
        })
    }

    /// Returns whether no engine that searched detected the bug.
    fn is_missed(&self) -> bool {
        !self.bug.is_correct()
            && self.searched().next().is_some()
            && self.searched().all(|measured| measured.detected == 0)
    }

    /// Returns whether an engine that applies to the bug was left out.
    fn lacks_engines(&self) -> bool {
        let is_left_out = |cell: &Cell| matches!(cell, Cell::LeftOut);
        self.cells.iter().any(is_left_out)
    }

    /// Engines that report a finding for a subject without a bug.
    fn false_positives(&self) -> Vec<&'static str> {
        let of_controls = self.searched().filter(|_| self.bug.is_correct());
        of_controls
            .filter(|measured| measured.detected > 0)
            .map(|measured| measured.engine)
            .collect()
    }
}

impl Bugs {
    pub(super) fn execute(self) -> ExitCode {
        if self.list {
            catalogue().iter().for_each(|entry| say(text::entry(entry)));
            return ExitCode::Passed;
        }
        // Every panic of a buggy executor is a detection, and reported as one.
        match silence_panics(|| self.verdict()) {
            Ok(exit_code) => exit_code,
            Err(reason) => {
                complain(reason);
                ExitCode::Infrastructure
            }
        }
    }

    fn verdict(&self) -> Result<ExitCode, String> {
        let bugs = self.bugs();
        let columns = self.columns(&bugs);
        let heading = self.heading();
        for Column { engine, left_out } in &columns {
            if let Some(reason) = left_out {
                complain(format_args!(
                    "engine {} is left out: {reason}",
                    engine.name()
                ));
            }
        }
        if !self.json {
            say(self.command());
            self.print_limits();
            say(match self.long {
                true => text::LONG_HEAD.to_owned(),
                false => text::head(&columns),
            });
        }
        let mut rows = Vec::new();
        for bug in bugs {
            let row = self.row(bug, &columns)?;
            if !self.json && !self.long {
                say(text::row(&row));
            }
            rows.push(row);
        }
        if !self.json {
            say(text::NOTE);
        }
        if let Some(path) = &self.html {
            let page = page::page(&heading, &self.command(), &columns, &rows);
            std::fs::write(path, page).map_err(|error| {
                format!(
                    "the page could not be written to {}: {error}",
                    path.display()
                )
            })?;
        }
        Ok(exit_code(&rows))
    }

    fn bugs(&self) -> Vec<&'static Bug> {
        let rows = CORRECT.iter().chain(BUGS.iter());
        if self.bug.is_empty() {
            return rows.collect();
        }
        // Invented ones are searched for by name alone.
        let is_wanted = |bug: &&Bug| {
            let is_named = |name: &String| name == bug.id || (name == NONE && bug.is_correct());
            self.bug.iter().any(is_named)
        };
        rows.chain(INVENTED.iter()).filter(is_wanted).collect()
    }

    fn columns(&self, bugs: &[&'static Bug]) -> Vec<Column> {
        let is_wanted = |engine: &&&'static dyn Engine| {
            self.engine.is_empty() || self.engine.iter().any(|name| name == engine.name())
        };
        ENGINES
            .iter()
            .filter(is_wanted)
            .map(|&engine| Column {
                engine,
                // Finding out may take long (it starts other programs), so only engines that apply are asked.
                left_out: bugs
                    .iter()
                    .any(|bug| engine.applies(bug))
                    .then(|| engine.left_out())
                    .flatten(),
            })
            .collect()
    }

    fn row(&self, bug: &'static Bug, columns: &[Column]) -> Result<Row, String> {
        let mut cells = Vec::new();
        for Column { engine, left_out } in columns {
            cells.push(if !engine.applies(bug) {
                Cell::NotApplicable
            } else if left_out.is_some() {
                Cell::LeftOut
            } else {
                let measured = measured(*engine, bug, &self.limits())?;
                if self.json {
                    say(serde_json::to_string(&measured).map_err(|error| error.to_string())?);
                } else if self.long {
                    say(&measured);
                }
                Cell::Searched(measured)
            });
        }
        Ok(Row { bug, cells })
    }

    const fn limits(&self) -> Limits {
        Limits {
            seed: self.seed,
            seeds: self.seeds,
            runs: self.runs,
            budget: self.budget,
        }
    }

    fn print_limits(&self) {
        let last = self.seed.saturating_add(self.seeds - 1);
        say_pair(
            "seeds",
            format_args!(
                "{} to {last}, a search of each bug with each engine",
                self.seed
            ),
        );
        say_pair("limit", self.limit());
        say_pair("times", "median seconds to detect, wall clock, one thread");
    }

    /// Limit of a search, in words.
    fn limit(&self) -> String {
        let runs = self
            .runs
            .map_or(String::new(), |runs| format!("{runs} runs and "));
        format!("{runs}{} s per search", self.budget.as_secs())
    }

    /// Description of the searches, for the page.
    fn heading(&self) -> String {
        let last = self.seed.saturating_add(self.seeds - 1);
        format!(
            "Seeds {} to {last}, at most {}; times are wall-clock seconds on one thread.",
            self.seed,
            self.limit()
        )
    }

    /// Command that repeats this one.
    fn command(&self) -> String {
        let mut command = format!(
            "lockstep bugs --seeds {} --seed {} --budget {}s",
            self.seeds,
            self.seed,
            self.budget.as_secs()
        );
        if let Some(runs) = self.runs {
            command += &format!(" --runs {runs}");
        }
        for bug in &self.bug {
            command += &format!(" --bug {bug}");
        }
        for engine in &self.engine {
            command += &format!(" --engine {engine}");
        }
        command
    }
}

/// Prints false positives and undetected bugs; returns the exit code for them.
fn exit_code(rows: &[Row]) -> ExitCode {
    let false_positives: Vec<String> = rows
        .iter()
        .flat_map(|row| {
            let id = row.bug.id;
            let engines = row.false_positives().into_iter();
            engines.map(move |engine| format!("{engine} reports {id}"))
        })
        .collect();
    if !false_positives.is_empty() {
        complain(format_args!(
            "false positives: {}; the engine or the subject is wrong",
            false_positives.join(", ")
        ));
        return ExitCode::Violated;
    }
    let missed = |lacking: bool| {
        let missed = rows.iter().filter(|row| row.is_missed());
        let alike = missed.filter(|row| row.lacks_engines() == lacking);
        let ids: Vec<&str> = alike.map(|row| row.bug.id).collect();
        (!ids.is_empty()).then(|| ids.join(", "))
    };
    let (undecided, missed) = (missed(true), missed(false));
    if let Some(undecided) = &undecided {
        complain(format_args!(
            "not detected: {undecided}; an engine that was left out may detect them"
        ));
    }
    if let Some(missed) = &missed {
        complain(format_args!(
            "not detected: {missed}; raise --runs or --budget, or look for a regression of the engines"
        ));
        return ExitCode::Unreliable;
    }
    match undecided {
        Some(_) => ExitCode::Infrastructure,
        None => ExitCode::Passed,
    }
}

fn bug() -> impl TypedValueParser<Value = String> {
    let ids = BUGS.iter().chain(INVENTED.iter()).chain(CORRECT);
    let ids = ids.map(|bug| bug.id);
    PossibleValuesParser::new(ids.chain([NONE]))
}

fn engine() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(ENGINES.iter().map(|engine| engine.name()))
}

#[cfg(test)]
mod tests {
    use super::measure::MedianAndWorst;
    use super::*;

    /// A row of one bug: number of seeds of two from which each engine detected it.
    fn row(id: &str, detected: &[u64]) -> Row {
        let bug = Bug::named(id).expect("it is a bug");
        let cells = detected.iter().map(|detected| {
            Cell::Searched(Measured {
                bug: bug.id,
                engine: "trial",
                detected: *detected,
                seeds: 2,
                runs: MedianAndWorst {
                    median: 1,
                    worst: 1,
                },
                seconds: MedianAndWorst {
                    median: 0.0,
                    worst: 0.0,
                },
                transactions: None,
                preemptions: None,
                invariants: Vec::new(),
            })
        });
        let cells = cells.chain([Cell::NotApplicable]).collect();
        Row { bug, cells }
    }

    /// The same row, with an engine that was left out.
    fn lacking(mut row: Row) -> Row {
        row.cells.push(Cell::LeftOut);
        row
    }

    #[test]
    fn a_bug_is_missed_when_no_engine_that_searched_detects_it() {
        let (found, missed) = (row("half-applied", &[0, 1]), row("late-insert", &[0, 0]));
        assert_eq!(exit_code(&[found]), ExitCode::Passed);
        assert_eq!(exit_code(&[missed]), ExitCode::Unreliable);
        assert_eq!(exit_code(&[row("late-insert", &[])]), ExitCode::Passed);
    }

    #[test]
    fn an_engine_that_is_left_out_may_detect_what_the_others_miss() {
        let (found, missed) = (row("half-applied", &[1]), row("late-insert", &[0]));
        assert_eq!(exit_code(&[lacking(found)]), ExitCode::Passed);
        let undecided = lacking(missed);
        assert_eq!(
            exit_code(std::slice::from_ref(&undecided)),
            ExitCode::Infrastructure
        );
        assert_eq!(
            exit_code(&[undecided, row("half-applied", &[0])]),
            ExitCode::Unreliable
        );
    }

    #[test]
    fn a_false_positive_is_worse_than_a_missed_bug() {
        assert_eq!(
            exit_code(&[row("correct-executor", &[0, 0])]),
            ExitCode::Passed
        );
        let (false_positive, missed) = (row("correct-executor", &[0, 1]), row("late-insert", &[0]));
        assert_eq!(exit_code(&[missed, false_positive]), ExitCode::Violated);
    }
}

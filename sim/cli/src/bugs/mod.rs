//! `lockstep bugs`: how soon each known defect is found, and by whom.

mod measure;
mod page;
mod text;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use lockstep_bugs::{BUGS, Bug, CORRECT, ENGINES, Engine};
use lockstep_harness::panic::silence_panics;
use lockstep_harness::seeded_bug::catalogue;

use self::measure::{Limits, Measured, measured};
use super::{complain, say, values};
use lockstep_harness::exit::ExitCode;

/// What stands for everybody who is right.
const NONE: &str = "none";

#[derive(Debug, Args)]
pub(super) struct Bugs {
    /// Only this bug, as docs/known-bugs.md names it, or `none` for those who have none; may be
    /// repeated [default: all]
    #[arg(long, env = "LOCKSTEP_BUGS_BUG", value_name = "NAME", value_delimiter = ',',
        value_parser = bug(), hide_possible_values = true)]
    bug: Vec<String>,
    /// Only this engine; may be repeated [default: all]
    #[arg(long, env = "LOCKSTEP_BUGS_ENGINE", value_name = "NAME", value_delimiter = ',',
        value_parser = engine())]
    engine: Vec<String>,
    /// A search ends after this time: 90s, 10m
    #[arg(long, env = "LOCKSTEP_BUGS_BUDGET", value_name = "DURATION", default_value = "60s",
        value_parser = values::duration)]
    budget: Duration,
    /// A search ends after so many runs [default: 1,000 scenarios, 20 chains, 200
    /// networks, a million inputs of a fuzzer]
    #[arg(long, env = "LOCKSTEP_BUGS_RUNS", value_name = "N")]
    runs: Option<u64>,
    /// Search so often for each bug with each engine, every time from another seed
    #[arg(long, env = "LOCKSTEP_BUGS_SEEDS", value_name = "N", default_value_t = 11,
        value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first of the seeds: a number, or a commit
    #[arg(long, env = "LOCKSTEP_BUGS_SEED", default_value = "1", value_parser = values::seed)]
    seed: u64,
    /// Print the catalogue of seeded bugs in place of searching: hosts, sentence, what finds each
    #[arg(long, env = "LOCKSTEP_BUGS_LIST")]
    list: bool,
    /// Print a line for each bug and engine, with runs, sizes and what named it
    #[arg(long, env = "LOCKSTEP_BUGS_LONG", conflicts_with = "json")]
    long: bool,
    /// Print one JSON record a line, one for each bug and engine
    #[arg(long, env = "LOCKSTEP_BUGS_JSON")]
    json: bool,
    /// Write everything to a page, too
    #[arg(long, env = "LOCKSTEP_BUGS_HTML", value_name = "FILE")]
    html: Option<PathBuf>,
}

/// An engine of the run, and why it cannot look, where that is so.
struct Column {
    engine: &'static dyn Engine,
    left_out: Option<String>,
}

/// A bug, and what each of the columns made of it.
struct Line {
    bug: &'static Bug,
    cells: Vec<Cell>,
}

/// What an engine made of a bug.
enum Cell {
    /// It is not there where the engine looks.
    NotThere,
    /// The engine cannot look here.
    LeftOut,
    /// It looked.
    Looked(Measured),
}

impl Line {
    fn looked(&self) -> impl Iterator<Item = &Measured> {
        self.cells.iter().filter_map(|cell| match cell {
            Cell::Looked(measured) => Some(measured),
            Cell::NotThere | Cell::LeftOut => None,
        })
    }

    /// Whether nobody found it who looked.
    fn is_missed(&self) -> bool {
        !self.bug.is_correct()
            && self.looked().next().is_some()
            && self.looked().all(|measured| measured.found == 0)
    }

    /// Whether somebody could have found it who cannot look here.
    fn lacks_engines(&self) -> bool {
        let is_left_out = |cell: &Cell| matches!(cell, Cell::LeftOut);
        self.cells.iter().any(is_left_out)
    }

    /// Who accuses somebody who is right.
    fn accusers(&self) -> Vec<&'static str> {
        let of_nothing = self.looked().filter(|_| self.bug.is_correct());
        of_nothing
            .filter(|measured| measured.found > 0)
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
        // Every panic of a specimen is an accusation, and reported as one.
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
                complain(format_args!("left out: {}: {reason}", engine.name()));
            }
        }
        if !self.json {
            say(&heading);
            say(match self.long {
                true => text::LONG_HEAD.to_owned(),
                false => text::head(&columns),
            });
        }
        let mut lines = Vec::new();
        for bug in bugs {
            let line = self.line(bug, &columns)?;
            if !self.json && !self.long {
                say(text::line(&line));
            }
            lines.push(line);
        }
        if !self.json {
            say(text::NOTE);
        }
        if let Some(path) = &self.html {
            let page = page::page(&heading, &self.command(), &columns, &lines);
            std::fs::write(path, page).map_err(|error| {
                format!(
                    "the page could not be written to {}: {error}",
                    path.display()
                )
            })?;
        }
        Ok(exit_code(&lines))
    }

    fn bugs(&self) -> Vec<&'static Bug> {
        let all = CORRECT.iter().chain(BUGS.iter());
        let is_wanted = |bug: &&Bug| {
            let is_named = |name: &String| name == bug.id || (name == NONE && bug.is_correct());
            self.bug.is_empty() || self.bug.iter().any(is_named)
        };
        all.filter(is_wanted).collect()
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
                // To find out may take long, so it is asked where it matters.
                left_out: bugs
                    .iter()
                    .any(|bug| engine.applies(bug))
                    .then(|| engine.left_out())
                    .flatten(),
            })
            .collect()
    }

    fn line(&self, bug: &'static Bug, columns: &[Column]) -> Result<Line, String> {
        let mut cells = Vec::new();
        for Column { engine, left_out } in columns {
            cells.push(if !engine.applies(bug) {
                Cell::NotThere
            } else if left_out.is_some() {
                Cell::LeftOut
            } else {
                let measured = measured(*engine, bug, &self.limits())?;
                if self.json {
                    say(serde_json::to_string(&measured).map_err(|error| error.to_string())?);
                } else if self.long {
                    say(&measured);
                }
                Cell::Looked(measured)
            });
        }
        Ok(Line { bug, cells })
    }

    const fn limits(&self) -> Limits {
        Limits {
            seed: self.seed,
            seeds: self.seeds,
            runs: self.runs,
            budget: self.budget,
        }
    }

    fn heading(&self) -> String {
        let runs = self
            .runs
            .map_or(String::new(), |n| format!("{n} runs and "));
        format!(
            "seeds {} to {}, at most {runs}{} s a search; seconds are wall clock, one thread",
            self.seed,
            self.seed.saturating_add(self.seeds - 1),
            self.budget.as_secs()
        )
    }

    /// The command that says the same again.
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

/// Says what is wrong with the engines, if anything.
fn exit_code(lines: &[Line]) -> ExitCode {
    let accusers: Vec<String> = lines
        .iter()
        .flat_map(|line| {
            let id = line.bug.id;
            let accusers = line.accusers().into_iter();
            accusers.map(move |engine| format!("{engine} accuses {id}"))
        })
        .collect();
    if !accusers.is_empty() {
        complain(format_args!(
            "somebody is accused who is right: {}; the engine or the accused is wrong",
            accusers.join(", ")
        ));
        return ExitCode::Violated;
    }
    let missed = |lacking: bool| {
        let missed = lines.iter().filter(|line| line.is_missed());
        let alike = missed.filter(|line| line.lacks_engines() == lacking);
        let ids: Vec<&str> = alike.map(|line| line.bug.id).collect();
        (!ids.is_empty()).then(|| ids.join(", "))
    };
    let (undecided, missed) = (missed(true), missed(false));
    if let Some(undecided) = &undecided {
        complain(format_args!(
            "nobody who looked finds {undecided}; whoever was left out may"
        ));
    }
    if let Some(missed) = &missed {
        complain(format_args!(
            "nobody who looked finds {missed}; more --runs or --budget may, or an engine has become blind"
        ));
        return ExitCode::Unreliable;
    }
    match undecided {
        Some(_) => ExitCode::Infrastructure,
        None => ExitCode::Passed,
    }
}

fn bug() -> impl TypedValueParser<Value = String> {
    let ids = BUGS.iter().chain(CORRECT).map(|bug| bug.id);
    PossibleValuesParser::new(ids.chain([NONE]))
}

fn engine() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(ENGINES.iter().map(|engine| engine.name()))
}

#[cfg(test)]
mod tests {
    use super::measure::Spread;
    use super::*;

    /// A line of one bug, which each of these engines found from so many seeds of two.
    fn line(id: &str, found: &[u64]) -> Line {
        let bug = Bug::named(id).expect("it is a bug");
        let cells = found.iter().map(|found| {
            Cell::Looked(Measured {
                bug: bug.id,
                engine: "trial",
                found: *found,
                seeds: 2,
                runs: Spread {
                    median: 1,
                    worst: 1,
                },
                seconds: Spread {
                    median: 0.0,
                    worst: 0.0,
                },
                transactions: None,
                preemptions: None,
                invariants: Vec::new(),
            })
        });
        let cells = cells.chain([Cell::NotThere]).collect();
        Line { bug, cells }
    }

    /// The same, and another engine would look if it could.
    fn lacking(mut line: Line) -> Line {
        line.cells.push(Cell::LeftOut);
        line
    }

    #[test]
    fn a_bug_is_missed_when_nobody_who_looked_finds_it() {
        let (found, missed) = (line("half-applied", &[0, 1]), line("late-insert", &[0, 0]));
        assert_eq!(exit_code(&[found]), ExitCode::Passed);
        assert_eq!(exit_code(&[missed]), ExitCode::Unreliable);
        assert_eq!(exit_code(&[line("late-insert", &[])]), ExitCode::Passed);
    }

    #[test]
    fn who_is_left_out_may_have_found_what_nobody_else_finds() {
        let (found, missed) = (line("half-applied", &[1]), line("late-insert", &[0]));
        assert_eq!(exit_code(&[lacking(found)]), ExitCode::Passed);
        let undecided = lacking(missed);
        assert_eq!(
            exit_code(std::slice::from_ref(&undecided)),
            ExitCode::Infrastructure
        );
        assert_eq!(
            exit_code(&[undecided, line("half-applied", &[0])]),
            ExitCode::Unreliable
        );
    }

    #[test]
    fn whoever_accuses_the_right_is_worse_than_one_who_is_blind() {
        assert_eq!(
            exit_code(&[line("correct-executor", &[0, 0])]),
            ExitCode::Passed
        );
        let (accused, missed) = (line("correct-executor", &[0, 1]), line("late-insert", &[0]));
        assert_eq!(exit_code(&[missed, accused]), ExitCode::Violated);
    }
}

//! The matrix on a terminal.

use std::fmt;

use lockstep_bugs::page::named_by;
use lockstep_bugs::{Bug, ENGINES};
use lockstep_harness::seeded_bug::Entry;

use super::measure::Measured;
use super::{Cell, Column, Line};

pub(super) const LONG_HEAD: &str = "\
bug                      engine     found    runs: median  worst    seconds: median   worst  txs  preempt  named by";

const WIDTH: usize = 13;

/// The names of the engines, each over its column.
pub(super) fn head(columns: &[Column]) -> String {
    let names: String = columns
        .iter()
        .map(|column| format!(" {:>WIDTH$}", column.engine.name()))
        .collect();
    format!("{:<24}{names}", "median seconds")
}

/// A bug and its cells.
pub(super) fn line(line: &Line) -> String {
    let cells: String = line
        .cells
        .iter()
        .map(|cell| format!(" {:>WIDTH$}", in_short(cell)))
        .collect();
    format!("{:<24}{cells}", line.bug.id)
}

fn in_short(cell: &Cell) -> String {
    match cell {
        Cell::NotThere => "n/a".to_owned(),
        Cell::LeftOut => "left out".to_owned(),
        Cell::Looked(measured) if measured.found == 0 => "-".to_owned(),
        Cell::Looked(measured) if measured.found < measured.seeds => format!(
            "{:.3} {}/{}",
            measured.seconds.median, measured.found, measured.seeds
        ),
        Cell::Looked(measured) => format!("{:.3}", measured.seconds.median),
    }
}

/// What the table does not say by itself.
pub(super) const NOTE: &str = "- it looked and found nothing; k/n found from k of n seeds; n/a the \
                               bug is not where the engine looks";

/// An entry of the catalogue, in aligned pairs of key and value.
pub(super) fn entry(entry: &Entry) -> String {
    let or_none = |text: String| match text.as_str() {
        "" => "-".to_owned(),
        _ => text,
    };
    let bug = Bug::named(entry.bug.id);
    let engines = ENGINES
        .iter()
        .filter(|engine| bug.is_some_and(|bug| engine.applies(bug)));
    let engines: Vec<&str> = engines.map(|engine| engine.name()).collect();
    let hosts: Vec<&str> = entry.seedings.iter().map(|one| one.host.name).collect();
    format!(
        "{}\n  bug       {}\n  area      {}\n  hosts     {}\n  engines   {}\n  named by  {}",
        entry.bug.id,
        entry.bug.sentence,
        entry.bug.area.title(),
        hosts.join(", "),
        or_none(engines.join(", ")),
        or_none(named_by(entry)),
    )
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |number: Option<usize>| number.map_or("-".to_owned(), |n| n.to_string());
        let found = format!("{}/{}", self.found, self.seeds);
        let named = if self.invariants.is_empty() {
            "-".to_owned()
        } else {
            self.invariants.join(", ")
        };
        write!(
            f,
            "{:<24} {:<10} {found:>5} {:>15} {:>6} {:>18.3} {:>7.3} {:>4} {:>8}  {named}",
            self.bug,
            self.engine,
            self.runs.median,
            self.runs.worst,
            self.seconds.median,
            self.seconds.worst,
            or_none(self.transactions),
            or_none(self.preemptions),
        )
    }
}

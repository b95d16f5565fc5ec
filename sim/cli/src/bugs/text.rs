//! The detection matrix as text.

use std::fmt;

use lockstep_bugs::page::named_by;
use lockstep_bugs::{Bug, ENGINES};
use lockstep_harness::seeded_bug::Entry;

use super::measure::Measured;
use super::{Cell, Column, Row};
use crate::report::pair;

pub(super) const LONG_HEAD: &str = "\
bug                            engine        detected    runs: median  worst    seconds: median   worst  txs  preempt  invariants";

/// Width of the column of ids.
const ID_WIDTH: usize = 30;
/// Width of the column of an engine.
const WIDTH: usize = 13;

/// Head of the table: the names of the engines.
pub(super) fn head(columns: &[Column]) -> String {
    let names: String = columns
        .iter()
        .map(|column| format!(" {:>WIDTH$}", column.engine.name()))
        .collect();
    format!("{:<ID_WIDTH$}{names}", "bug")
}

/// Row of the table: a bug and its cells.
pub(super) fn row(row: &Row) -> String {
    let cells: String = row
        .cells
        .iter()
        .map(|cell| format!(" {:>WIDTH$}", in_short(cell)))
        .collect();
    format!("{:<ID_WIDTH$}{cells}", row.bug.id)
}

fn in_short(cell: &Cell) -> String {
    match cell {
        Cell::NotApplicable => "n/a".to_owned(),
        Cell::LeftOut => "left out".to_owned(),
        Cell::Searched(measured) if measured.detected == 0 => "-".to_owned(),
        Cell::Searched(measured) if measured.detected < measured.seeds => format!(
            "{:.3} {}/{}",
            measured.seconds.median, measured.detected, measured.seeds
        ),
        Cell::Searched(measured) => format!("{:.3}", measured.seconds.median),
    }
}

/// Legend of the table.
pub(super) const NOTE: &str = "-: not detected; k/n: detected from k of n seeds; n/a: the engine \
                               does not execute the code with the bug";

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
    let facts = [
        ("sentence", entry.bug.sentence.to_owned()),
        ("area", entry.bug.area.title().to_owned()),
        ("hosts", hosts.join(", ")),
        ("engines", or_none(engines.join(", "))),
        ("invariants", or_none(named_by(entry))),
    ];
    let lines = facts.map(|(key, value)| format!("\n  {}", pair(key, value)));
    format!("{}{}", entry.bug.id, lines.concat())
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |number: Option<usize>| number.map_or("-".to_owned(), |n| n.to_string());
        let detected = format!("{}/{}", self.detected, self.seeds);
        let named = if self.invariants.is_empty() {
            "-".to_owned()
        } else {
            self.invariants.join(", ")
        };
        write!(
            f,
            "{:<ID_WIDTH$} {:<13} {detected:>8} {:>15} {:>6} {:>18.3} {:>7.3} {:>4} {:>8}  {named}",
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

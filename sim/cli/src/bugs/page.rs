//! The detection matrix as an HTML page: one file, without scripts and external resources.

use std::fmt::Write as _;

use lockstep_harness::shrink::counted;

use super::measure::Measured;
use super::{Cell, Column, Row};

const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fcfcfa; --soft: #5d6670; --rule: #d9dcd6; \
--fast: #dff0df; --slow: #fbeecb; --missed: #f7dcd8; --head: #f0f1ec; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6e3; --paper: #16181a; --soft: #98a1a8; \
--rule: #33383c; --fast: #1d3a26; --slow: #453a16; --missed: #4a2420; --head: #202427; } }
* { box-sizing: border-box; }
body { margin: 2rem auto; padding: 0 1.5rem; max-width: 110rem; background: var(--paper); color: var(--ink); \
font: 14px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .3rem 0; max-width: 60rem; }
code { font: 12px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .3rem .55rem; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
thead th { position: sticky; top: 0; background: var(--head); }
td.cell { white-space: nowrap; border-left: 1px solid var(--paper); font-variant-numeric: tabular-nums; }
td.cell b { display: block; font-weight: 600; }
td.bug { min-width: 15rem; }
small { display: block; color: var(--soft); font-size: 11px; line-height: 1.35; }
.fast { background: var(--fast); } .slow { background: var(--slow); } .missed { background: var(--missed); }
.away { color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; max-width: 60rem; }
dt { font-weight: 600; } dd { margin: 0; }
.swatch { display: inline-block; padding: 0 .5rem; }
";

/// Most seconds to detect a bug from every seed for a cell to be shown as fast.
const SOON: f64 = 10.0;

/// Builds the page: the matrix, and under it a description of each engine.
pub(super) fn page(heading: &str, command: &str, columns: &[Column], rows: &[Row]) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Detection matrix: time to detect each seeded bug, by engine</title>\n<style>\n{STYLE}</style>\n\
         <h1>Detection matrix: time to detect each seeded bug, by engine</h1>\n<p>{}</p>\n<p>{}</p>\n<p><code>{}</code></p>\n",
        escaped(&in_numbers(rows)),
        escaped(heading),
        escaped(command)
    );
    html += "<p>Each cell: median seconds to detect the bug; detected of searched seeds; worst time; \
             runs; size of the shrunk reproducer; violated invariants. \
             <span class=\"swatch fast\">detected within 10 s from every seed</span> \
             <span class=\"swatch slow\">slower, or not from every seed</span> \
             <span class=\"swatch missed\">searched and not detected</span> \
             <span class=\"swatch away\">n/a: not in the code that the engine executes</span></p>\n";
    table(&mut html, "Seeded bugs", columns, rows, false);
    table(
        &mut html,
        "Correct controls: nothing may be detected",
        columns,
        rows,
        true,
    );
    html += "<h2>Engines</h2>\n<dl>\n";
    for Column { engine, left_out } in columns {
        let why = left_out.as_ref().map_or(String::new(), |reason| {
            format!(" <small>left out: {}</small>", escaped(reason))
        });
        let what = escaped(engine.sentence());
        // Writing to a string does not fail.
        let _ = writeln!(html, "<dt>{}<dd>{what}{why}", engine.name());
    }
    html += "</dl>\n";
    html
}

fn table(html: &mut String, title: &str, columns: &[Column], rows: &[Row], are_correct: bool) {
    let rows: Vec<&Row> = rows
        .iter()
        .filter(|row| row.bug.is_correct() == are_correct)
        .collect();
    if rows.is_empty() {
        return;
    }
    let names: String = columns
        .iter()
        .map(|column| format!("<th>{}", column.engine.name()))
        .collect();
    let _ = write!(
        html,
        "<h2>{title}</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>{}{names}\n<tbody>\n",
        if are_correct { "subject" } else { "bug" }
    );
    for row in rows {
        let _ = write!(
            html,
            "<tr><td class=\"bug\"><b>{}</b><small>{}</small>",
            row.bug.id,
            escaped(row.bug.sentence)
        );
        for cell in &row.cells {
            *html += &in_a_cell(cell, are_correct);
        }
        html.push('\n');
    }
    *html += "</table></div>\n";
}

fn in_a_cell(cell: &Cell, is_correct: bool) -> String {
    let measured = match cell {
        Cell::NotApplicable => return "<td class=\"cell away\">n/a".to_owned(),
        Cell::LeftOut => return "<td class=\"cell away\">left out".to_owned(),
        Cell::Searched(measured) => measured,
    };
    let Measured {
        detected,
        seeds,
        runs,
        seconds,
        ..
    } = measured;
    let is_good = if is_correct {
        *detected == 0
    } else {
        detected == seeds && seconds.worst <= SOON
    };
    let class = match (is_good, *detected == 0 || is_correct) {
        (true, _) => "fast",
        (false, false) => "slow",
        (false, true) => "missed",
    };
    if *detected == 0 {
        let runs = runs.median;
        return format!(
            "<td class=\"cell {class}\"><b>-</b><small>0/{seeds}<br>{runs} runs each</small>"
        );
    }
    let size = measured.transactions.map_or(String::new(), |n| {
        let preemptions = measured.preemptions.map(|n| counted(n, "preemption"));
        let more = preemptions.map_or(String::new(), |n| format!(", {n}"));
        format!("<br>{}{more}", counted(n, "transaction"))
    });
    format!(
        "<td class=\"cell {class}\"><b>{:.3} s</b><small>{detected}/{seeds}, worst {:.3} s<br>\
         runs {}, worst {}{size}<br>{}</small>",
        seconds.median,
        seconds.worst,
        runs.median,
        runs.worst,
        escaped(&measured.invariants.join("\n")).replace('\n', "<br>")
    )
}

fn in_numbers(rows: &[Row]) -> String {
    let searched: Vec<&Row> = rows
        .iter()
        .filter(|row| !row.bug.is_correct() && row.searched().next().is_some())
        .collect();
    let detected = searched.iter().filter(|row| !row.is_missed()).count();
    let is_soon = |row: &&&Row| {
        row.searched()
            .any(|one| one.detected == one.seeds && one.seconds.worst <= SOON)
    };
    let soon = searched.iter().filter(is_soon).count();
    let false_positives = match rows
        .iter()
        .filter(|row| !row.false_positives().is_empty())
        .count()
    {
        0 => "No false positives.".to_owned(),
        some => format!("False positives for {some} correct controls."),
    };
    format!(
        "{detected} of {} seeded bugs are detected, {soon} of them by some engine within {SOON} s \
         from every seed. {false_positives}",
        searched.len()
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

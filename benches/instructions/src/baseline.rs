//! Baseline: counts of an earlier build, as a file, and the differences of the present ones.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crate::machine::Machine;

/// Instructions of functions, and the machine and tools that counted them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Baseline {
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<Row>,
}

/// Instructions of one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Number of its items: transactions, signatures, cells.
    pub(crate) items: usize,
    /// Instructions for all items together.
    pub(crate) instructions: u64,
}

/// Result of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Every function takes what it took.
    Same,
    /// Other tools or another processor, each with the baseline's and the present one.
    NotComparable(Vec<String>),
    /// The functions that do not, in words.
    Differs(Vec<String>),
}

/// The loops that show that a difference is seen.
pub(crate) const SHORTER_LOOP: &str = "canary: a loop";
pub(crate) const LONGER_LOOP: &str = "canary: a loop 4 % longer";

impl Baseline {
    /// Reads the text that `Display` writes.
    ///
    /// # Errors
    ///
    /// Names the line that is missing, or is no row.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let lines = || {
            text.lines()
                .filter(|line| !line.starts_with('#') && !line.is_empty())
        };
        let named: BTreeMap<&str, &str> =
            lines().filter_map(|line| line.split_once(": ")).collect();
        let value = |name: &str| {
            let value = named.get(name);
            value
                .map(|value| (*value).to_owned())
                .ok_or_else(|| format!("there is no line `{name}: ...`"))
        };
        let machine = Machine {
            compiler: value("compiler")?,
            valgrind: value("valgrind")?,
            libc: value("libc")?,
            processor: value("processor")?,
        };
        let is_row =
            |line: &&str| line.starts_with(|first: char| first == ' ' || first.is_ascii_digit());
        let rows: Result<Vec<Row>, String> = lines().filter(is_row).map(row).collect();
        Ok(Baseline {
            machine,
            rows: rows?,
        })
    }

    /// Finds the functions that differ from this by more than `limit_percent`, or are counted in one of
    /// the two only.
    ///
    /// A smaller count is a difference too: a baseline that is left too high would hide the next
    /// regression.
    pub(crate) fn compare(&self, now: &Baseline, limit_percent: f64) -> Comparison {
        let other_tools: Vec<String> = self
            .machine
            .lines()
            .into_iter()
            .zip(now.machine.lines())
            .filter(|((_, then), (_, now))| then != now)
            .map(|((name, then), (_, now))| format!("{name}: {now}; the baseline's: {then}"))
            .collect();
        if !other_tools.is_empty() {
            return Comparison::NotComparable(other_tools);
        }
        let mut differences = Vec::new();
        for (name, then, now) in self.beside(now) {
            match (then, now) {
                (Some(then), Some(now)) if then.items != now.items => differences.push(format!(
                    "{name}: {} items, and {} in the baseline",
                    now.items, then.items
                )),
                (Some(then), Some(now)) => {
                    let percent = percent(then, now);
                    // Of nothing there is no percentage, and so nothing is within the limit.
                    let is_within = percent.abs() <= limit_percent;
                    if !is_within {
                        differences.push(format!(
                            "{name}: {percent:+.1} %, {} instructions after {}",
                            now.instructions, then.instructions
                        ));
                    }
                }
                (Some(_), None) => differences.push(format!("{name}: is not counted any more")),
                (None, _) => differences.push(format!("{name}: is not in the baseline")),
            }
        }
        if differences.is_empty() {
            Comparison::Same
        } else {
            Comparison::Differs(differences)
        }
    }

    /// Both beside each other, for people.
    pub(crate) fn table(&self, now: &Baseline) -> String {
        let mut table = format!(
            "instructions an item, {}\n\n{:<44} {:>12} {:>12} {:>8}\n",
            now.machine.compiler, "function", "baseline", "now", "%"
        );
        let an_item = |row: Option<&Row>| {
            row.map_or_else(
                || "-".to_owned(),
                |row| format!("{:.1}", row.instructions as f64 / row.items as f64),
            )
        };
        for (name, then, now) in self.beside(now) {
            let percent = match (then, now) {
                (Some(then), Some(now)) => format!("{:+.2}", percent(then, now)),
                _ => "-".to_owned(),
            };
            let line = format!(
                "{name:<44} {:>12} {:>12} {percent:>8}",
                an_item(then),
                an_item(now)
            );
            writeln!(table, "{line}").expect("a string takes everything");
        }
        table
    }

    /// Counts of the two loops, each as a baseline of one row of the same name.
    ///
    /// # Panics
    ///
    /// If one was not counted.
    pub(crate) fn canaries(&self) -> (Baseline, Baseline) {
        let only = |name: &str| {
            let row = self.rows.iter().find(|row| row.name == name);
            let row = row.expect("the canaries are always counted");
            Baseline {
                machine: self.machine.clone(),
                rows: vec![Row {
                    name: "canary".to_owned(),
                    ..row.clone()
                }],
            }
        };
        (only(SHORTER_LOOP), only(LONGER_LOOP))
    }

    /// The rows of both by name, in this one's order, then what only the other has.
    fn beside<'b>(
        &'b self,
        other: &'b Baseline,
    ) -> impl Iterator<Item = (&'b str, Option<&'b Row>, Option<&'b Row>)> {
        let named = |rows: &'b [Row], name: &str| rows.iter().find(|row| row.name == name);
        let own = self
            .rows
            .iter()
            .map(move |row| (&*row.name, Some(row), named(&other.rows, &row.name)));
        let more = other
            .rows
            .iter()
            .filter(move |row| named(&self.rows, &row.name).is_none());
        own.chain(more.map(|row| (&*row.name, None, Some(row))))
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Instructions of core's hot functions: all, items, function."
        )?;
        writeln!(
            f,
            "# Written by `cargo run --release -p lockstep-instructions -- --write`."
        )?;
        writeln!(f, "{}", self.machine)?;
        for Row {
            name,
            items,
            instructions,
        } in &self.rows
        {
            writeln!(f, "{instructions:>12} {items:>7}  {name}")?;
        }
        Ok(())
    }
}

fn row(line: &str) -> Result<Row, String> {
    let not_a_row = || format!("{line:?} is not `instructions items function`");
    let (instructions, rest) = line.trim_start().split_once(' ').ok_or_else(not_a_row)?;
    let (items, name) = rest.trim_start().split_once(' ').ok_or_else(not_a_row)?;
    Ok(Row {
        name: name.trim_start().to_owned(),
        items: items.parse().map_err(|_| not_a_row())?,
        instructions: instructions.parse().map_err(|_| not_a_row())?,
    })
}

/// Growth from the baseline to now, in percent.
fn percent(then: &Row, now: &Row) -> f64 {
    // Multiplied before it is divided, so that whole percentages are exact.
    let more = now.instructions as f64 - then.instructions as f64;
    100.0 * more / then.instructions as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(rows: &[(&str, u64)]) -> Baseline {
        Baseline {
            machine: Machine {
                compiler: "1.95.0 x86_64".to_owned(),
                valgrind: "valgrind-3.19.0".to_owned(),
                libc: "glibc 2.36".to_owned(),
                processor: "x86_64 avx2".to_owned(),
            },
            rows: rows
                .iter()
                .map(|(name, instructions)| Row {
                    name: (*name).to_owned(),
                    items: 10,
                    instructions: *instructions,
                })
                .collect(),
        }
    }

    /// The differences, where there are some.
    fn differences(then: &Baseline, now: &Baseline) -> Vec<String> {
        match then.compare(now, 2.0) {
            Comparison::Differs(differences) => differences,
            other => panic!("there is a difference, and not {other:?}"),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let written = baseline(&[("graph of 10000: zipf", 1_000_000), ("root", 7)]);
        assert_eq!(Baseline::parse(&written.to_string()), Ok(written));
    }

    #[test]
    fn a_damaged_line_is_no_baseline() {
        let text = baseline(&[("root", 7)]).to_string();
        let damaged = text.replace("           7      10", "           x      10");
        let reason = Baseline::parse(&damaged).expect_err("x is no number");
        assert!(reason.contains("x      10"), "{reason}");
        let reason = Baseline::parse("").expect_err("there is nothing");
        assert!(reason.contains("compiler"), "{reason}");
    }

    #[test]
    fn up_to_the_limit_is_the_same() {
        let then = baseline(&[("graph", 10_000)]);
        assert_eq!(
            then.compare(&baseline(&[("graph", 10_200)]), 2.0),
            Comparison::Same
        );
        assert_eq!(
            then.compare(&baseline(&[("graph", 9_800)]), 2.0),
            Comparison::Same
        );
    }

    #[test]
    fn more_and_less_than_the_limit_differ() {
        let then = baseline(&[("graph", 10_000), ("root", 10_000)]);
        let more = differences(&then, &baseline(&[("graph", 10_201), ("root", 10_000)]));
        assert_eq!(more, ["graph: +2.0 %, 10201 instructions after 10000"]);
        let less = differences(&then, &baseline(&[("graph", 10_000), ("root", 9_700)]));
        assert_eq!(less, ["root: -3.0 %, 9700 instructions after 10000"]);
    }

    #[test]
    fn what_one_of_them_does_not_count_differs() {
        let both = baseline(&[("graph", 10), ("root", 10)]);
        let one = baseline(&[("graph", 10)]);
        assert_eq!(differences(&both, &one), ["root: is not counted any more"]);
        assert_eq!(differences(&one, &both), ["root: is not in the baseline"]);
        let mut other_items = one.clone();
        other_items.rows[0].items = 11;
        assert_eq!(
            differences(&one, &other_items),
            ["graph: 11 items, and 10 in the baseline"]
        );
    }

    #[test]
    fn a_count_of_nothing_differs() {
        let nothing = baseline(&[("graph", 0)]);
        assert_eq!(differences(&baseline(&[("graph", 10)]), &nothing).len(), 1);
        assert_eq!(differences(&nothing, &nothing).len(), 1);
    }

    #[test]
    fn other_tools_are_not_compared_whatever_they_count() {
        let then = baseline(&[("graph", 10)]);
        let mut now = baseline(&[("graph", 1_000)]);
        now.machine.processor = "x86_64".to_owned();
        assert_eq!(
            then.compare(&now, 2.0),
            Comparison::NotComparable(vec![
                "processor: x86_64; the baseline's: x86_64 avx2".to_owned()
            ])
        );
    }
}

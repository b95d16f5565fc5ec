//! This program under callgrind, and the reader of callgrind's output.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::baseline::{Baseline, Row};
use crate::counted::{FUNCTION, FUNCTION_AGAIN, ROW};
use crate::error::Error;
use crate::machine::Machine;

/// The argument with which the program does what is counted.
pub(crate) const COUNTED: &str = "--counted";

/// First word of a line about the processor.
pub(crate) const PROCESSOR: &str = "processor";

/// The caches that are simulated, whatever this machine's are, in words.
pub(crate) const SIMULATED: &str = "a first cache of 32 KiB and a last one of 1 MiB, simulated";

/// Simulation of caches, which takes twice as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caches {
    No,
    Simulated,
}

/// Everything that was counted.
#[derive(Debug)]
pub(crate) struct Counts {
    machine: Machine,
    pub(crate) rows: Vec<Counted>,
}

/// Counts of one function for all its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) name: String,
    pub(crate) items: usize,
    pub(crate) instructions: u64,
    /// Reads and writes that missed the first cache; zero where none is simulated.
    pub(crate) d1_misses: u64,
    /// Those of them that missed the last one, too.
    pub(crate) ll_misses: u64,
}

impl Counts {
    /// The part of it that a baseline keeps.
    pub(crate) fn baseline(self) -> Baseline {
        let rows = self.rows.into_iter().map(|row| Row {
            name: row.name,
            items: row.items,
            instructions: row.instructions,
        });
        Baseline {
            machine: self.machine,
            rows: rows.collect(),
        }
    }
}

/// Runs all functions under callgrind. Takes some seconds.
pub(crate) fn count(caches: Caches) -> Result<Counts, Error> {
    let folder = tempfile::tempdir().map_err(|error| Error::file(Path::new("TMPDIR"), &error))?;
    let written = folder.path().join("counts");
    let this = std::env::current_exe().map_err(|error| Error::file(Path::new("self"), &error))?;
    let mut valgrind = Command::new(on_path("valgrind")?);
    valgrind
        .args(["--tool=callgrind", "--quiet", "--combine-dumps=yes"])
        // Counts of lines and addresses would be most of what is written, and are read nowhere.
        .args(["--dump-line=no", "--compress-strings=no"])
        .arg("--collect-atstart=no")
        .arg(format!("--toggle-collect={FUNCTION}"))
        .arg(format!("--dump-after={FUNCTION_AGAIN}"))
        .arg(format!("--callgrind-out-file={}", written.display()));
    if caches == Caches::Simulated {
        valgrind.args([
            "--cache-sim=yes",
            "--I1=32768,8,64",
            "--D1=32768,8,64",
            "--LL=1048576,8,64",
        ]);
    }
    let output = valgrind
        .arg(this)
        .arg(COUNTED)
        // The stack begins behind the environment: its length would move everything on it.
        .env_clear()
        .output()
        .map_err(|error| Error::start("valgrind", &error))?;
    if !output.status.success() {
        return Err(Error::Ended {
            status: output.status.to_string(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let dumps = std::fs::read_to_string(&written).map_err(|error| Error::file(&written, &error))?;
    let processor = said
        .lines()
        .find_map(|line| line.strip_prefix(PROCESSOR))
        .ok_or_else(|| Error::Output("the program says nothing of the processor".to_owned()))?;
    Ok(Counts {
        machine: Machine::here(processor.trim().to_owned())?,
        rows: rows(&said, &dumps)?,
    })
}

/// Path of a program: without an environment, none is found by its name.
fn on_path(program: &str) -> Result<PathBuf, Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    found.ok_or_else(|| Error::start(program, &io::Error::from(io::ErrorKind::NotFound)))
}

/// Pairs the calls that the program printed with the counts that callgrind wrote after each.
fn rows(said: &str, dumps: &str) -> Result<Vec<Counted>, Error> {
    let dumps = events_of_dumps(dumps)?;
    let calls: Vec<(usize, &str)> = said
        .lines()
        .filter_map(|line| line.strip_prefix(ROW)?.trim_start().split_once(' '))
        .filter_map(|(items, name)| Some((items.parse().ok()?, name)))
        .collect();
    if calls.len() != dumps.len() {
        return Err(Error::Output(format!(
            "{} functions were called and {} were counted",
            calls.len(),
            dumps.len()
        )));
    }
    Ok(calls
        .into_iter()
        .zip(dumps)
        .map(|((items, name), events)| Counted {
            name: name.to_owned(),
            items,
            instructions: events.sum(&["Ir"]),
            d1_misses: events.sum(&["D1mr", "D1mw"]),
            ll_misses: events.sum(&["DLmr", "DLmw"]),
        })
        .collect())
}

/// Names of events, and how many of each there were.
struct Events(Vec<(String, u64)>);

impl Events {
    fn sum(&self, names: &[&str]) -> u64 {
        let named = self.0.iter().filter(|(name, _)| names.contains(&&**name));
        named.map(|(_, count)| count).sum()
    }
}

/// The parts that a call has triggered; at the end of the program there is one more.
fn events_of_dumps(text: &str) -> Result<Vec<Events>, Error> {
    let mut dumps = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut is_triggered = false;
    for line in text.lines() {
        if let Some(events) = line.strip_prefix("events:") {
            names = events.split_whitespace().collect();
        } else if let Some(trigger) = line.strip_prefix("desc: Trigger:") {
            is_triggered = trigger.contains("dump-after");
        } else if let Some(counts) = line.strip_prefix("summary:")
            && is_triggered
        {
            let counts: Result<Vec<u64>, _> = counts.split_whitespace().map(str::parse).collect();
            let counts = counts.map_err(|_| Error::Output(line.to_owned()))?;
            let names = names.iter().map(|name| (*name).to_owned());
            dumps.push(Events(names.zip(counts).collect()));
        }
    }
    Ok(dumps)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As valgrind 3.19 writes it, shortened: two calls, and the end of the program.
    const DUMPS: &str = "# callgrind format
version: 1
part: 1
desc: Trigger: --dump-after=work::under_count
events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
fn=(1) work::under_count
0 100 20 10 1 2 3 4 5 6
summary: 100 20 10 1 2 3 4 5 6
part: 2
desc: Trigger: --dump-after=work::under_count
events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
summary: 7 0 0 0 0 1 0 0 0
part: 3
desc: Trigger: Program termination
events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
summary: 9 0 0 0 0 0 0 0 0
";

    #[test]
    fn each_call_has_its_own_counts() {
        let said = "processor x86_64\ncounted 10 graph of 10, zipf\nhello\ncounted 1 root\n";
        let rows = rows(said, DUMPS).expect("there are two of each");
        let counted = |name: &str, items, instructions, d1_misses, ll_misses| Counted {
            name: name.to_owned(),
            items,
            instructions,
            d1_misses,
            ll_misses,
        };
        assert_eq!(
            rows,
            [
                counted("graph of 10, zipf", 10, 100, 5, 11),
                counted("root", 1, 7, 1, 0)
            ]
        );
    }

    #[test]
    fn a_call_that_was_not_counted_is_an_error() {
        let said = "counted 10 graph\ncounted 1 root\ncounted 1 another\n";
        let error = rows(said, DUMPS).expect_err("there are only two counts");
        assert!(error.to_string().contains("3 functions were called and 2"));
        let error = rows(said, &DUMPS.replace("summary: 7", "summary: x"));
        assert!(error.is_err(), "x is no count");
    }

    #[test]
    fn a_missing_valgrind_is_reported_with_the_package_to_install() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        let error = Error::start("valgrind", &missing).to_string();
        assert!(error.contains("apt-get install valgrind"), "{error}");
        let error = Error::start("rustc", &missing).to_string();
        assert!(!error.contains("apt-get"), "{error}");
    }
}

//! Progress of a search for a smaller run, and its end by Ctrl-C.

use std::cell::Cell;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use lockstep_harness::shrink::{Budget, Progress, Watcher};

use super::{complain, interrupt};

/// Time between two lines about a search where standard error is no terminal.
const RARELY: Duration = Duration::from_secs(10);

/// The form in which a command reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Text, and progress on standard error.
    Text,
    /// Text alone.
    Quiet,
    /// JSON records alone.
    Json,
}

impl Output {
    /// The form that these two flags ask for.
    pub(crate) const fn of(is_json: bool, is_quiet: bool) -> Self {
        match (is_json, is_quiet) {
            (true, _) => Output::Json,
            (false, true) => Output::Quiet,
            (false, false) => Output::Text,
        }
    }

    /// True for JSON records.
    pub(crate) const fn is_json(self) -> bool {
        matches!(self, Output::Json)
    }
}

/// Watcher of a search: shows its progress, and ends it at the first Ctrl-C.
pub(crate) struct Searching {
    bar: ProgressBar,
    /// Time of the next line, if lines are printed.
    next_line: Option<Cell<Instant>>,
}

impl Searching {
    /// Begins to watch, and to handle Ctrl-C.
    pub(crate) fn new(output: Output) -> Self {
        interrupt::listen();
        let is_terminal = std::io::stderr().is_terminal();
        let bar = match output == Output::Text && is_terminal {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        let has_lines = output == Output::Text && !is_terminal;
        Searching {
            bar,
            next_line: has_lines.then(|| Cell::new(Instant::now() + RARELY)),
        }
    }

    /// This budget, watched.
    pub(crate) fn budget(&self, most: u64) -> Budget<'_> {
        Budget::of(most).watched_by(self)
    }
}

impl Watcher for Searching {
    fn goes_on(&self, progress: &Progress) -> bool {
        let text = format!("shrinking: {progress}");
        match &self.next_line {
            Some(next) if Instant::now() >= next.get() => {
                next.set(Instant::now() + RARELY);
                complain(&text);
            }
            _ => {}
        }
        self.bar
            .set_message(text + " (Ctrl-C ends it and keeps that)");
        !interrupt::is_interrupted()
    }
}

impl Drop for Searching {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

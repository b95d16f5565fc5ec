//! Writer of the log: standard error, with each kind of error once.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use lockstep_harness::signature::without_numbers;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Makes writers of single events.
pub(crate) struct Writer;

/// The kinds of errors that were written, numbers aside.
static WRITTEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

impl<'w> MakeWriter<'w> for Writer {
    type Writer = OneEvent;

    fn make_writer(&'w self) -> OneEvent {
        OneEvent { is_error: false }
    }

    fn make_writer_for(&'w self, event: &Metadata<'_>) -> OneEvent {
        OneEvent {
            is_error: *event.level() == Level::ERROR,
        }
    }
}

/// Writes one event; an error only if none of its kind was written before: a worker that panics in every
/// block would fill a disk.
pub(crate) struct OneEvent {
    is_error: bool,
}

impl Write for OneEvent {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        if !self.is_error || is_first(&WRITTEN, event) {
            io::stderr().write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// True for the first event of its kind. An event begins with its time.
fn is_first(written: &Mutex<BTreeSet<String>>, event: &[u8]) -> bool {
    let text = String::from_utf8_lossy(event);
    let (_, behind_time) = text.split_once(' ').unwrap_or(("", &text));
    let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
    written.insert(without_numbers(behind_time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_written_once_whatever_its_time_and_its_numbers() {
        let written = Mutex::default();
        let at = |time: &str, text: &str| is_first(&written, format!("{time} {text}").as_bytes());
        assert!(at(
            "2026-01-01T00:00:01Z",
            "ERROR a worker panicked: index 7"
        ));
        assert!(!at(
            "2026-01-01T00:00:02Z",
            "ERROR a worker panicked: index 8"
        ));
        assert!(at("2026-01-01T00:00:02Z", "ERROR the disk is full"));
    }
}

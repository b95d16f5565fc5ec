//! A run as a text file: everything that it depends on, to be read, edited, kept and run again.
//!
//! The format is [RON](https://docs.rs/ron). One step is a few lines, one transaction one line.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ron::extensions::Extensions;
use ron::ser::PrettyConfig;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::scenario::Scenario;
use lockstep_harness::schedule::Schedule;

/// The version of the format that is written, and the only one that is read.
const FORMAT: u32 = 1;

/// A scenario and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reproducer {
    /// The version of the format.
    lockstep: u32,
    /// The invariant that was violated when this was written; for a defect that was mended since,
    /// the one that guards against it. Empty where nothing was violated.
    #[serde(default)]
    pub shows: String,
    /// The run.
    pub scenario: Scenario,
    /// The schedule of one block of it, where that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
}

/// A file is not a reproducer.
#[derive(Debug, Error)]
pub enum ReproducerError {
    /// It cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// Which file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// Its text is not understood.
    #[error("{path}:{line}:{column}: {reason}")]
    Syntax {
        /// Which file.
        path: String,
        /// Where, counted from 1.
        line: usize,
        /// Where, counted from 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// It is of another version.
    #[error("{path}: this is format {got}, this program reads format {FORMAT}")]
    Format {
        /// Which file.
        path: String,
        /// Its version.
        got: u32,
    },
}

impl Reproducer {
    /// A scenario that shows a violation of this invariant, or none.
    #[must_use]
    pub fn new(shows: &str, scenario: Scenario) -> Self {
        Reproducer {
            lockstep: FORMAT,
            shows: shows.to_owned(),
            scenario,
            schedule: None,
        }
    }

    /// The same under a schedule.
    #[must_use]
    pub fn under(mut self, schedule: Schedule) -> Self {
        self.schedule = Some(schedule);
        self
    }

    /// The text of the file. `remark` becomes comments at its head.
    ///
    /// # Errors
    ///
    /// Where the scenario cannot be written as text, which is a defect of this program.
    pub fn to_text(&self, remark: &str) -> Result<String, ron::Error> {
        let config = PrettyConfig::new()
            .depth_limit(5)
            .indentor("  ")
            .extensions(Extensions::IMPLICIT_SOME);
        let body = ron::ser::to_string_pretty(self, config)?;
        let mut text = String::new();
        for line in remark.lines() {
            let _ = writeln!(text, "// {line}");
        }
        text.push_str(&body);
        text.push('\n');
        Ok(text)
    }

    /// Reads a text. `path` is for messages.
    ///
    /// # Errors
    ///
    /// Where the text is not a reproducer.
    pub fn from_text(text: &str, path: &str) -> Result<Self, ReproducerError> {
        let reproducer: Reproducer =
            ron::from_str(text).map_err(|error| ReproducerError::Syntax {
                path: path.to_owned(),
                line: error.span.start.line,
                column: error.span.start.col,
                reason: error.code.to_string(),
            })?;
        if reproducer.lockstep != FORMAT {
            return Err(ReproducerError::Format {
                path: path.to_owned(),
                got: reproducer.lockstep,
            });
        }
        Ok(reproducer)
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Where it cannot be read or is not a reproducer.
    pub fn read(path: &Path) -> Result<Self, ReproducerError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| ReproducerError::File {
            path: name.clone(),
            reason: error.to_string(),
        })?;
        Reproducer::from_text(&text, &name)
    }

    /// Writes a file, and the folder it is in.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    pub fn write(&self, path: &Path, remark: &str) -> Result<(), ReproducerError> {
        let file_error = |reason: String| ReproducerError::File {
            path: path.display().to_string(),
            reason,
        };
        let text = self
            .to_text(remark)
            .map_err(|error| file_error(error.to_string()))?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| file_error(error.to_string()))?;
        }
        fs::write(path, text).map_err(|error| file_error(error.to_string()))
    }
}

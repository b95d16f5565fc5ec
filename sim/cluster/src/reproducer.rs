//! A run of several nodes as a text file, to be read, edited, kept and run again.
//!
//! The format is [RON](https://docs.rs/ron): a node, a fault and a transaction are a line each.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ron::extensions::Extensions;
use ron::ser::PrettyConfig;
use serde::{Deserialize, Serialize};

use super::scenario::NodesScenario;
use lockstep_sim::reproducer::ReproducerError;

/// The version of the format that is written, and the only one that is read.
const FORMAT: u32 = 1;

/// A run and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NodesReproducer {
    /// The version of the format. Its name is what tells these files from those of one ledger.
    lockstep_nodes: u32,
    /// The invariant that was violated when this was written; empty where none was.
    #[serde(default)]
    pub shows: String,
    /// The run.
    pub scenario: NodesScenario,
}

impl NodesReproducer {
    /// A run that shows a violation of this invariant, or none.
    #[must_use]
    pub fn new(shows: &str, scenario: NodesScenario) -> Self {
        NodesReproducer {
            lockstep_nodes: FORMAT,
            shows: shows.to_owned(),
            scenario,
        }
    }

    /// The text of the file. `remark` becomes comments at its head.
    ///
    /// # Errors
    ///
    /// Where the run cannot be written as text, which is a defect of this program.
    pub fn to_text(&self, remark: &str) -> Result<String, ron::Error> {
        let scenario = &self.scenario;
        let mut text = String::new();
        for line in remark.lines() {
            let _ = writeln!(text, "// {line}");
        }
        let _ = writeln!(text, "#![enable(implicit_some)]\n(");
        let _ = writeln!(text, "  lockstep_nodes: {},", self.lockstep_nodes);
        let _ = writeln!(text, "  shows: {},", on_a_line(&self.shows)?);
        let _ = writeln!(text, "  scenario: (");
        let genesis = to_depth(&scenario.genesis, 2)?.replace('\n', "\n    ");
        let _ = writeln!(text, "    genesis: {genesis},");
        let _ = writeln!(text, "    latency_ms: {},", scenario.latency_ms);
        let nodes = lines(&scenario.nodes, 0)?;
        let _ = writeln!(text, "    nodes: [{nodes}],");
        let _ = writeln!(text, "    blocks: [{}],", lines(&scenario.blocks, 3)?);
        let _ = writeln!(text, "    faults: [{}],", lines(&scenario.faults, 0)?);
        let _ = writeln!(text, "  ),");
        let _ = writeln!(text, ")");
        Ok(text)
    }

    /// Reads a text. `path` is for messages.
    ///
    /// # Errors
    ///
    /// Where the text is no such run, or one that cannot be run.
    pub fn from_text(text: &str, path: &str) -> Result<Self, ReproducerError> {
        let reproducer: NodesReproducer =
            ron::from_str(text).map_err(|error| ReproducerError::Syntax {
                path: path.to_owned(),
                line: error.span.start.line,
                column: error.span.start.col,
                reason: error.code.to_string(),
            })?;
        if reproducer.lockstep_nodes != FORMAT {
            return Err(ReproducerError::Format {
                path: path.to_owned(),
                got: reproducer.lockstep_nodes,
            });
        }
        reproducer
            .scenario
            .check()
            .map_err(|reason| ReproducerError::File {
                path: path.to_owned(),
                reason,
            })?;
        Ok(reproducer)
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// As [`NodesReproducer::from_text`], or where the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, ReproducerError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| ReproducerError::File {
            path: name.clone(),
            reason: error.to_string(),
        })?;
        NodesReproducer::from_text(&text, &name)
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

/// One after another, each on a line of its own or on as many as it needs.
fn lines<T: Serialize>(list: &[T], depth: usize) -> Result<String, ron::Error> {
    let mut text = String::new();
    for one in list {
        let one = to_depth(one, depth)?.replace('\n', "\n      ");
        let _ = write!(text, "\n      {one},");
    }
    if !text.is_empty() {
        text.push_str("\n    ");
    }
    Ok(text)
}

fn on_a_line<T: Serialize + ?Sized>(one: &T) -> Result<String, ron::Error> {
    to_depth(one, 0)
}

/// What is nested deeper stands on one line.
fn to_depth<T: Serialize + ?Sized>(one: &T, depth: usize) -> Result<String, ron::Error> {
    let config = PrettyConfig::new()
        .depth_limit(depth)
        .indentor("  ")
        .extensions(Extensions::IMPLICIT_SOME);
    let text = ron::ser::to_string_pretty(one, config)?;
    // The extension is named once for the file, not before each part.
    Ok(text
        .strip_prefix("#![enable(implicit_some)]\n")
        .unwrap_or(&text)
        .to_owned())
}

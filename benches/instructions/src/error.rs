//! Errors of counting: reasons for which there is nothing to compare.

use std::io;
use std::path::Path;

use thiserror::Error;

/// Reason for which nothing was counted.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("{program} cannot be started: {reason}{advice}")]
    Start {
        program: String,
        reason: String,
        advice: &'static str,
    },
    #[error("{path}: {reason}")]
    File { path: String, reason: String },
    #[error("{path} is no baseline: {reason}")]
    Baseline { path: String, reason: String },
    #[error("valgrind ended with {status}: {said}")]
    Ended { status: String, said: String },
    #[error("what valgrind wrote is not understood: {0}")]
    Output(String),
}

impl Error {
    pub(crate) fn start(program: &str, error: &io::Error) -> Self {
        Error::Start {
            program: program.to_owned(),
            reason: error.to_string(),
            advice: match program {
                "valgrind" => "; install it, for instance with `apt-get install valgrind`",
                _ => "",
            },
        }
    }

    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Error::File {
            path: path.display().to_string(),
            reason: error.to_string(),
        }
    }
}

//! `lockstep export`: a reproducer as a Rust test.

use std::path::PathBuf;

use clap::Args;
use lockstep_harness::exit::ExitCode;
use lockstep_sim::export;
use lockstep_sim::reproducer::Reproducer;

use super::{complain, say};

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The reproducer, a text file that `run` wrote
    file: PathBuf,
}

impl Export {
    pub(super) fn execute(self) -> ExitCode {
        match Reproducer::read(&self.file) {
            Ok(reproducer) => {
                let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
                say(export::as_test(&reproducer, &stem).trim_end());
                ExitCode::Passed
            }
            Err(error) => {
                complain(error);
                ExitCode::Usage
            }
        }
    }
}

//! `lockstep export`: a reproducer as a Rust test.

use std::path::PathBuf;

use clap::Args;

use super::{complain, kept, say};
use lockstep_harness::exit::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Export {
    /// Export this reproducer, of a ledger, a cluster or a schedule
    file: PathBuf,
}

impl Export {
    pub(super) fn execute(self) -> ExitCode {
        match kept::read(&self.file) {
            Ok(kept) => {
                let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
                say(kept.as_test(&stem).trim_end());
                ExitCode::Passed
            }
            Err(error) => {
                complain(error);
                ExitCode::Usage
            }
        }
    }
}

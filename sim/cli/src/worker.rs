//! `lockstep worker`: worker process of a campaign ([`lockstep_harness::processes`]), for a few runs.
//!
//! Internal: in no help, and its output may change.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use lockstep_bugs::injected::InjectedBug;
use lockstep_cluster::{Clusters, NodeBug};
use lockstep_core::model::{Block, Genesis, Height};
use lockstep_harness::exit::ExitCode;
use lockstep_harness::processes::{self, Work};
use lockstep_sim::campaign::{CoreSubjects, Ledgers, SubjectFactory};
use lockstep_sim::generate::Preset;
use lockstep_sim::subject::{StoredBlock, Subject, SubjectError};
use lockstep_sim::world::{BlockResult, World};

use super::{complain, interrupt, scratch_folder, values};

#[derive(Debug, Args)]
pub(super) struct Worker {
    /// Execute runs of clusters, in place of those of one ledger
    #[arg(long)]
    clusters: bool,
    #[arg(long, default_value = "default", value_parser = values::preset())]
    preset: Preset,
    #[arg(long)]
    hash_seed: u64,
    #[arg(long)]
    dir: PathBuf,
    #[arg(long)]
    workers: Option<usize>,
    /// A seeded bug of a single ledger or of a node
    #[arg(long)]
    inject_bug: Option<String>,
    /// In milliseconds
    #[arg(long)]
    run_timeout_ms: u64,
    /// Use a subject that aborts the process
    #[arg(long)]
    dies: bool,
    /// SEED:RUN:REPETITION
    #[arg(required = true)]
    work: Vec<Work>,
}

impl Worker {
    pub(super) fn execute(self) -> ExitCode {
        let folder = match scratch_folder(Some(&self.dir)) {
            Ok(folder) => folder,
            Err(reason) => {
                complain(reason);
                return ExitCode::Infrastructure;
            }
        };
        let core = CoreSubjects {
            folder: folder.path().to_path_buf(),
        };
        let injected = self.inject_bug.as_deref().and_then(InjectedBug::named);
        let subjects: &dyn SubjectFactory = match (self.dies, &injected) {
            (true, _) => &aborting_subject,
            (false, Some(bug)) => bug,
            (false, None) => &core,
        };
        // Its parent handles Ctrl-C, which a terminal sends to both.
        interrupt::listen();
        let run_timeout = Duration::from_millis(self.run_timeout_ms);
        if self.clusters && !self.dies {
            let workload = Clusters {
                workers: self.workers,
                hash_seed: self.hash_seed,
                bug: self.inject_bug.as_deref().and_then(NodeBug::named),
                folder: folder.path().to_path_buf(),
            };
            processes::serve(&workload, &self.work, run_timeout);
        } else {
            let workload = Ledgers {
                preset: self.preset,
                hash_seed: self.hash_seed,
                subjects,
            };
            processes::serve(&workload, &self.work, run_timeout);
        }
        ExitCode::Passed
    }
}

fn aborting_subject(_: &Genesis, _: u64) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
    Ok(vec![Box::new(AbortingSubject)])
}

/// Subject that aborts the process on every call.
struct AbortingSubject;

impl Subject for AbortingSubject {
    fn name(&self) -> &str {
        "canary"
    }
    fn add_block(&mut self, _: &Block) -> Result<BlockResult, SubjectError> {
        std::process::abort()
    }
    fn rewind_to(&mut self, _: Height) -> Result<(), SubjectError> {
        std::process::abort()
    }
    fn reopen(&mut self) -> Result<(), SubjectError> {
        std::process::abort()
    }
    fn world(&self) -> Result<World, SubjectError> {
        std::process::abort()
    }
    fn stored(&self, _: Height) -> Result<Option<StoredBlock>, SubjectError> {
        std::process::abort()
    }
    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        std::process::abort()
    }
}

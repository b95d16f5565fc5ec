//! Factories that create the subjects of every run of a campaign.

use std::path::PathBuf;

use lockstep_core::model::Genesis;

use crate::faulty;
use crate::subject::{Core, Execution, Subject, SubjectError};

/// Creates the subjects of every run, all on the same genesis.
///
/// A closure like the one that [`trial::run`](crate::trial::run) takes is a factory, so a campaign
/// tests any executor without an implementation of this trait.
pub trait SubjectFactory {
    /// Creates the subjects of one run.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis is impossible, [`SubjectError::Failed`] if the
    /// machine failed.
    fn subjects(
        &self,
        genesis: &Genesis,
        circumstances: &Circumstances<'_>,
    ) -> Result<Vec<Box<dyn Subject>>, SubjectError>;
}

/// Circumstances of one execution of a scenario, on which no result may depend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances<'c> {
    /// Seed of every hash map.
    pub hash_seed: u64,
    /// True for a repetition, which has other numbers of workers.
    pub is_repeated: bool,
    /// True if the scenario has faults, which only some subjects can inject.
    pub has_faults: bool,
    /// Number of workers that the scenario asks for; `None` for the usual ones.
    pub workers: Option<u32>,
    /// Name of the only subject that is needed.
    pub only: Option<&'c str>,
}

impl<F> SubjectFactory for F
where
    F: Fn(&Genesis, u64) -> Result<Vec<Box<dyn Subject>>, SubjectError>,
{
    fn subjects(
        &self,
        genesis: &Genesis,
        circumstances: &Circumstances<'_>,
    ) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
        let mut subjects = self(genesis, circumstances.hash_seed)?;
        if let Some(only) = circumstances.only {
            subjects.retain(|subject| subject.name() == only);
        }
        Ok(subjects)
    }
}

/// Factory of core in memory in every execution mode and core in a redb file; for scenarios with
/// faults on a simulated disk as well.
#[derive(Clone, Debug)]
pub struct CoreSubjects {
    /// Folder of the file, which is created anew for every run.
    pub folder: PathBuf,
}

impl SubjectFactory for CoreSubjects {
    fn subjects(
        &self,
        genesis: &Genesis,
        circumstances: &Circumstances<'_>,
    ) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
        let hash_seed = circumstances.hash_seed;
        let now = |execution| {
            let execution = match circumstances.workers {
                Some(workers) => with_workers(execution, workers as usize),
                None => execution,
            };
            match circumstances.is_repeated {
                true => other_workers(execution),
                false => execution,
            }
        };
        let mut subjects: Vec<Box<dyn Subject>> = Vec::new();
        for execution in Execution::ALL {
            subjects.push(Box::new(Core::executed(
                now(execution),
                genesis,
                hash_seed,
            )?));
        }
        // The others have no fault injection.
        if circumstances.has_faults {
            subjects.extend(faulty::subjects(genesis, hash_seed)?);
        }
        if let Some(only) = circumstances.only {
            subjects.retain(|subject| subject.name() == only);
        }
        // Creating a file takes longer than all the others together.
        if circumstances.only.is_none() || subjects.is_empty() {
            let file = self.folder.join("ledger.lockstep.redb");
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    let reason = format!("{}: {error}", file.display());
                    return Err(SubjectError::Failed(reason));
                }
                _ => {}
            }
            let execution = now(Execution::Serial);
            let on_disk = Core::in_file(&file, execution, genesis, hash_seed)?;
            subjects.push(Box::new(on_disk));
        }
        Ok(subjects)
    }
}

/// Returns the same mode with this number of workers, and the modes that are named for few as they are:
/// the numbers stay distinct, and so do the names of the subjects.
const fn with_workers(execution: Execution, workers: usize) -> Execution {
    match execution {
        Execution::ParallelValidation(_) => Execution::ParallelValidation(workers),
        Execution::Graph(8) if workers > 3 => Execution::Graph(workers),
        Execution::TestMode(_) => Execution::TestMode(workers),
        others => others,
    }
}

/// Returns the same mode with another number of workers.
const fn other_workers(execution: Execution) -> Execution {
    match execution {
        Execution::Serial => Execution::Serial,
        Execution::ParallelValidation(workers) => Execution::ParallelValidation(workers + 1),
        Execution::Graph(workers) => Execution::Graph(workers + 3),
        Execution::TestMode(workers) => Execution::TestMode(workers + 1),
        Execution::AsConfigured => Execution::AsConfigured,
    }
}

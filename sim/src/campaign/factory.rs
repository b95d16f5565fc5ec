//! Factories of subjects: they make those of every run of a campaign.

use std::path::PathBuf;

use lockstep_core::model::Genesis;

use crate::faulty;
use crate::subject::{Core, Execution, Subject, SubjectError};

/// Makes the subjects of every run, all on the same genesis.
///
/// A closure like the one that [`trial::run`](crate::trial::run) takes is one, so a campaign can be
/// had on any executor without implementing this.
pub trait SubjectFactory {
    /// Makes them.
    ///
    /// # Errors
    ///
    /// Where the genesis is impossible, or the machine failed.
    fn subjects(
        &self,
        genesis: &Genesis,
        circumstances: &Circumstances<'_>,
    ) -> Result<Vec<Box<dyn Subject>>, SubjectError>;
}

/// What may differ from one time that a scenario is run to the next, and changes no result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances<'c> {
    /// The seed of every hash map.
    pub hash_seed: u64,
    /// Whether this is the second time: with other numbers of workers then.
    pub is_again: bool,
    /// Whether anything goes wrong in it, which only some subjects let happen to them.
    pub has_faults: bool,
    /// The only subject that is needed, by its name.
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

/// Core executed in every way in memory, and core in a redb file; on a simulated disk as well, where
/// something goes wrong.
#[derive(Clone, Debug)]
pub struct CoreSubjects {
    /// Where the file is, made anew for every run.
    pub folder: PathBuf,
}

impl SubjectFactory for CoreSubjects {
    fn subjects(
        &self,
        genesis: &Genesis,
        circumstances: &Circumstances<'_>,
    ) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
        let hash_seed = circumstances.hash_seed;
        let now = |execution| match circumstances.is_again {
            true => again(execution),
            false => execution,
        };
        let mut subjects: Vec<Box<dyn Subject>> = Vec::new();
        for execution in Execution::ALL {
            subjects.push(Box::new(Core::executed(
                now(execution),
                genesis,
                hash_seed,
            )?));
        }
        // Nothing can go wrong with the others.
        if circumstances.has_faults {
            subjects.extend(faulty::subjects(genesis, hash_seed)?);
        }
        if let Some(only) = circumstances.only {
            subjects.retain(|subject| subject.name() == only);
        }
        // To make a file takes longer than all the others together.
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

/// The same way with another number of workers.
const fn again(execution: Execution) -> Execution {
    match execution {
        Execution::Serial => Execution::Serial,
        Execution::ParallelValidation(workers) => Execution::ParallelValidation(workers + 1),
        Execution::Graph(workers) => Execution::Graph(workers + 3),
        Execution::TestMode(workers) => Execution::TestMode(workers + 1),
        Execution::AsConfigured => Execution::AsConfigured,
    }
}

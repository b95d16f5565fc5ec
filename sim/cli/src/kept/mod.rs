//! Kept runs of every kind behind one trait: replay, shrink and export of a reproducer file.
//!
//! Only [`read`] knows the list of kinds.

mod cluster;
mod ledger;
mod schedule;

use std::path::Path;

pub(crate) use cluster::smaller as smaller_cluster;
pub(crate) use ledger::{
    quietly_judged, quietly_shrunk, shrunk_in_processes, smaller as smaller_ledger,
};

use lockstep_cluster::ClusterRun;
use lockstep_harness::executor;
use lockstep_harness::finding::Smaller;
use lockstep_harness::reproducer::{Head, Payload, Reproducer, ReproducerError, text_of};
use lockstep_harness::violation::{Failure, Violation};
use lockstep_sim::reproducer::{LedgerRun, ScheduledRun};

use crate::report::Fact;
use crate::searching::Searching;

/// A run read from a reproducer file.
pub(crate) trait KeptRun {
    /// Name of the invariant that it shows; empty if it shows none.
    fn shows(&self) -> &str;

    /// Reason why this build cannot execute it, with the command of the build that can; `None` if this
    /// build can.
    fn left_out(&self) -> Option<&'static str> {
        None
    }

    /// Its size and parts.
    fn description(&self) -> Vec<Fact>;

    /// Changes settings that no result may depend on.
    ///
    /// # Errors
    ///
    /// If a setting has no meaning for this kind of run; the message names its flag.
    fn change(&mut self, settings: &Settings) -> Result<(), String>;

    /// Executes it, on a subject with the seeded bug that its file names, or on core. Files of ledgers are
    /// created in `scratch`.
    fn run(&self, scratch: &Path) -> ReplayResult;

    /// Refuses a seeded bug of its file that no subject of this kind can have.
    ///
    /// # Errors
    ///
    /// A sentence that names those that are possible.
    fn check_seeded_bug(&self) -> Result<(), String>;

    /// The same run without its seeded bugs; `None` if it has none.
    fn without_seeded_bugs(&self) -> Option<Box<dyn KeptRun>> {
        None
    }

    /// Shrinks it, watched, writes the smaller run to `out` and returns a summary in words. `None` as the
    /// budget stands for the default of this kind.
    ///
    /// # Errors
    ///
    /// As [`Reproducer::write`].
    fn shrink_into(
        &self,
        out: &Path,
        violation: &Violation,
        budget: Option<u64>,
        searching: &Searching,
        scratch: &Path,
        from: &str,
    ) -> Result<String, ReproducerError>;

    /// Text of a Rust test that executes the same run.
    fn as_test(&self, name: &str) -> String;
}

/// Settings of a replay that are not in its file. No result may depend on them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    /// Number of workers of every node; `None` leaves it as it is written.
    pub(crate) workers: Option<usize>,
    /// Mixed into the seed of every hash map.
    pub(crate) hash_seed: u64,
    /// True if a trace is requested.
    pub(crate) is_traced: bool,
}

/// Result of executing a kept run.
pub(crate) struct ReplayResult {
    /// The digest of the observations and what else describes them, or the failure.
    pub(crate) outcome: Result<Vec<Fact>, Failure>,
    /// Unit of the steps of a violation: `step` or `event`.
    pub(crate) unit: &'static str,
    /// Explanation of a failure, and of the schedule of a run that has one.
    pub(crate) notes: Vec<Fact>,
    /// All events, one a line; `None` for kinds without a trace.
    pub(crate) trace: Option<String>,
}

/// Reads a file of any kind.
///
/// # Errors
///
/// As [`Reproducer::read`]; [`ReproducerError::Kind`] if the file has an unknown kind.
pub(crate) fn read(path: &Path) -> Result<Box<dyn KeptRun>, ReproducerError> {
    let (text, name) = (text_of(path)?, path.display().to_string());
    let head = Head::from_text(&text, &name)?;
    match head.kind.as_str() {
        LedgerRun::KIND => of_kind::<LedgerRun>(&text, &name),
        ScheduledRun::KIND => of_kind::<ScheduledRun>(&text, &name),
        ClusterRun::KIND => of_kind::<ClusterRun>(&text, &name),
        executor::case::KIND => Err(ReproducerError::Refused {
            path: name,
            reason: "this is a case of an executor of other rules; replay it with the program that wrote it, as \
                     `PROGRAM replay FILE`"
                .to_owned(),
        }),
        _ => Err(ReproducerError::Kind {
            path: name,
            got: head.kind,
            expected: format!(
                "{:?}, {:?}, {:?}",
                LedgerRun::KIND,
                ScheduledRun::KIND,
                ClusterRun::KIND
            ),
        }),
    }
}

fn of_kind<P: Payload>(text: &str, path: &str) -> Result<Box<dyn KeptRun>, ReproducerError>
where
    Reproducer<P>: KeptRun + 'static,
{
    let kept = Reproducer::<P>::from_text(text, path)?;
    kept.check_seeded_bug()
        .map_err(|reason| ReproducerError::Refused {
            path: path.to_owned(),
            reason,
        })?;
    Ok(Box::new(kept))
}

fn write_smaller<P: Payload + Clone>(
    whole: &Reproducer<P>,
    out: &Path,
    invariant: &str,
    smaller: Option<Smaller<P>>,
    from: &str,
) -> Result<String, ReproducerError> {
    let smaller = smaller.unwrap_or_else(|| Smaller {
        payload: whole.payload.clone(),
        shrunk: "not shrunk: no smaller run was confirmed".to_owned(),
        remarks: Vec::new(),
    });
    let mut remarks = vec![smaller.shrunk.clone()];
    remarks.extend(smaller.remarks);
    remarks.push(format!("from: {from}"));
    Reproducer::<P>::new(invariant, smaller.payload)
        .with_seeded_bug(whole.seeded_bug.as_deref())
        .write(out, &remarks.join("\n"))?;
    Ok(smaller.shrunk)
}

/// Error message for a seeded bug that no subject of such a run can have.
fn no_such_bug(id: &str, ids: impl Iterator<Item = &'static str>) -> String {
    let ids: Vec<&str> = ids.collect();
    format!(
        "seeded_bug: {id:?} is no bug of a subject of this kind of run; give one of {}",
        ids.join(", ")
    )
}

/// Error message for a setting that this kind of run does not have.
fn means_nothing(flag: &str, kind: &str, why: &str) -> String {
    format!("{flag} has no meaning for a run of the kind {kind:?}: {why}; omit it")
}

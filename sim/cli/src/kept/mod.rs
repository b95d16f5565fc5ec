//! Kept runs of every kind behind one trait: everything that a command can do with a file.
//!
//! [`read`] is the one place that knows which kinds there are.

mod cluster;
mod ledger;
mod schedule;

use std::path::Path;

pub(crate) use cluster::smaller as smaller_cluster;
pub(crate) use ledger::{quietly_shrunk, smaller as smaller_ledger};

use lockstep_cluster::ClusterRun;
use lockstep_harness::finding::Smaller;
use lockstep_harness::reproducer::{Head, Payload, Reproducer, ReproducerError, text_of};
use lockstep_harness::violation::{Failure, Violation};
use lockstep_sim::reproducer::{LedgerRun, ScheduledRun};

/// A run that was read from a file.
pub(crate) trait Kept {
    /// The invariant that it shows; empty where none.
    fn shows(&self) -> &str;

    /// The reason why this build of the program cannot run it, and the build that can; `None` where
    /// it can.
    fn left_out(&self) -> Option<&'static str> {
        None
    }

    /// What is in it, a line each.
    fn description(&self) -> Vec<String>;

    /// Runs it otherwise than it is written.
    ///
    /// # Errors
    ///
    /// Names the setting that means nothing for a run of this kind.
    fn change(&mut self, settings: &Settings) -> Result<(), String>;

    /// Runs it. Files of ledgers are made in `scratch`.
    fn run(&self, scratch: &Path) -> Ran;

    /// The same run without the bugs that it was given on purpose; `None` where it has none.
    fn without_seeded_bugs(&self) -> Option<Box<dyn Kept>> {
        None
    }

    /// Shrinks it and writes what comes out; gives what shrinking came to, in words. `None` for the
    /// budget is the default of this kind.
    ///
    /// # Errors
    ///
    /// As [`Reproducer::write`].
    fn shrink_into(
        &self,
        out: &Path,
        violation: &Violation,
        budget: Option<u64>,
        scratch: &Path,
        from: &str,
    ) -> Result<String, ReproducerError>;

    /// The text of a Rust test that does the same run.
    fn as_test(&self, name: &str) -> String;
}

/// Settings that no result may depend on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    /// The number of workers of every node.
    pub(crate) workers: Option<usize>,
    /// Mixed into the seed of every hash map.
    pub(crate) hash_seed: u64,
    /// A trace is asked for.
    pub(crate) is_traced: bool,
}

/// What a run came to.
pub(crate) struct Ran {
    /// What was observed, in words, or how it failed.
    pub(crate) outcome: Result<String, Failure>,
    /// What the steps of a violation count: `step` or `event`.
    pub(crate) unit: &'static str,
    /// What helps to understand a failure, a line each.
    pub(crate) notes: Vec<String>,
    /// Everything that happened, a line each, where this kind is traced.
    pub(crate) trace: Option<String>,
}

/// Reads a file of any kind.
///
/// # Errors
///
/// As [`Reproducer::read`]; [`ReproducerError::Kind`] where it is of none that there is.
pub(crate) fn read(path: &Path) -> Result<Box<dyn Kept>, ReproducerError> {
    let (text, name) = (text_of(path)?, path.display().to_string());
    let head = Head::from_text(&text, &name)?;
    match head.kind.as_str() {
        LedgerRun::KIND => of_kind::<LedgerRun>(&text, &name),
        ScheduledRun::KIND => of_kind::<ScheduledRun>(&text, &name),
        ClusterRun::KIND => of_kind::<ClusterRun>(&text, &name),
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

fn of_kind<P: Payload>(text: &str, path: &str) -> Result<Box<dyn Kept>, ReproducerError>
where
    Reproducer<P>: Kept + 'static,
{
    Ok(Box::new(Reproducer::<P>::from_text(text, path)?))
}

fn write_smaller<P: Payload>(
    out: &Path,
    invariant: &str,
    smaller: Smaller<P>,
    from: &str,
) -> Result<String, ReproducerError> {
    let mut remarks = vec![smaller.shrunk.clone()];
    remarks.extend(smaller.remarks);
    remarks.push(format!("from: {from}"));
    Reproducer::<P>::new(invariant, smaller.payload).write(out, &remarks.join("\n"))?;
    Ok(smaller.shrunk)
}

/// The reason to refuse a setting.
fn means_nothing(flag: &str, kind: &str, why: &str) -> String {
    format!("{flag} means nothing for a run of the kind {kind:?}: {why}; leave it away")
}

//! Reproducer [files](lockstep_harness::reproducer) of one ledger, without and with the schedule of a
//! block. One step is a few lines, one transaction one line.

use lockstep_harness::reproducer::{self, LayoutError, Payload, pretty};
use lockstep_harness::schedule::Schedule;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::scenario::Scenario;

/// The nesting down to which values have lines of their own: transactions stand on one each.
const DEPTH: usize = 4;

/// A run of one ledger that does not depend on the schedule of its threads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LedgerRun {
    /// Scenario of the run.
    pub scenario: Scenario,
}

/// A run of one ledger, one block of which is executed under a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ScheduledRun {
    /// Scenario of the run.
    pub scenario: Scenario,
    /// Schedule of one block of the scenario.
    #[serde(deserialize_with = "schedule")]
    pub schedule: Schedule,
}

/// Reproducer file of a run of one ledger.
pub type Reproducer = reproducer::Reproducer<LedgerRun>;

/// Reproducer file of a run of one ledger and the schedule of a block.
pub type ScheduledReproducer = reproducer::Reproducer<ScheduledRun>;

impl Payload for LedgerRun {
    const KIND: &'static str = "ledger";

    fn fields(&self) -> Result<Vec<(&'static str, String)>, LayoutError> {
        Ok(vec![("scenario", pretty(&self.scenario, DEPTH)?)])
    }
}

impl Payload for ScheduledRun {
    const KIND: &'static str = "schedule";

    fn fields(&self) -> Result<Vec<(&'static str, String)>, LayoutError> {
        Ok(vec![
            ("scenario", pretty(&self.scenario, DEPTH)?),
            ("schedule", pretty(&self.schedule, DEPTH)?),
        ])
    }
}

impl From<Scenario> for LedgerRun {
    fn from(scenario: Scenario) -> Self {
        LedgerRun { scenario }
    }
}

/// Deserializes a schedule. Format 1 could omit it, and so may spell it `Some(..)`.
fn schedule<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Schedule, D::Error> {
    Option::deserialize(deserializer)?.ok_or_else(|| D::Error::custom("a schedule is missing"))
}

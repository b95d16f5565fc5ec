//! A block on its way into the ledger.

use super::sync::Arc;
use crate::specimen::concurrent::at_work::Attendance;
use crate::specimen::concurrent::checked::Checked;
use crate::specimen::concurrent::panics::Panics;

/// A block that is to be added, with what happens to it.
pub(super) struct Adding {
    pub(super) block: Arc<Checked>,
    pub(super) panics: Arc<Panics>,
    pub(super) attendance: Arc<Attendance>,
}

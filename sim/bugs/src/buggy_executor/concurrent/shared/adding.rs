//! A block on its way into the ledger.

use super::sync::Arc;
use crate::buggy_executor::concurrent::at_work::Attendance;
use crate::buggy_executor::concurrent::checked::Checked;
use crate::buggy_executor::concurrent::panics::Panics;

/// A block that is to be added, with what happens to it.
pub(super) struct Adding {
    pub(super) block: Arc<Checked>,
    pub(super) panics: Arc<Panics>,
    pub(super) attendance: Arc<Attendance>,
}

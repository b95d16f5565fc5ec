//! The arguments of adding a block.

use super::sync::Arc;
use crate::buggy_executor::concurrent::at_work::Attendance;
use crate::buggy_executor::concurrent::checked::Checked;
use crate::buggy_executor::concurrent::injection::Injection;

/// A block to add, with the planned fault and the counter of workers.
pub(super) struct Adding {
    pub(super) block: Arc<Checked>,
    pub(super) injection: Arc<Injection>,
    pub(super) attendance: Arc<Attendance>,
}

//! What a thread is about and where it is, for whoever explains a schedule.

use std::panic::Location;

use shuttle::current::{self, TaskId};

/// Where a thread was last seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whereabouts {
    /// The transaction that it executes, or executed last.
    pub transaction: Option<u32>,
    /// What it takes that others may have, or took last.
    pub place: Option<&'static Location<'static>>,
}

/// Where this thread of the execution is; the default where it has not been seen.
#[must_use]
pub fn whereabouts(thread: TaskId) -> Whereabouts {
    current::get_label_for_task(thread).unwrap_or_default()
}

pub(super) fn note(change: impl FnOnce(&mut Whereabouts)) {
    // While an execution is torn down there is nobody.
    if let Some(me) = current::try_get_current_task() {
        let mut now = whereabouts(me);
        change(&mut now);
        current::set_label_for_task(me, now);
    }
}

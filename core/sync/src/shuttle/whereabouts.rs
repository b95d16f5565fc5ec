//! What a thread is about and where it is, for whoever explains a schedule.
//!
//! Beside shuttle and not in it: whoever chooses the next thread may ask, and shuttle is busy then.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::Location;

use ::shuttle::current;

/// Where a thread was last seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whereabouts {
    /// The transaction that it executes, or executed last.
    pub transaction: Option<u32>,
    /// What it takes that others may have, or took last.
    pub place: Option<&'static Location<'static>>,
}

thread_local! {
    /// Of the execution that runs on this thread of the system, by the numbers of its threads.
    static SEEN: RefCell<BTreeMap<usize, Whereabouts>> = const { RefCell::new(BTreeMap::new()) };
}

/// Where this thread of the execution is, by its number; the default where it has not been seen.
#[must_use]
pub fn whereabouts(thread: usize) -> Whereabouts {
    SEEN.with_borrow(|seen| seen.get(&thread).copied().unwrap_or_default())
}

/// Forgets everybody: another execution begins.
pub fn forget_whereabouts() {
    SEEN.with_borrow_mut(BTreeMap::clear);
}

/// Notes where this thread is, for code of others that runs in the same execution.
pub fn note_whereabouts(change: impl FnOnce(&mut Whereabouts)) {
    // While an execution is torn down there is nobody.
    if let Some(me) = current::try_get_current_task() {
        SEEN.with_borrow_mut(|seen| change(seen.entry(me.into()).or_default()));
    }
}

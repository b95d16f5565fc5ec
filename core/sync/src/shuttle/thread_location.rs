//! The locations of threads: the transaction and the place that each thread of an execution is at, for a
//! scheduler that explains its choices.
//!
//! Beside shuttle and not in it: a scheduler asks while it chooses, and shuttle is busy then.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::Location;

use ::shuttle::current;

/// The last known location of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadLocation {
    /// The transaction that it executes, or executed last.
    pub transaction: Option<u32>,
    /// The place at which it locks, or locked last.
    pub place: Option<&'static Location<'static>>,
}

thread_local! {
    /// The locations of the execution that runs on this thread of the system, by the numbers of its
    /// threads.
    static LOCATIONS: RefCell<BTreeMap<usize, ThreadLocation>> = const { RefCell::new(BTreeMap::new()) };
}

/// Returns the location of a thread of the execution, by its number; the default if it has none yet.
#[must_use]
pub fn thread_location(thread: usize) -> ThreadLocation {
    LOCATIONS.with_borrow(|locations| locations.get(&thread).copied().unwrap_or_default())
}

/// Forgets the locations of all threads: another execution begins.
pub fn forget_thread_locations() {
    LOCATIONS.with_borrow_mut(BTreeMap::clear);
}

/// Changes the location of this thread.
pub(super) fn update(change: impl FnOnce(&mut ThreadLocation)) {
    // While an execution is torn down there is no thread.
    if let Some(me) = current::try_get_current_task() {
        LOCATIONS.with_borrow_mut(|locations| change(locations.entry(me.into()).or_default()));
    }
}

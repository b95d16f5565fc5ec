//! Panics that are injected into threads of an execution, delivered as the value that capturing one returns.
//!
//! A thread of shuttle must not unwind: the execution ends at its first panic. So an injected panic is noted
//! for its thread, which then returns as early as it can, with an error; [`catch_panic`](super::catch_panic)
//! returns the note in place of what its work returned, and a thread that ends with a note passes it on to
//! the one that waits for it, as an unwinding thread would.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ::shuttle::current;

thread_local! {
    /// The messages of the panics that are not captured yet, by the numbers of their threads.
    static INJECTED: RefCell<BTreeMap<usize, String>> = const { RefCell::new(BTreeMap::new()) };
}

/// Notes a panic for this thread of the execution. The caller must return an error, which nothing but
/// [`catch_panic`](super::catch_panic) may handle.
pub fn inject_panic(message: String) {
    if let Some(me) = current::try_get_current_task() {
        INJECTED.with_borrow_mut(|injected| injected.insert(me.into(), message));
    }
}

/// Forgets all notes: another execution begins.
pub fn forget_injected_panics() {
    INJECTED.with_borrow_mut(BTreeMap::clear);
}

/// Takes the note of this thread.
pub(super) fn take() -> Option<String> {
    let me: usize = current::try_get_current_task()?.into();
    INJECTED.with_borrow_mut(|injected| injected.remove(&me))
}

/// Calls `work`; returns its note as well.
pub(super) fn with_note<T>(work: impl FnOnce() -> T) -> (T, Option<String>) {
    let value = work();
    (value, take())
}

/// Passes the note of a thread that ended on to this one.
pub(super) fn pass_on<T>((value, note): (T, Option<String>)) -> T {
    if let Some(message) = note {
        inject_panic(message);
    }
    value
}

//! The last notes of every thread: the transaction and the place that it was at, for a watchdog that
//! explains why nothing goes on.
//!
//! A note of a transaction is one relaxed store into a slot that only this thread writes. A reader sees
//! some recent note of each thread, and no two of one moment.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::thread;

use super::Mutex;

/// No transaction was noted.
const NONE: u32 = u32::MAX;

/// The last notes of one thread.
#[derive(Debug)]
struct Slot {
    thread: String,
    transaction: AtomicU32,
    /// Locked a few times a block.
    place: Mutex<Option<&'static str>>,
}

/// The slots of all threads that have noted anything, in the order of their first notes.
static SLOTS: Mutex<Vec<Weak<Slot>>> = Mutex::new(Vec::new());

/// True if a thread has noted anything since [`forget_activity`]. Relaxed: a thread that forgets has waited
/// for those whose notes it forgets.
static IS_NOTED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static MINE: OnceCell<Arc<Slot>> = const { OnceCell::new() };
}

/// The last notes of a thread.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ThreadActivity {
    /// The name of the thread.
    pub thread: String,
    /// The transaction that it executes, or executed last.
    pub transaction: Option<u32>,
    /// The part of the work that it does, or did last.
    pub place: Option<&'static str>,
}

fn register() -> Arc<Slot> {
    let name = thread::current().name().unwrap_or("caller").to_owned();
    let slot = Arc::new(Slot {
        thread: name,
        transaction: AtomicU32::new(NONE),
        place: Mutex::new(None),
    });
    let mut slots = SLOTS.lock();
    slots.retain(|slot| slot.strong_count() > 0);
    slots.push(Arc::downgrade(&slot));
    slot
}

fn with_mine(note: impl FnOnce(&Slot)) {
    // A thread that ends notes nothing more.
    let _ = MINE.try_with(|mine| note(mine.get_or_init(register)));
}

/// Notes which transaction this thread executes.
#[inline]
pub(super) fn note_transaction(transaction: u32) {
    with_mine(|mine| {
        if mine.transaction.load(Ordering::Relaxed) == NONE {
            IS_NOTED.store(true, Ordering::Relaxed);
        }
        mine.transaction.store(transaction, Ordering::Relaxed);
    });
}

/// Notes which part of the work this thread does.
pub(super) fn note_place(place: &'static str) {
    with_mine(|mine| *mine.place.lock() = Some(place));
    IS_NOTED.store(true, Ordering::Relaxed);
}

/// Returns the last notes of every thread that is there and has noted anything since
/// [`forget_activity`].
#[must_use]
pub fn activity() -> Vec<ThreadActivity> {
    let slots: Vec<Arc<Slot>> = SLOTS.lock().iter().filter_map(Weak::upgrade).collect();
    let noted = slots.iter().map(|slot| ThreadActivity {
        thread: slot.thread.clone(),
        transaction: Some(slot.transaction.load(Ordering::Relaxed)).filter(|noted| *noted != NONE),
        place: *slot.place.lock(),
    });
    noted
        .filter(|thread| thread.transaction.is_some() || thread.place.is_some())
        .collect()
}

/// Forgets the notes of all threads: other work begins. Costs next to nothing where there are none.
pub fn forget_activity() {
    if !IS_NOTED.swap(false, Ordering::Relaxed) {
        return;
    }
    for slot in SLOTS.lock().iter().filter_map(Weak::upgrade) {
        slot.transaction.store(NONE, Ordering::Relaxed);
        *slot.place.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{set_current_place, set_current_transaction};
    use super::*;

    fn of(thread: &str) -> Option<ThreadActivity> {
        activity().into_iter().find(|one| one.thread == thread)
    }

    /// One test: the slots are those of the process.
    #[test]
    fn the_last_notes_of_a_thread_are_read_by_another_until_it_ends() {
        const NAME: &str = "one that notes";
        let (told, heard) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = thread::Builder::new().name(NAME.to_owned()).spawn(move || {
            set_current_place("executes");
            set_current_transaction(6);
            set_current_transaction(7);
            told.send(()).expect("the test waits");
            ended.recv().expect("the test goes on");
        });
        let thread = thread.expect("the system gives threads");
        heard.recv().expect("it notes");
        let expected = ThreadActivity {
            thread: NAME.to_owned(),
            transaction: Some(7),
            place: Some("executes"),
        };
        assert_eq!(of(NAME), Some(expected));
        forget_activity();
        assert_eq!(of(NAME), None);
        end.send(()).expect("it waits");
        thread.join().expect("it does not panic");
        set_current_transaction(1);
        assert_eq!(of(NAME), None);
    }
}

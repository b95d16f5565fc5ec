//! [`crate::sync`] over loom. Works inside a model only.

// For bookkeeping that decides nothing: loom does not see it.
pub(crate) use crate::sync::Mutex as Unseen;
pub(crate) use loom::sync::MutexGuard;
pub(crate) use loom::thread::ThreadId;
// Std's, for the reason given in the ordinary module.
pub(crate) use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(loom::sync::Mutex::new(value))
    }

    #[track_caller]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0
            .lock()
            .expect("loom ends a model at its first panic, before anybody sees a poisoned lock")
    }
}

#[derive(Debug)]
pub(crate) struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Condvar(loom::sync::Condvar::new())
    }

    #[track_caller]
    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0
            .wait(guard)
            .expect("loom ends a model at its first panic, before anybody sees a poisoned lock")
    }

    #[track_caller]
    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

pub(crate) fn current_thread() -> ThreadId {
    loom::thread::current().id()
}

/// Loom ends a model at its first panic: what unwinds must not enter it again.
pub(crate) fn a_panic_has_ended_it() -> bool {
    std::thread::panicking()
}

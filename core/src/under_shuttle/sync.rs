//! [`crate::sync`] over shuttle. Works inside an execution only.

// For bookkeeping that decides nothing: shuttle does not see it.
pub(crate) use crate::sync::Mutex as Unseen;
pub(crate) use shuttle::sync::MutexGuard;
pub(crate) use shuttle::thread::ThreadId;
// Std's, for the reason given in the ordinary module.
pub(crate) use std::sync::Arc;
use std::sync::PoisonError;

#[derive(Debug)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    #[track_caller]
    pub(crate) const fn new(value: T) -> Self {
        Mutex(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        // Poisoned while a panicked execution unwinds: what unwinds must not panic again.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(crate) struct Condvar(shuttle::sync::Condvar);

impl Condvar {
    #[track_caller]
    pub(crate) const fn new() -> Self {
        Condvar(shuttle::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

pub(crate) fn current_thread() -> ThreadId {
    shuttle::thread::current().id()
}

/// Shuttle ends an execution at its first panic: what unwinds must not enter it again.
pub(crate) fn a_panic_has_ended_it() -> bool {
    std::thread::panicking()
}

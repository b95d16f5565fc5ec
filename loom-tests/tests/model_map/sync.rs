//! The door of core's checkers once more, over real primitives.

use std::panic::Location;
use std::sync::PoisonError;
pub(crate) use std::sync::{Arc, MutexGuard};
pub(crate) use std::thread::ThreadId;

pub(crate) use Mutex as UntrackedMutex;

pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Mutex(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody asks who is where.
    pub(crate) fn lock_at(&self, _place: &'static Location<'static>) -> MutexGuard<'_, T> {
        self.lock()
    }
}

pub(crate) struct Condvar(std::sync::Condvar);

impl Condvar {
    pub(crate) const fn new() -> Self {
        Condvar(std::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

pub(crate) fn current_thread() -> ThreadId {
    std::thread::current().id()
}

/// Other threads go on.
pub(crate) const fn execution_has_panicked() -> bool {
    false
}

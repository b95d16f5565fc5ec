//! [`crate::sync`] over shuttle. Works inside an execution only.

use shuttle::sync::MutexGuard;
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

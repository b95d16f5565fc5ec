//! [`crate::sync`] over loom. Works inside a model only.

use loom::sync::MutexGuard;
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

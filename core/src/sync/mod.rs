//! The primitives by which threads share anything: the only door to them for `shared`.
//!
//! `under_loom` and `under_shuttle` have a `sync` of the same shape, over that checker's primitives.
//! What differs between the three is settled there, so that `shared` reads the same under each.

// Counts references to what does not change. The checkers do not watch it: nothing depends on the
// count, and each watched clone multiplies the interleavings.
pub(crate) use std::sync::Arc;
use std::sync::{MutexGuard, PoisonError};

/// A lock that has no memory of panics: a panic is a defect and is reported where it happens, and a
/// second one at each later lock would bury it.
#[derive(Debug)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Mutex(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The primitives by which threads share anything: the only door to them for `shared`.
//!
//! `under_loom` and `under_shuttle` have a `sync` of the same shape, over that checker's primitives.
//! What differs between the three is settled there, so that `shared` reads the same under each.

#[cfg(target_os = "linux")]
mod placement;
mod workers;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
// Counts references to what does not change. The checkers do not watch it: nothing depends on the
// count, and each watched clone multiplies the interleavings.
pub use std::sync::Arc;
// Set before there is anybody to race with in a model, so that the checkers have no use for their
// own.
pub use std::sync::OnceLock;
pub use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{MutexGuard, PoisonError, RwLockWriteGuard};
pub use std::sync::{RwLock, RwLockReadGuard};

pub use dashmap::DashMap;
pub use workers::{NoWorkers, Workers};

/// A lock that has no memory of panics: a panic is a defect and is reported where it happens, and a
/// second one at each later lock would bury it.
#[derive(Debug)]
pub struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self {
        Mutex(std::sync::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where somebody waits until somebody else has changed what a [`Mutex`] guards.
#[derive(Debug)]
pub struct Condvar(std::sync::Condvar);

impl Condvar {
    pub const fn new() -> Self {
        Condvar(std::sync::Condvar::new())
    }

    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// Takes a lock for reading. What panicked with it is asked again: it is whole, or says what is not.
pub fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a lock for writing; see [`read`].
pub fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// What a lock was around; see [`read`].
pub fn into_inner<T>(lock: RwLock<T>) -> T {
    lock.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Does something; the message of its panic where it does that. A checker ends at the first panic,
/// and must: under one this catches nothing.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| message(&*panic))
}

/// What somebody said who panicked.
pub fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
        .to_owned()
}

/// How often whoever has nothing to do looks again before it sleeps: for some ten microseconds, about
/// what it costs to be woken.
pub const PATIENCE: u32 = 32;

/// Lets a moment pass without giving up the thread.
pub fn breathe() {
    for _ in 0..8 {
        std::hint::spin_loop();
    }
}

/// Says which transaction this thread is about. Free; a checker tells by it where it paused whom.
#[inline]
pub fn is_about(_transaction: u32) {}

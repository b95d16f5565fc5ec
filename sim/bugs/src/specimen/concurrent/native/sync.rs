//! The real primitives.

use std::panic::resume_unwind;
pub(super) use std::sync::Arc;
pub(super) use std::sync::atomic::{AtomicU64, Ordering};
pub(super) use std::sync::{MutexGuard, RwLock};
use std::sync::{PoisonError, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;

use lockstep_harness::panic::catch_panic;

pub(super) use dashmap::DashMap;

/// A lock that has no memory of panics.
pub(super) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(super) const fn new(value: T) -> Self {
        Mutex(std::sync::Mutex::new(value))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Condvar(std::sync::Condvar);

impl Condvar {
    pub(super) const fn new() -> Self {
        Condvar(std::sync::Condvar::new())
    }

    pub(super) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn notify_all(&self) {
        self.0.notify_all();
    }
}

pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    std::thread::spawn(work)
}

/// What a thread gave; its panic goes on in the caller.
pub(super) fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Does something; the message of its panic where it does that.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_panic(work)
}

/// For checkers.
pub(super) fn is_about(_transaction: usize) {}

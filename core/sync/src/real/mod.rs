//! The primitives of the system: `std`'s, dashmap, and workers over a pool of threads.
//!
//! The module of each checker has the same names over that checker's primitives. What differs between
//! the three is settled there, so that code over them reads the same under each.

mod activity;
#[cfg(target_os = "linux")]
mod placement;
mod workers;

use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
// Counts references to values that do not change. The checkers do not watch it: nothing depends on the
// count, and each watched clone multiplies the interleavings.
pub use std::sync::Arc;
// Set before there is a thread to race with in a model, so that the checkers have no use for their own.
pub use std::sync::OnceLock;
pub use std::sync::{MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic};
pub use std::thread::{JoinHandle, ThreadId};

pub use activity::{ThreadActivity, activity, forget_activity};
pub use dashmap::DashMap;
pub use workers::{NoWorkers, Workers};

/// A lock for bookkeeping that decides nothing: no checker sees it.
pub use Mutex as UntrackedMutex;

pub use crate::panic_message;
use std::sync::PoisonError;

/// A lock that has no memory of panics: a panic is a bug and is reported where it happens, and a
/// second one at each later lock would bury it.
#[derive(Debug)]
pub struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Creates an unlocked lock.
    pub const fn new(value: T) -> Self {
        Mutex(std::sync::Mutex::new(value))
    }

    /// Locks, waiting for the thread that holds it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks as if called from `place`, which a checker reports.
    pub fn lock_at(&self, _place: &'static Location<'static>) -> MutexGuard<'_, T> {
        self.lock()
    }

    /// Returns the value.
    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition variable for the value that a [`Mutex`] guards.
#[derive(Debug)]
pub struct Condvar(std::sync::Condvar);

impl Condvar {
    /// Creates one that no thread waits for.
    #[allow(
        clippy::new_without_default,
        reason = "it is made beside a lock, which has no default"
    )]
    pub const fn new() -> Self {
        Condvar(std::sync::Condvar::new())
    }

    /// Unlocks, sleeps until it is notified, locks again. May wake without a notification.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes one thread that waits.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes every thread that waits.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// Locks for reading, also after a panic of a thread that held the lock: its value is whole, or says
/// what is not.
pub fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing; see [`read`].
pub fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the value of a lock; see [`read`].
pub fn into_inner<T>(lock: RwLock<T>) -> T {
    lock.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a thread.
pub fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    std::thread::spawn(work)
}

/// Waits for a thread and returns its result.
///
/// # Panics
///
/// With the thread's own panic, if it panicked.
pub fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Returns the identity of this thread.
pub fn current_thread() -> ThreadId {
    std::thread::current().id()
}

/// Calls `work`; returns the message of its panic if it panics. A checker ends at the first panic, and
/// must: under one this catches nothing.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panic_message(&*panic))
}

/// Panics with this message and without the panic hook, for a test that injects one. Under a checker the
/// panic is noted, and the caller goes on: it must return as early as it can.
pub fn inject_panic(message: String) {
    resume_unwind(Box::new(message))
}

/// Tells a destructor that runs during a panic whether the whole execution has ended, so that it must
/// touch no primitive any more. Never here: other threads go on.
pub const fn execution_has_panicked() -> bool {
    false
}

/// The number of times that a thread with nothing to do looks again before it sleeps: for some ten
/// microseconds, about what it costs to be woken.
pub const SPIN_LIMIT: u32 = 32;

/// Lets some cycles pass without giving up the thread.
#[inline]
pub fn spin_pause() {
    for _ in 0..8 {
        std::hint::spin_loop();
    }
}

/// Notes which transaction this thread executes, for [`activity()`]: one relaxed store. A checker
/// reports by it where it paused a thread.
#[inline]
pub fn set_current_transaction(transaction: u32) {
    activity::note_transaction(transaction);
}

/// Notes which part of the work this thread does, for [`activity()`]; a few times a block, because it
/// locks.
pub fn set_current_place(place: &'static str) {
    activity::note_place(place);
}

//! The names of [`crate::real`] over loom. They work inside a model only.

#[path = "../model_map/mod.rs"]
pub mod model_map;

pub use std::convert::Infallible as NoWorkers;
use std::panic::Location;
// Std's, for the reasons given in the real module.
pub use std::sync::{Arc, OnceLock};

pub use ::loom::sync::atomic;
// Two reads of one thread at once corrupt this lock.
pub use ::loom::sync::{MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use ::loom::thread::{JoinHandle, ThreadId};

/// A lock for bookkeeping that decides nothing: loom does not see it.
pub use crate::real::Mutex as UntrackedMutex;
pub use model_map::DashMap;

// For the map, which names primitives as code over this module does.
use crate::loom as sync;
pub use crate::panic_message;
use crate::real;

const NO_POISON: &str = "loom ends a model at its first panic, before a poisoned lock is seen";

/// [`real::Mutex`] over loom.
#[derive(Debug)]
pub struct Mutex<T>(::loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Creates an unlocked lock.
    pub fn new(value: T) -> Self {
        Mutex(::loom::sync::Mutex::new(value))
    }

    /// Locks, waiting for the thread that holds it.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect(NO_POISON)
    }

    /// Locks; loom finds the place itself.
    #[track_caller]
    pub fn lock_at(&self, _place: &'static Location<'static>) -> MutexGuard<'_, T> {
        self.lock()
    }

    /// Returns the value.
    pub fn into_inner(self) -> T {
        self.0.into_inner().expect(NO_POISON)
    }
}

/// [`real::Condvar`] over loom.
#[derive(Debug)]
pub struct Condvar(::loom::sync::Condvar);

impl Condvar {
    /// Creates one that no thread waits for.
    #[allow(
        clippy::new_without_default,
        reason = "it is made beside a lock, which has no default"
    )]
    pub fn new() -> Self {
        Condvar(::loom::sync::Condvar::new())
    }

    /// Unlocks, sleeps until it is notified, locks again.
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).expect(NO_POISON)
    }

    /// Wakes one thread that waits.
    #[track_caller]
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes every thread that waits.
    #[track_caller]
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// Locks for reading.
#[track_caller]
pub fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().expect(NO_POISON)
}

/// Locks for writing.
#[track_caller]
pub fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().expect(NO_POISON)
}

/// Returns the value of a lock.
pub fn into_inner<T>(lock: RwLock<T>) -> T {
    lock.into_inner().expect(NO_POISON)
}

/// Starts a thread of the model. What it has need not be `Send`, as it does where threads are real.
pub fn spawn<T: 'static>(work: impl FnOnce() -> T + 'static) -> JoinHandle<T> {
    ::loom::thread::spawn(work)
}

/// Waits for a thread and returns its result.
pub fn join<T>(thread: JoinHandle<T>) -> T {
    thread
        .join()
        .expect("loom ends a model at its first panic, before a thread that panicked is joined")
}

/// Returns the identity of this thread of the model.
pub fn current_thread() -> ThreadId {
    ::loom::thread::current().id()
}

/// Workers that are none: loom's threads cannot borrow, so what is handed to workers is done by the
/// caller, item after item. Tests that want several make threads of their own.
#[derive(Debug)]
pub struct Workers(usize);

impl Workers {
    /// Pretends to start `number` threads, at least 1.
    ///
    /// # Errors
    ///
    /// Never here; [`real::Workers::new`] fails if the system gives no threads.
    pub fn new(number: usize) -> Result<Self, NoWorkers> {
        Ok(Workers(number.max(1)))
    }

    /// Returns the number of threads asked for.
    #[must_use]
    pub const fn number(&self) -> usize {
        self.0
    }

    /// Calls `work` once.
    pub fn each<R>(&self, work: impl Fn() -> R) -> Vec<R> {
        vec![work()]
    }

    /// Returns `f` of each item, in order.
    pub fn map<T, R>(&self, items: Vec<T>, f: impl Fn(T) -> R) -> Vec<R> {
        items.into_iter().map(f).collect()
    }

    /// Calls one, then the other.
    pub fn join<A, B>(&self, one: impl FnOnce() -> A, other: impl FnOnce() -> B) -> (A, B) {
        (one(), other())
    }

    /// Returns the threads of the system behind these workers, for code that no checker sees: none.
    #[must_use]
    pub const fn system_threads(&self) -> Option<&real::Workers> {
        None
    }
}

/// Calls `work`. Catches nothing: loom ends a model at its first panic.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    Ok(work())
}

/// Panics: loom ends a model at its first panic.
///
/// # Panics
///
/// Always.
pub fn inject_panic(message: String) {
    panic!("{message}")
}

/// Tells a destructor that runs during a panic that the execution has ended: loom ends a model at its
/// first panic, and what unwinds must not enter it again.
pub fn execution_has_panicked() -> bool {
    std::thread::panicking()
}

/// One: a checker runs every event between two looks without more of them.
pub const SPIN_LIMIT: u32 = 1;

/// Does nothing: no time passes in a model.
pub fn spin_pause() {}

/// Does nothing: loom reports places itself.
pub fn set_current_transaction(_transaction: u32) {}

/// Does nothing, as [`set_current_transaction`].
pub fn set_current_place(_place: &'static str) {}

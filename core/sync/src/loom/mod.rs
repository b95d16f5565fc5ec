//! [`crate::real`] over loom. Works inside a model only.

#[path = "../model_map/mod.rs"]
pub mod model_map;

use crate::loom as sync;
pub use std::convert::Infallible as NoWorkers;
use std::panic::Location;
// Std's, for the reasons given in the ordinary module.
pub use std::sync::{Arc, OnceLock};

// For bookkeeping that decides nothing: loom does not see it.
pub use crate::real::Mutex as Unseen;
pub use ::loom::sync::atomic::{AtomicBool, Ordering};
// Two reads of one thread at once corrupt this lock; core has none.
pub use ::loom::sync::{MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use ::loom::thread::ThreadId;

pub use model_map::DashMap;

const NO_POISON: &str = "loom ends a model at its first panic, before anybody sees a poisoned lock";

#[derive(Debug)]
pub struct Mutex<T>(::loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub fn new(value: T) -> Self {
        Mutex(::loom::sync::Mutex::new(value))
    }

    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect(NO_POISON)
    }

    /// Loom names the places itself.
    #[track_caller]
    pub fn lock_at(&self, _place: &'static Location<'static>) -> MutexGuard<'_, T> {
        self.lock()
    }

    pub fn into_inner(self) -> T {
        self.0.into_inner().expect(NO_POISON)
    }
}

#[derive(Debug)]
pub struct Condvar(::loom::sync::Condvar);

impl Condvar {
    pub fn new() -> Self {
        Condvar(::loom::sync::Condvar::new())
    }

    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).expect(NO_POISON)
    }

    #[track_caller]
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    #[track_caller]
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

#[track_caller]
pub fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().expect(NO_POISON)
}

#[track_caller]
pub fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().expect(NO_POISON)
}

pub fn into_inner<T>(lock: RwLock<T>) -> T {
    lock.into_inner().expect(NO_POISON)
}

/// Nobody: loom's threads cannot borrow, so what is handed to workers is done by the caller, item
/// after item. Tests that want workers make threads and let them drive `Run` and `Pipeline`.
#[derive(Debug)]
pub struct Workers(usize);

impl Workers {
    /// As if there were so many.
    ///
    /// # Errors
    ///
    /// None: the ordinary workers have some.
    pub fn new(number: usize) -> Result<Self, NoWorkers> {
        Ok(Workers(number.max(1)))
    }

    /// As if there were so many.
    #[must_use]
    pub const fn number(&self) -> usize {
        self.0
    }

    /// Once.
    pub fn each<R>(&self, work: impl Fn() -> R) -> Vec<R> {
        vec![work()]
    }

    /// In order.
    pub fn map<T, R>(&self, items: Vec<T>, f: impl Fn(T) -> R) -> Vec<R> {
        items.into_iter().map(f).collect()
    }

    /// One after the other.
    pub fn join<A, B>(&self, one: impl FnOnce() -> A, other: impl FnOnce() -> B) -> (A, B) {
        (one(), other())
    }

    /// The threads of the system behind these workers, for code that no checker sees: none.
    #[must_use]
    pub const fn system_threads(&self) -> Option<&crate::real::Workers> {
        None
    }
}

/// Catches nothing: loom ends a model at its first panic.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    Ok(work())
}

/// Once is enough to come to everything that happens between two looks.
pub const PATIENCE: u32 = 1;

pub fn breathe() {}

/// Loom names the places itself.
pub fn is_about(_transaction: u32) {}

pub fn current_thread() -> ThreadId {
    ::loom::thread::current().id()
}

/// Loom ends a model at its first panic: what unwinds must not enter it again.
pub fn a_panic_has_ended_it() -> bool {
    std::thread::panicking()
}

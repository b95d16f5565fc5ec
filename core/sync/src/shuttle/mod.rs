//! The names of [`crate::real`] over shuttle. They work inside an execution only.

mod injected_panic;
#[path = "../model_map/mod.rs"]
pub mod model_map;
mod thread_location;

pub use std::convert::Infallible as NoWorkers;
use std::panic::{Location, resume_unwind};
// Std's, for the reasons given in the real module.
pub use std::sync::{Arc, OnceLock};

pub use ::shuttle::sync::atomic;
pub use ::shuttle::sync::{MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use ::shuttle::thread::{JoinHandle, ThreadId};
use std::sync::PoisonError;

/// A lock for bookkeeping that decides nothing: shuttle does not see it.
pub use crate::real::Mutex as UntrackedMutex;
pub use injected_panic::{forget_injected_panics, inject_panic};
pub use model_map::DashMap;
pub use thread_location::{ThreadLocation, forget_thread_locations, thread_location};

pub use crate::panic_message;
use crate::real;
// For the map, which names primitives as code over this module does.
use crate::shuttle as sync;

/// [`real::Mutex`] over shuttle.
#[derive(Debug)]
pub struct Mutex<T>(::shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Creates an unlocked lock.
    #[track_caller]
    pub const fn new(value: T) -> Self {
        Mutex(::shuttle::sync::Mutex::new(value))
    }

    /// Locks, waiting for the thread that holds it.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.lock_at(Location::caller())
    }

    /// Locks as if called from `place`, which [`thread_location()`] reports.
    pub fn lock_at(&self, place: &'static Location<'static>) -> MutexGuard<'_, T> {
        set_place_of_lock(place);
        // Poisoned while a panicked execution unwinds: what unwinds must not panic again.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the value.
    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// [`real::Condvar`] over shuttle.
#[derive(Debug)]
pub struct Condvar(::shuttle::sync::Condvar);

impl Condvar {
    /// Creates one that no thread waits for.
    #[allow(
        clippy::new_without_default,
        reason = "it is made beside a lock, which has no default"
    )]
    #[track_caller]
    pub const fn new() -> Self {
        Condvar(::shuttle::sync::Condvar::new())
    }

    /// Unlocks, sleeps until it is notified, locks again.
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        set_place_of_lock(Location::caller());
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

/// Locks for reading.
#[track_caller]
pub fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    set_place_of_lock(Location::caller());
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing.
#[track_caller]
pub fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    set_place_of_lock(Location::caller());
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the value of a lock.
pub fn into_inner<T>(lock: RwLock<T>) -> T {
    lock.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a thread of the execution.
pub fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    ::shuttle::thread::spawn(work)
}

/// Waits for a thread and returns its result.
///
/// # Panics
///
/// With the thread's own panic, if it panicked.
pub fn join<T>(thread: JoinHandle<T>) -> T {
    or_panic(thread.join())
}

/// Returns the identity of this thread of the execution.
pub fn current_thread() -> ThreadId {
    ::shuttle::thread::current().id()
}

/// Threads that live as long as what they are handed: shuttle has no pool.
#[derive(Debug)]
pub struct Workers(usize);

impl Workers {
    /// Creates workers of `number` threads, at least 1.
    ///
    /// # Errors
    ///
    /// Never here; [`real::Workers::new`] fails if the system gives no threads.
    pub fn new(number: usize) -> Result<Self, NoWorkers> {
        Ok(Workers(number.max(1)))
    }

    /// Returns the number of threads.
    #[must_use]
    pub const fn number(&self) -> usize {
        self.0
    }

    /// Does as [`real::Workers::each`].
    ///
    /// # Panics
    ///
    /// If `work` panics.
    pub fn each<R: Send>(&self, work: impl Fn() -> R + Send + Sync) -> Vec<R> {
        let work = &work;
        ::shuttle::thread::scope(|scope| {
            let noted = || injected_panic::with_note(work);
            let threads: Vec<_> = (0..self.0).map(|_| scope.spawn(noted)).collect();
            let ended = threads.into_iter().map(|thread| thread.join());
            ended.map(or_panic).map(injected_panic::pass_on).collect()
        })
    }

    /// Does as [`real::Workers::map`].
    pub fn map<T: Send, R: Send>(&self, items: Vec<T>, f: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
        let left = UntrackedMutex::new(items.into_iter().enumerate());
        let mut done: Vec<(usize, R)> = self
            .each(|| {
                let mut done = Vec::new();
                loop {
                    let next = left.lock().next();
                    let Some((index, item)) = next else {
                        return done;
                    };
                    done.push((index, f(item)));
                }
            })
            .into_iter()
            .flatten()
            .collect();
        done.sort_unstable_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, result)| result).collect()
    }

    /// Does as [`real::Workers::join`].
    ///
    /// # Panics
    ///
    /// If one of the two panics.
    pub fn join<A: Send, B: Send>(
        &self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        // Not one of the two on this thread: it may wait for threads of its own, and shuttle's scope
        // wakes the thread that made it for the other, whatever it waits for.
        ::shuttle::thread::scope(|scope| {
            let one = scope.spawn(|| injected_panic::with_note(one));
            let other = scope.spawn(|| injected_panic::with_note(other));
            let (one, other) = (or_panic(one.join()), or_panic(other.join()));
            (injected_panic::pass_on(one), injected_panic::pass_on(other))
        })
    }

    /// Returns the threads of the system behind these workers, for code that no checker sees: none.
    #[must_use]
    pub const fn system_threads(&self) -> Option<&real::Workers> {
        None
    }
}

/// Returns the result of a thread; its panic goes on in the caller.
fn or_panic<T>(ended: ::shuttle::thread::Result<T>) -> T {
    ended.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Calls `work`. Catches an [injected](inject_panic) panic and no other: shuttle ends an execution at its
/// first panic, and a deadlock is one.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let (value, note) = injected_panic::with_note(work);
    note.map_or(Ok(value), Err)
}

/// Tells a destructor that runs during a panic that the execution has ended: shuttle ends it at its
/// first panic, and what unwinds must not enter it again.
pub fn execution_has_panicked() -> bool {
    std::thread::panicking()
}

/// One: a checker runs every event between two looks without more of them.
pub const SPIN_LIMIT: u32 = 1;

/// Does nothing: no time passes in an execution.
pub fn spin_pause() {}

/// Notes which transaction this thread executes, for [`thread_location()`].
pub fn set_current_transaction(transaction: u32) {
    thread_location::update(|here| here.transaction = Some(transaction));
}

/// Does nothing: the place of a thread is the one at which it locks.
pub fn set_current_place(_place: &'static str) {}

/// Notes the place at which this thread locks.
fn set_place_of_lock(place: &'static Location<'static>) {
    thread_location::update(|here| here.place = Some(place));
}

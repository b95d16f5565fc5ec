//! [`crate::real`] over shuttle. Works inside an execution only.

mod whereabouts;

#[path = "../model_map/mod.rs"]
pub mod model_map;

use crate::shuttle as sync;
pub use std::convert::Infallible as NoWorkers;
use std::panic::{Location, resume_unwind};
// Std's, for the reasons given in the ordinary module.
pub use std::sync::{Arc, OnceLock, PoisonError};

// For bookkeeping that decides nothing: shuttle does not see it.
pub use crate::real::Mutex as Unseen;
pub use ::shuttle::sync::atomic::{AtomicBool, Ordering};
pub use ::shuttle::sync::{MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use ::shuttle::thread::ThreadId;

pub use model_map::DashMap;
pub use whereabouts::{Whereabouts, forget_whereabouts, note_whereabouts, whereabouts};

#[derive(Debug)]
pub struct Mutex<T>(::shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    #[track_caller]
    pub const fn new(value: T) -> Self {
        Mutex(::shuttle::sync::Mutex::new(value))
    }

    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.lock_at(Location::caller())
    }

    /// Locks on behalf of whoever is at that place.
    pub fn lock_at(&self, place: &'static Location<'static>) -> MutexGuard<'_, T> {
        is_at(place);
        // Poisoned while a panicked execution unwinds: what unwinds must not panic again.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub struct Condvar(::shuttle::sync::Condvar);

impl Condvar {
    #[track_caller]
    pub const fn new() -> Self {
        Condvar(::shuttle::sync::Condvar::new())
    }

    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        is_at(Location::caller());
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

#[track_caller]
pub fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    is_at(Location::caller());
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

#[track_caller]
pub fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    is_at(Location::caller());
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

pub fn into_inner<T>(lock: RwLock<T>) -> T {
    lock.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Threads that live as long as what they are handed: shuttle has no pool, and nothing that core
/// does depends on which of them does what.
#[derive(Debug)]
pub struct Workers(usize);

impl Workers {
    /// So many, at least one.
    ///
    /// # Errors
    ///
    /// None: the ordinary workers have some.
    pub fn new(number: usize) -> Result<Self, NoWorkers> {
        Ok(Workers(number.max(1)))
    }

    /// How many there are.
    #[must_use]
    pub const fn number(&self) -> usize {
        self.0
    }

    /// As the ordinary workers do.
    ///
    /// # Panics
    ///
    /// Where `work` does.
    pub fn each<R: Send>(&self, work: impl Fn() -> R + Send + Sync) -> Vec<R> {
        let work = &work;
        ::shuttle::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.0).map(|_| scope.spawn(work)).collect();
            let ended = threads.into_iter().map(|thread| thread.join());
            ended.map(or_panic).collect()
        })
    }

    /// As the ordinary workers do: who is free takes the next item.
    pub fn map<T: Send, R: Send>(&self, items: Vec<T>, f: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
        let left = Unseen::new(items.into_iter().enumerate());
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

    /// As the ordinary workers do.
    ///
    /// # Panics
    ///
    /// Where one of the two does.
    pub fn join<A: Send, B: Send>(
        &self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        // Not one of the two on this thread: it may wait for threads of its own, and shuttle's scope
        // wakes whoever made it for the other, whatever they wait for.
        ::shuttle::thread::scope(|scope| {
            let (one, other) = (scope.spawn(one), scope.spawn(other));
            (or_panic(one.join()), or_panic(other.join()))
        })
    }

    /// The threads of the system behind these workers, for code that no checker sees: none.
    #[must_use]
    pub const fn system_threads(&self) -> Option<&crate::real::Workers> {
        None
    }
}

/// What a thread of the workers gave; its panic goes on in the caller.
fn or_panic<T>(ended: ::shuttle::thread::Result<T>) -> T {
    ended.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Catches nothing: shuttle ends an execution at its first panic, and a deadlock is one.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    Ok(work())
}

pub fn is_about(transaction: u32) {
    note_whereabouts(|here| here.transaction = Some(transaction));
}

/// Once is enough to come to everything that happens between two looks.
pub const PATIENCE: u32 = 1;

pub fn breathe() {}

/// Says where this thread takes something that others may have.
fn is_at(place: &'static Location<'static>) {
    note_whereabouts(|here| here.place = Some(place));
}

pub fn current_thread() -> ThreadId {
    ::shuttle::thread::current().id()
}

/// Shuttle ends an execution at its first panic: what unwinds must not enter it again.
pub fn a_panic_has_ended_it() -> bool {
    std::thread::panicking()
}

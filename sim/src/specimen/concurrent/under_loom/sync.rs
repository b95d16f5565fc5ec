//! The primitives of loom. They work inside a model only.

pub(super) use std::sync::Arc;

pub(super) use lockstep_sync::loom::DashMap;
pub(super) use loom::sync::atomic::{AtomicU64, Ordering};
pub(super) use loom::sync::{MutexGuard, RwLock};
use loom::sync::{RwLockReadGuard, RwLockWriteGuard};
use loom::thread::JoinHandle;

const NO_POISON: &str = "loom ends a model at its first panic, before anybody sees a poisoned lock";

pub(super) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(super) fn new(value: T) -> Self {
        Mutex(loom::sync::Mutex::new(value))
    }

    #[track_caller]
    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect(NO_POISON)
    }
}

pub(super) struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub(super) fn new() -> Self {
        Condvar(loom::sync::Condvar::new())
    }

    #[track_caller]
    pub(super) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).expect(NO_POISON)
    }

    #[track_caller]
    pub(super) fn notify_all(&self) {
        self.0.notify_all();
    }
}

#[track_caller]
pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().expect(NO_POISON)
}

#[track_caller]
pub(super) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().expect(NO_POISON)
}

pub(super) fn spawn<T: 'static>(work: impl FnOnce() -> T + 'static) -> JoinHandle<T> {
    loom::thread::spawn(work)
}

pub(super) fn join<T>(thread: JoinHandle<T>) -> T {
    thread
        .join()
        .expect("loom ends a model at its first panic, before anybody joins who panicked")
}

/// Catches nothing: loom ends a model at its first panic.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    Ok(work())
}

/// Loom names the places itself.
pub(super) fn is_about(_transaction: usize) {}

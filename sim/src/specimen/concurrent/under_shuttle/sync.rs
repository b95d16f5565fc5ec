//! The primitives of shuttle. They work inside an execution only.

use std::panic::{Location, resume_unwind};
pub(super) use std::sync::Arc;
use std::sync::PoisonError;

pub(super) use lockstep_sync::shuttle::DashMap;
use lockstep_sync::shuttle::note_thread_location;
pub(super) use shuttle::sync::atomic::{AtomicU64, Ordering};
pub(super) use shuttle::sync::{MutexGuard, RwLock};
use shuttle::sync::{RwLockReadGuard, RwLockWriteGuard};
use shuttle::thread::JoinHandle;

pub(super) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(super) const fn new(value: T) -> Self {
        Mutex(shuttle::sync::Mutex::new(value))
    }

    #[track_caller]
    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        is_at(Location::caller());
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Condvar(shuttle::sync::Condvar);

impl Condvar {
    pub(super) const fn new() -> Self {
        Condvar(shuttle::sync::Condvar::new())
    }

    #[track_caller]
    pub(super) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        is_at(Location::caller());
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn notify_all(&self) {
        self.0.notify_all();
    }
}

#[track_caller]
pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    is_at(Location::caller());
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

#[track_caller]
pub(super) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    is_at(Location::caller());
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    shuttle::thread::spawn(work)
}

/// What a thread gave; its panic goes on in the caller.
pub(super) fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Catches nothing: shuttle ends an execution at its first panic, and a deadlock is one.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    Ok(work())
}

/// Says which transaction this thread is about.
pub(super) fn is_about(transaction: usize) {
    let transaction = u32::try_from(transaction).ok();
    note_thread_location(|here| here.transaction = transaction);
}

fn is_at(place: &'static Location<'static>) {
    note_thread_location(|here| here.place = Some(place));
}

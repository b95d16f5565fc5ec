//! Workers: a fixed number of threads, the caller included.

pub use rayon::ThreadPoolBuildError as NoWorkers;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Mutex;
#[cfg(target_os = "linux")]
use super::placement::Placement;

/// A fixed number of threads, the caller of a method included. The others sleep when there is nothing
/// to do.
///
/// A caller that only waited would be a thread too many: with as many workers as cores, two of the
/// threads wake on one core, and stay there until the system looks after some milliseconds.
///
/// When a call returns, its work is done. A panic of another thread goes on in the caller.
#[derive(Debug)]
pub struct Workers {
    /// All threads but the caller.
    others: Option<Others>,
}

#[derive(Debug)]
struct Others {
    pool: ThreadPool,
    #[cfg(target_os = "linux")]
    placement: Option<Placement>,
}

impl Others {
    /// Returns the pool, to a caller that is about to give it work.
    fn beside_caller(&self) -> &ThreadPool {
        #[cfg(target_os = "linux")]
        if let Some(placement) = &self.placement
            && self.pool.current_thread_index().is_none()
        {
            placement.leave_caller_its_cpu();
        }
        &self.pool
    }
}

impl Workers {
    /// Creates workers of `number` threads, at least 1. Starts all but the caller.
    ///
    /// # Errors
    ///
    /// [`NoWorkers`] if the system gives no threads.
    pub fn new(number: usize) -> Result<Self, NoWorkers> {
        if number < 2 {
            return Ok(Workers { others: None });
        }
        let pool = ThreadPoolBuilder::new()
            .num_threads(number - 1)
            .thread_name(|number| format!("lockstep-{}", number + 1))
            .build()?;
        let others = Others {
            #[cfg(target_os = "linux")]
            placement: Placement::of(&pool),
            pool,
        };
        Ok(Workers {
            others: Some(others),
        })
    }

    /// Returns the number of threads, the caller included.
    #[inline]
    #[must_use]
    pub fn number(&self) -> usize {
        let others = self.others.as_ref();
        1 + others.map_or(0, |others| others.pool.current_num_threads())
    }

    /// Calls `work` once on every thread; returns the results, the caller's first.
    pub fn each<R: Send>(&self, work: impl Fn() -> R + Send + Sync) -> Vec<R> {
        let Some(others) = &self.others else {
            return vec![work()];
        };
        let others = others.beside_caller();
        let theirs = Mutex::new(Vec::with_capacity(others.current_num_threads()));
        let mine = others.in_place_scope(|scope| {
            scope.spawn_broadcast(|_, thread| {
                let result = work();
                theirs.lock().push((thread.index(), result));
            });
            work()
        });
        let mut theirs = theirs.into_inner();
        theirs.sort_unstable_by_key(|(thread, _)| *thread);
        let theirs = theirs.into_iter().map(|(_, result)| result);
        [mine].into_iter().chain(theirs).collect()
    }

    /// Returns `f` of each item, at its index: a thread that is free takes the next item.
    pub fn map<T: Send, R: Send>(&self, items: Vec<T>, f: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
        if items.len() < 2 {
            return items.into_iter().map(f).collect();
        }
        let left = Mutex::new(items.into_iter().enumerate());
        let done = self.each(|| {
            let mut done = Vec::new();
            loop {
                let next = left.lock().next();
                let Some((index, item)) = next else {
                    return done;
                };
                done.push((index, f(item)));
            }
        });
        let mut done: Vec<(usize, R)> = done.into_iter().flatten().collect();
        done.sort_unstable_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, result)| result).collect()
    }

    /// Calls both, side by side; the caller calls both if no other thread has begun the second when the
    /// first is done.
    pub fn join<A: Send, B: Send>(
        &self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        let Some(others) = &self.others else {
            return (one(), other());
        };
        let other = Mutex::new(Some(other));
        let begin = || {
            let other = other.lock().take();
            other.map(|other| other())
        };
        let mut theirs = None;
        let (one, mine) = others.beside_caller().in_place_scope(|scope| {
            scope.spawn(|_| theirs = begin());
            (one(), begin())
        });
        let other = mine
            .or(theirs)
            .expect("the thread that came first has done it");
        (one, other)
    }

    /// Returns the threads of the system behind these workers, for code that no checker sees: these.
    #[inline]
    #[must_use]
    pub const fn system_threads(&self) -> Option<&Workers> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    fn workers(number: usize) -> Workers {
        Workers::new(number).expect("the system gives threads")
    }

    #[test]
    fn each_is_on_the_caller_first_and_on_all_others_at_once() {
        for number in [0, 1, 2, 3, 9] {
            let workers = workers(number);
            assert_eq!(workers.number(), number.max(1));
            let meet = Barrier::new(workers.number());
            let mut threads = workers.each(|| {
                // A call that does not come is one that the others wait for.
                meet.wait();
                thread::current().id()
            });
            assert_eq!(threads[0], thread::current().id());
            threads.sort_by_key(|thread| format!("{thread:?}"));
            threads.dedup();
            assert_eq!(threads.len(), workers.number());
        }
    }

    #[test]
    fn two_items_are_done_side_by_side() {
        let meet = Barrier::new(2);
        let both = workers(2).map(vec![1, 2], |item| {
            meet.wait();
            item
        });
        assert_eq!(both, [1, 2]);
    }

    #[test]
    fn however_calls_are_nested_no_more_threads_work_than_there_are() {
        for number in [1, 2, 3, 8] {
            let workers = workers(number);
            let (working, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let one = |item: usize| {
                let now = working.fetch_add(1, Ordering::Relaxed) + 1;
                most.fetch_max(now, Ordering::Relaxed);
                thread::yield_now();
                working.fetch_sub(1, Ordering::Relaxed);
                item + 1
            };
            for _ in 0..20 {
                let many = || workers.map((0..50).collect(), one);
                let (left, (middle, right)) = workers.join(many, || workers.join(many, many));
                assert!(
                    [left, middle, right]
                        .iter()
                        .all(|each| each.iter().copied().eq(1..51))
                );
            }
            assert!(most.into_inner() <= number);
        }
    }

    #[test]
    fn a_panic_goes_on_in_the_caller_when_all_have_ended() {
        for number in [1, 2, 3] {
            let workers = workers(number);
            let panics = |work: &dyn Fn()| {
                let caught = catch_unwind(AssertUnwindSafe(work));
                caught.expect_err("it panicked").downcast::<&str>().is_ok()
            };
            let (caller, ended) = (thread::current().id(), AtomicUsize::new(0));
            let not_here = || {
                assert!(thread::current().id() == caller, "not here");
                ended.fetch_add(1, Ordering::Relaxed);
            };
            if number > 1 {
                assert!(panics(&|| drop(workers.each(not_here))));
                assert_eq!(ended.load(Ordering::Relaxed), 1);
            }
            let bad = |item: usize| assert!(item != 7, "seven");
            assert!(panics(&|| drop(workers.map((0..20).collect(), bad))));
            let join = |bad: usize| {
                let of = |one: usize| move || assert!(one != bad, "it is bad");
                workers.join(of(1), of(2));
            };
            assert!(panics(&|| join(1)) && panics(&|| join(2)));
            // And they go on.
            assert_eq!(workers.each(|| 1).len(), number);
        }
    }
}

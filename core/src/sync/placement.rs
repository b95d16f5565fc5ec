//! Where the system lets workers run.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::ThreadPool;
use rustix::thread::{CpuSet, Pid, gettid, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Keeps threads off the CPU of whoever hands them something.
///
/// Linux may wake a thread on the CPU of whoever wakes it, also where another one is idle, and leaves
/// it there for a time slice: it then begins when the caller has ended. On two CPUs (Linux 6.18) that
/// is what happens 190 times of 200 where the caller has slept before, as a node does that waits for
/// its next block, and half a millisecond of work on each of two threads takes 0.9 to 1.0 ms; 0.55
/// where they are kept apart.
#[derive(Debug)]
pub(super) struct Placement {
    threads: Vec<Pid>,
    /// Where whoever made them was allowed to run, and so they are.
    allowed: CpuSet,
    /// The CPU that they are kept off.
    avoided: AtomicUsize,
}

impl Placement {
    /// For these threads, where each of them and their caller can have a CPU of its own.
    pub(super) fn of(pool: &ThreadPool) -> Option<Self> {
        let allowed = sched_getaffinity(None).ok()?;
        let threads = pool.broadcast(|_| gettid());
        (threads.len() < allowed.count() as usize).then_some(Placement {
            threads,
            allowed,
            avoided: AtomicUsize::new(usize::MAX),
        })
    }

    /// Leaves this thread its CPU. A system call a thread where it has another one than the last time.
    pub(super) fn leave_caller_its_cpu(&self) {
        let cpu = sched_getcpu();
        // Relaxed: who sees an older one asks the system once more.
        if cpu >= CpuSet::MAX_CPU || self.avoided.swap(cpu, Ordering::Relaxed) == cpu {
            return;
        }
        let mut elsewhere = self.allowed;
        elsewhere.unset(cpu);
        for thread in &self.threads {
            // Where the system does not allow it, they run where it likes.
            let _ = sched_setaffinity(Some(*thread), &elsewhere);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::sync::Workers;

    #[test]
    fn workers_leave_their_caller_its_cpu_where_each_can_have_one() {
        let cpus = sched_getaffinity(None)
            .expect("it can be asked for")
            .count();
        for number in [2, cpus as usize, cpus as usize + 1] {
            let workers = Workers::new(number).expect("the system gives threads");
            let allowed = || {
                sched_getaffinity(None)
                    .expect("it can be asked for")
                    .count()
            };
            // Twice: the second time nothing needs to be changed.
            for _ in 0..2 {
                let counts = workers.each(allowed);
                let theirs = if number <= cpus as usize {
                    cpus - 1
                } else {
                    cpus
                };
                assert_eq!(counts[0], cpus, "the caller is free");
                assert!(
                    counts[1..].iter().all(|count| *count == theirs),
                    "{counts:?}"
                );
            }
        }
    }

    #[test]
    fn a_worker_that_hands_something_over_stays_where_it_is() {
        let workers = Workers::new(2).expect("the system gives threads");
        let cpus = || sched_getaffinity(None).expect("it can be asked for");
        let caller = thread::current().id();
        let seen = workers.each(|| {
            let before = cpus();
            if thread::current().id() != caller {
                workers.each(|| ());
            }
            (before, cpus())
        });
        assert!(seen.iter().all(|(before, after)| before == after));
    }
}

//! Placement of workers on CPUs: off the one that their caller runs on.

use std::sync::Mutex;

use rayon::ThreadPool;
use rustix::thread::{Pid, gettid, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Keeps threads off the CPU of the caller that gives them work.
///
/// Linux may wake a thread on the CPU of the thread that wakes it, also when another one is idle, and
/// leaves it there for a time slice: it then begins when the caller has ended. On two CPUs (Linux 6.18)
/// that happens 190 times of 200 if the caller has slept before, as a node does that waits for its next
/// block, and half a millisecond of work on each of two threads takes 0.9 to 1.0 ms; 0.55 if they are
/// kept apart.
#[derive(Debug)]
pub(super) struct Placement {
    threads: Vec<Pid>,
    /// The CPU that they were kept off the last time.
    avoided: Mutex<Option<usize>>,
}

impl Placement {
    /// Returns a placement for the threads of a pool, if each of them and their caller can have a CPU
    /// of its own.
    pub(super) fn of(pool: &ThreadPool) -> Option<Self> {
        let cpus = sched_getaffinity(None).ok()?.count() as usize;
        (pool.current_num_threads() < cpus).then(|| Placement {
            threads: pool.broadcast(|_| gettid()),
            avoided: Mutex::new(None),
        })
    }

    /// Leaves this thread its CPU: the others may run on every other CPU that this one may. Costs some
    /// system calls if this thread has another CPU than the last caller.
    pub(super) fn leave_caller_its_cpu(&self) {
        // Of two callers at once one is served.
        let Ok(mut avoided) = self.avoided.try_lock() else {
            return;
        };
        let cpu = sched_getcpu();
        if *avoided == Some(cpu) {
            return;
        }
        // Asked anew: an operator may have moved the process. Where that fails, or leaves too few CPUs,
        // and where this thread alone is bound to one, they stay where they are.
        let Ok(mut other_cpus) = sched_getaffinity(None) else {
            return;
        };
        if other_cpus.count() as usize <= self.threads.len() {
            return;
        }
        other_cpus.unset(cpu);
        for thread in &self.threads {
            let _ = sched_setaffinity(Some(*thread), &other_cpus);
        }
        *avoided = Some(cpu);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rustix::thread::CpuSet;

    use super::*;
    use crate::real::Workers;

    fn workers(number: usize) -> Workers {
        Workers::new(number).expect("the system gives threads")
    }

    fn cpus() -> CpuSet {
        sched_getaffinity(None).expect("it can be asked for")
    }

    #[test]
    fn workers_leave_their_caller_the_cpu_that_it_has() {
        let allowed = cpus();
        if allowed.count() < 2 {
            return;
        }
        let workers = workers(allowed.count() as usize);
        for cpu in (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)) {
            let mut other_cpus = allowed;
            other_cpus.unset(cpu);
            // Until it stays where it was sent to.
            loop {
                let mut only = CpuSet::new();
                only.set(cpu);
                for set in [only, allowed] {
                    sched_setaffinity(None, &set).expect("one's own thread may be moved");
                }
                let seen = workers.each(|| (sched_getcpu(), cpus()));
                if seen[0].0 == cpu && sched_getcpu() == cpu {
                    assert_eq!(seen[0].1, allowed, "the caller is free");
                    assert!(seen[1..].iter().all(|(_, cpus)| *cpus == other_cpus));
                    break;
                }
            }
        }
    }

    #[test]
    fn workers_are_free_where_there_are_more_than_cpus() {
        let allowed = cpus();
        let workers = workers(allowed.count() as usize + 1);
        assert!(workers.each(cpus).iter().all(|cpus| *cpus == allowed));
    }

    #[test]
    fn a_worker_that_gives_work_to_others_keeps_its_placement() {
        let workers = workers(2);
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

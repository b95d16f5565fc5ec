//! The deadlock detector: a registry of the holds of a map's shards and of the waits for them, which
//! finds deadlocks before the checker meets them.
//!
//! A real lock is around it, which no checker sees: it decides nothing, and shards that share
//! nothing must not be ordered by it. It is changed only under the lock of the shard in question.

use super::CallSite;
use super::sync::{ThreadId, UntrackedMutex, current_thread};

pub(super) struct DeadlockDetector(UntrackedMutex<Registry>);

#[derive(Default)]
struct Registry {
    held: Vec<Hold>,
    waits: Vec<Wait>,
    next: u64,
}

/// The identity of one hold of one shard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct HoldId(u64);

#[derive(Clone, Copy)]
struct Hold {
    id: HoldId,
    shard: usize,
    thread: ThreadId,
    since: CallSite,
}

#[derive(Clone, Copy)]
struct Wait {
    thread: ThreadId,
    shard: usize,
    at: CallSite,
}

/// A wait for a shard, and the hold that it waits for.
type Link = (Wait, Hold);

impl DeadlockDetector {
    pub(super) fn new() -> Self {
        DeadlockDetector(UntrackedMutex::new(Registry::default()))
    }

    pub(super) fn add_hold(&self, shard: usize, since: CallSite) -> HoldId {
        let mut registry = self.0.lock();
        let id = HoldId(registry.next);
        registry.next += 1;
        registry.held.push(Hold {
            id,
            shard,
            thread: current_thread(),
            since,
        });
        id
    }

    pub(super) fn remove_hold(&self, id: HoldId) {
        let mut registry = self.0.lock();
        registry.held.retain(|held| held.id != id);
    }

    /// Adds the wait of this thread for a shard, unless it closes a cycle; returns the deadlock in
    /// that case.
    pub(super) fn add_wait(&self, shard: usize, at: CallSite) -> Option<String> {
        let wait = Wait {
            thread: current_thread(),
            shard,
            at,
        };
        let mut registry = self.0.lock();
        match registry.cycle(wait, &[]) {
            Some(cycle) => Some(describe(&cycle)),
            None => {
                registry.waits.push(wait);
                None
            }
        }
    }

    pub(super) fn remove_wait(&self) {
        let thread = current_thread();
        let mut registry = self.0.lock();
        registry.waits.retain(|wait| wait.thread != thread);
    }
}

impl Registry {
    /// Returns the links by which a wait comes back to the first thread that waits. `before` leads to
    /// this one.
    ///
    /// A thread that waits needs every holder of its shard to let go, so that each cycle is a deadlock;
    /// the last one to begin to wait closes it, so that looking then is enough.
    fn cycle(&self, wait: Wait, before: &[Link]) -> Option<Vec<Link>> {
        let first = before.first().map_or(wait, |(first, _)| *first);
        for held in self.held.iter().filter(|held| held.shard == wait.shard) {
            let mut links = before.to_vec();
            links.push((wait, *held));
            if held.thread == first.thread {
                return Some(links);
            }
            let next = self.waits.iter().find(|next| next.thread == held.thread);
            if let Some(next) = next
                && !before.iter().any(|(known, _)| known.thread == next.thread)
                && let Some(cycle) = self.cycle(*next, &links)
            {
                return Some(cycle);
            }
        }
        None
    }
}

fn describe(cycle: &[Link]) -> String {
    let links: Vec<String> = cycle
        .iter()
        .map(|(wait, held)| {
            format!(
                "shard {} is taken at {} and held since {}",
                wait.shard, wait.at, held.since
            )
        })
        .collect();
    let kind = match cycle {
        [_] => "self-deadlock",
        _ => "lock cycle",
    };
    format!("{kind}: {}", links.join("; "))
}

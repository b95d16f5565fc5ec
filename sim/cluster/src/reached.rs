//! What runs of several nodes reached. A campaign that reached nothing proves nothing.

use std::collections::BTreeMap;

/// How often each kind of event happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    events: BTreeMap<&'static str, u64>,
}

/// What a whole campaign must have reached, all of it.
pub const REQUIRED: [&str; 37] = [
    "block: added",
    "block: delivered",
    "block: known before",
    "block: mined",
    "block: offered to a ledger again",
    "block: refused",
    "block: without its parent",
    "bytes that are no block",
    "crash: between two things",
    "crash: the block before",
    "crash: while a block is added",
    "crash: while blocks are undone",
    "message: asks for a block",
    "message: into a cut",
    "message: into a partition",
    "message: late",
    "message: lost",
    "message: overtaken",
    "message: to a node that is down",
    "message: twice",
    "network: cut",
    "network: healed",
    "network: partition",
    "nodes: converged",
    "reorganisation: depth 1",
    "reorganisation: depth 2",
    "reorganisation: depth 3",
    "reorganisation: depth 4",
    "reorganisation: depth 5",
    "reorganisation: depth 6",
    "reorganisation: depth 7",
    "reorganisation: depth 8",
    "restart: after a crash",
    "restart: clean",
    "restart: with work to do",
    "storage: failed while a block is added",
    "storage: failed while blocks are undone",
];

impl Reached {
    /// Counts an event.
    pub(super) fn count(&mut self, event: &'static str) {
        self.count_many(event, 1);
    }

    /// Counts so many of an event.
    pub(super) fn count_many(&mut self, event: &'static str, times: u64) {
        *self.events.entry(event).or_default() += times;
    }

    /// How often an event happened.
    #[must_use]
    pub fn of(&self, event: &str) -> u64 {
        self.events.get(event).copied().unwrap_or(0)
    }

    /// How often events happened whose names begin so.
    #[must_use]
    pub fn of_all(&self, beginning: &str) -> u64 {
        self.events()
            .filter(|(event, _)| event.starts_with(beginning))
            .map(|(_, count)| count)
            .sum()
    }

    /// All events that happened, by name.
    pub fn events(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.events.iter().map(|(event, count)| (*event, *count))
    }

    /// What a whole campaign must reach and this one did not.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        REQUIRED
            .into_iter()
            .filter(|event| self.of(event) == 0)
            .collect()
    }

    /// Adds what another run reached.
    pub fn add(&mut self, other: &Reached) {
        for (event, count) in other.events() {
            self.count_many(event, count);
        }
    }
}

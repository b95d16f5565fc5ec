//! The buggy executor with threads under schedules that are drawn.

#[cfg(feature = "shuttle")]
mod search;
#[cfg(not(feature = "shuttle"))]
#[path = "unavailable.rs"]
mod search;

use super::threads::{must_be_there, takes_no_panic};
use super::{Bug, Effort, Engine, Search};

/// Some of the schedulers of the portfolio.
pub(super) struct Schedules {
    name: &'static str,
    sentence: &'static str,
    schedulers: &'static [&'static str],
}

/// Whoever goes on is drawn at every step.
pub(super) const RANDOM: Schedules = Schedules {
    name: "random",
    sentence: "the harness, with the buggy executor's workers under schedules that a random walk draws, a \
           run each",
    schedulers: &["random"],
};

/// The same, but for that threads are of different length.
pub(super) const URW: Schedules = Schedules {
    name: "urw",
    sentence: "the same under a uniform random walk",
    schedulers: &["uniform walk"],
};

/// A few preemptions at drawn places.
pub(super) const PCT: Schedules = Schedules {
    name: "pct",
    sentence: "the same under probabilistic concurrency testing, of depths 2 and 3",
    schedulers: &["pct 2", "pct 3"],
};

impl Engine for Schedules {
    fn name(&self) -> &'static str {
        self.name
    }

    fn sentence(&self) -> &'static str {
        self.sentence
    }

    fn applies(&self, bug: &Bug) -> bool {
        takes_no_panic(bug)
    }

    fn left_out(&self) -> Option<String> {
        search::left_out()
    }

    fn runs(&self) -> u64 {
        20_000
    }

    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String> {
        search::search(self.schedulers, must_be_there(bug)?, seed, effort)
    }
}

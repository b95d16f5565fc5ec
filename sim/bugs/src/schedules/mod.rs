//! The engines `random`, `urw` and `pct`: the buggy executor with threads under schedules drawn by shuttle.

#[cfg(feature = "shuttle")]
mod search;
#[cfg(not(feature = "shuttle"))]
#[path = "unavailable.rs"]
mod search;

use super::threads::{must_be_there, of};
use super::{Bug, Effort, Engine, Search};

/// An engine with some of the schedulers of the portfolio.
pub(super) struct Schedules {
    name: &'static str,
    sentence: &'static str,
    schedulers: &'static [&'static str],
}

/// A random walk: the next thread is drawn uniformly at every step.
pub(super) const RANDOM: Schedules = Schedules {
    name: "random",
    sentence: "the harness over schedules of the workers that a random walk draws; a run is one schedule",
    schedulers: &["random"],
};

/// A uniform random walk: the next thread is drawn in proportion to its expected remaining length.
pub(super) const URW: Schedules = Schedules {
    name: "urw",
    sentence: "the same with a uniform random walk",
    schedulers: &["uniform walk"],
};

/// Probabilistic concurrency testing: a few preemptions at drawn steps.
pub(super) const PCT: Schedules = Schedules {
    name: "pct",
    sentence: "the same with probabilistic concurrency testing of depths 2 and 3",
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
        of(bug).is_some()
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

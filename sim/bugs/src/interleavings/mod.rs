//! The engine `loom`: the buggy executor with threads in every interleaving of the smallest scenarios.

#[cfg(feature = "loom")]
mod search;
#[cfg(not(feature = "loom"))]
#[path = "unavailable.rs"]
mod search;

use super::threads::{must_be_there, takes_no_fault};
use super::{Bug, Effort, Engine, Search};

/// The engine. A run is one interleaving of two workers with a bounded number of preemptions.
pub(super) struct Loom;

impl Engine for Loom {
    fn name(&self) -> &'static str {
        "loom"
    }

    fn sentence(&self) -> &'static str {
        "the harness over every interleaving of at most three preemptions of the smallest block that \
         shows the bug; a run is one interleaving, and the seed has no effect"
    }

    fn applies(&self, bug: &Bug) -> bool {
        takes_no_fault(bug)
    }

    fn left_out(&self) -> Option<String> {
        search::left_out()
    }

    fn runs(&self) -> u64 {
        200_000
    }

    fn search(&self, bug: &Bug, _: u64, effort: &Effort<'_>) -> Result<Search, String> {
        search::search(must_be_there(bug)?, effort)
    }
}

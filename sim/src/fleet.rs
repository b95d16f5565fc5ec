//! One verdict over what many processes on many machines found.
//!
//! A campaign writes one line of JSON a [run](RunRecord) and one for its [verdict](VerdictRecord).
//! [`merge`] reads the files of all shards, in any order, and knows nothing else of them: what it
//! is not told of, it misses.

mod merge;
mod record;
mod signature;

pub use merge::{CampaignMerged, Group, Merged, Problem, merge};
pub use record::{FindingRecord, PROCESS_DIES, Record, RunRecord, VerdictRecord, build, canaries};
pub use signature::{signature, without_numbers};

#[cfg(test)]
mod tests;

//! Shards: one verdict over what campaigns on many machines wrote.
//!
//! A campaign writes one line of JSON a [run](RunRecord) and one for its [verdict](VerdictRecord).
//! [`merge`] reads the files of all shards, in any order, and knows nothing else of them: what it is
//! not told of, it misses.

mod merge;
mod read;
mod record;

pub use merge::{CampaignMerged, Expected, Group, Merged, Problem, merge};
pub use read::read;
pub use record::{FindingRecord, Record, RunRecord, VerdictRecord, build};

#[cfg(test)]
mod tests;

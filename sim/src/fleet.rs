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

/// Exit codes, the most severe first: findings, then what says that findings cannot be relied on,
/// then what can be had by trying again.
const SEVERITY: [u8; 9] = [10, 11, 14, 12, 13, 15, 20, 2, 0];

/// The most severe of these exit codes; 0 of none. One that no campaign ends with is the most
/// severe of all: nobody knows what it means.
pub fn most_severe(exit_codes: impl IntoIterator<Item = u8>) -> u8 {
    let rank = |exit_code: &u8| {
        let at = SEVERITY.iter().position(|known| known == exit_code);
        at.map_or(0, |at| at + 1)
    };
    exit_codes.into_iter().min_by_key(rank).unwrap_or(0)
}

#[cfg(test)]
mod tests;

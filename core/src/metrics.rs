//! Reports of a node about its work, through the [`metrics`] facade: free when nothing listens.
//!
//! No result depends on any of it.

use std::time::Instant;

use crate::model::{Outcome, Receipt};

/// Counter: blocks added, by `path`.
pub const BLOCKS: &str = "lockstep_blocks_total";
/// Histogram: transactions in a block that was added.
pub const BLOCK_TRANSACTIONS: &str = "lockstep_block_transactions";
/// Histogram: levels of the dependency graph of a block, if it was made.
pub const GRAPH_DEPTH: &str = "lockstep_graph_depth";
/// Counter: transactions that were applied.
pub const APPLIED: &str = "lockstep_transactions_applied_total";
/// Counter: transactions that were rejected, by `reason`.
pub const REJECTED: &str = "lockstep_transactions_rejected_total";
/// Histogram: seconds of one `phase` of a block: `admit` (header, identities, merkle root), `execute`
/// (checks and state), `digest` (with the making of the commit), `commit` (into the storage).
pub const PHASE_SECONDS: &str = "lockstep_phase_seconds";
/// Counter: blocks that were executed serially because a worker panicked.
pub const FALLBACKS: &str = "lockstep_fallbacks_total";
/// Counter: blocks of test mode whose parallel result differed from the serial one, by `path`.
pub const DIFFERENCES: &str = "lockstep_differences_total";

/// Calls `work`, notes its name as what this thread does, and reports the seconds that it took as one
/// phase of a block.
pub(crate) fn phase<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    crate::sync::set_current_place(name);
    let start = Instant::now();
    let done = work();
    ::metrics::histogram!(PHASE_SECONDS, "phase" => name).record(start.elapsed().as_secs_f64());
    done
}

/// Reports the levels of a block's graph.
pub(crate) fn depth(levels: usize) {
    ::metrics::histogram!(GRAPH_DEPTH).record(levels as f64);
}

/// Reports a block that a worker's panic made serial.
pub(crate) fn fallback() {
    ::metrics::counter!(FALLBACKS).increment(1);
}

/// Reports a path whose result differed from the serial one.
pub(crate) fn difference(path: &'static str) {
    ::metrics::counter!(DIFFERENCES, "path" => path).increment(1);
}

/// Reports a block that was added.
pub(crate) fn block(path: &'static str, receipts: &[Receipt]) {
    ::metrics::counter!(BLOCKS, "path" => path).increment(1);
    ::metrics::histogram!(BLOCK_TRANSACTIONS).record(receipts.len() as f64);
    let mut applied = 0;
    for receipt in receipts {
        match &receipt.outcome {
            Outcome::Applied { .. } => applied += 1,
            Outcome::Rejected(rejection) => {
                ::metrics::counter!(REJECTED, "reason" => rejection.name()).increment(1);
            }
        }
    }
    ::metrics::counter!(APPLIED).increment(applied);
}

//! Reports: what those of the harness leave to this program.

pub(crate) use lockstep_harness::report::{
    Fact, as_line, merge_record, not_detected, of_injected_bug, of_seed, pair, say_coverage,
    say_end_of_merge, say_facts, say_group, say_pair, say_second_verdict, say_self_checks,
    say_verdict, say_violation,
};

use lockstep_harness::campaign::Summary;
use lockstep_sim::scenario::Scenario;

/// Summary of a ledger campaign.
pub(super) type LedgerSummary = Summary<Scenario>;

/// Number of runs, and of repetitions: with other worker counts and hash seeds, or in another process.
pub(crate) fn runs(runs: u64, repetitions: u64) -> String {
    format!(
        "{runs}, and {repetitions} repetitions (other worker counts and hash seeds; another process)"
    )
}

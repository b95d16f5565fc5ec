//! `lockstep merge`: one verdict over the shards of campaigns.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::processes::ProcessBug;
use lockstep_harness::shards::{self, Expected, Merged};
use lockstep_sim::campaign::SELF_CHECKS;
use lockstep_sim::coverage::{SYSTEM, totals};
use lockstep_sim::generate::Preset;

use super::report::{merge_record, runs, say_end_of_merge, say_group, say_pair};
use super::{complain, say, values};

#[derive(Debug, Args)]
pub(super) struct Merge {
    /// Read these files, each written by `lockstep run --json --shard K/N >FILE`
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Report an error for each of these presets that no file has a campaign of
    #[arg(long, env = "LOCKSTEP_MERGE_EXPECT", value_name = "PRESET,...", value_delimiter = ',', value_parser = values::preset())]
    expect: Vec<Preset>,
    /// Print one JSON record in place of text
    #[arg(long, env = "LOCKSTEP_MERGE_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

impl Merge {
    pub(super) fn execute(self) -> ExitCode {
        let files = match shards::read(&self.files) {
            Ok(files) => files,
            Err(reason) => {
                complain(reason);
                return ExitCode::Usage;
            }
        };
        let expected = Expected {
            focuses: self.expect.iter().map(Preset::to_string).collect(),
            self_checks: BTreeMap::from([(SYSTEM.to_owned(), self_checks())]),
        };
        let merged = shards::merge(&files, &expected);
        match self.json {
            true => say(merge_record(&merged, files.len(), quantities)),
            false => print(&merged, files.len()),
        }
        merged.exit_code
    }
}

/// Seeded bugs that the self-check of every ledger campaign must detect.
fn self_checks() -> Vec<String> {
    let canaries = SELF_CHECKS.iter().map(|bug| bug.id().to_owned());
    canaries
        .chain([ProcessBug::ProcessDies.id().to_owned()])
        .collect()
}

fn print(merged: &Merged, files: usize) {
    say("lockstep merge");
    say_pair("files", files);
    for campaign in &merged.campaigns {
        let coverage = &campaign.coverage;
        say_pair("campaign", &campaign.name);
        let (reported, of) = campaign.shards;
        say_pair("shards", format_args!("{reported} of {of}"));
        say_pair("runs", runs(campaign.runs, campaign.repetitions));
        let [blocks, transactions, applied] =
            [totals::BLOCKS, totals::TRANSACTIONS, totals::APPLIED].map(|of| coverage.total(of));
        say_pair("blocks", format_args!("{blocks} accepted"));
        let rejected = transactions - applied;
        say_pair(
            "transactions",
            format_args!("{transactions}: {applied} applied, {rejected} rejected"),
        );
        let not_reached: Vec<&str> = coverage
            .never_reached(SYSTEM)
            .map(|(name, _)| name)
            .collect();
        // The points that a missing shard reached are unknown.
        if reported == of && !not_reached.is_empty() {
            say_pair("not reached", not_reached.join(", "));
        }
    }
    for group in &merged.groups {
        say_group(group, "lockstep");
    }
    say_end_of_merge(merged);
}

fn quantities(coverage: &Coverage) -> Vec<(&'static str, u64)> {
    [
        ("blocks", totals::BLOCKS),
        ("transactions", totals::TRANSACTIONS),
        ("applied", totals::APPLIED),
    ]
    .map(|(name, of)| (name, coverage.total(of)))
    .to_vec()
}

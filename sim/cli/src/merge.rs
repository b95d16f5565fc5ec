//! `lockstep merge`: one verdict over the shards of campaigns.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::processes::ProcessBug;
use lockstep_harness::shards::{self, Expected, Group, Merged};
use lockstep_sim::campaign::SELF_CHECKS;
use lockstep_sim::coverage::{SYSTEM, totals};
use lockstep_sim::generate::Preset;
use serde_json::{Value, json};

use super::report::{runs, say_pair};
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
        let mut files = Vec::new();
        for file in &self.files {
            let name = file.display();
            let refused = |reason: &str| {
                complain(format_args!(
                    "{name}: {reason}; name a file that `lockstep run --json` wrote"
                ));
                ExitCode::Usage
            };
            if file.is_dir() {
                return refused("this is a folder");
            }
            match fs::read(file) {
                Ok(bytes) if bytes.contains(&0) => return refused("this is a binary file"),
                // A truncated file may end within a character; its last line is invalid anyhow.
                Ok(bytes) => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    files.push((name.to_string(), text));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return refused("there is no such file");
                }
                Err(error) => return refused(&error.to_string()),
            }
        }
        let expected = Expected {
            focuses: self.expect.iter().map(Preset::to_string).collect(),
            self_checks: BTreeMap::from([(SYSTEM.to_owned(), self_checks())]),
        };
        let merged = shards::merge(&files, &expected);
        match self.json {
            true => say(record(&merged, files.len())),
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
        print_finding(group);
    }
    for problem in &merged.problems {
        say(format_args!("error: {}", problem.message));
        say_pair("exit code", problem.exit_code);
    }
    match merged.exit_code {
        ExitCode::Passed => say("passed"),
        exit_code => {
            say("failed");
            say_pair("exit code", format_args!("{exit_code} (the most severe)"));
        }
    }
}

/// Prints the findings with one signature.
fn print_finding(group: &Group) {
    let smallest = &group.smallest;
    say(format_args!("finding: {}", group.signature));
    say_pair("exit code", group.exit_code);
    say_pair("runs", group.runs);
    let shards = group.shards.iter().map(String::as_str);
    say_pair(
        "shards",
        format_args!("{}: {}", group.shards.len(), first_few(shards)),
    );
    let keys = std::iter::once("detail").chain(std::iter::repeat(""));
    for (key, line) in keys.zip(smallest.detail.lines()) {
        say_pair(key, line.trim());
    }
    if let Some(file) = smallest.reproducer.as_ref().or(smallest.unshrunk.as_ref()) {
        say_pair("smallest", format_args!("{} transactions", smallest.size));
        say_pair("replay", format_args!("lockstep replay {file}"));
    }
}

fn first_few<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    const SHOWN: usize = 4;
    let texts: Vec<&str> = texts.collect();
    match texts.len() {
        0..=SHOWN => texts.join("; "),
        count => format!("{}; {} more", texts[..SHOWN].join("; "), count - SHOWN),
    }
}

fn record(merged: &Merged, files: usize) -> Value {
    let campaigns: Vec<Value> = merged
        .campaigns
        .iter()
        .map(|campaign| {
            let events: serde_json::Map<_, _> = campaign
                .coverage
                .events()
                .map(|(event, count)| (event.to_owned(), count.into()))
                .collect();
            json!({
                "name": campaign.name,
                "shards": campaign.shards.0,
                "of": campaign.shards.1,
                "runs": campaign.runs,
                "repetitions": campaign.repetitions,
                "blocks": campaign.coverage.total(totals::BLOCKS),
                "transactions": campaign.coverage.total(totals::TRANSACTIONS),
                "applied": campaign.coverage.total(totals::APPLIED),
                "coverage": events,
            })
        })
        .collect();
    let groups: Vec<Value> = merged
        .groups
        .iter()
        .map(|group| {
            json!({
                "signature": group.signature,
                "exit_code": group.exit_code,
                "runs": group.runs,
                "shards": group.shards,
                "smallest": group.smallest,
            })
        })
        .collect();
    let problems: Vec<Value> = merged
        .problems
        .iter()
        .map(|problem| json!({"exit_code": problem.exit_code, "message": problem.message}))
        .collect();
    json!({
        "kind": "merge",
        "files": files,
        "exit_code": merged.exit_code,
        "campaigns": campaigns,
        "findings": groups,
        "problems": problems,
    })
}

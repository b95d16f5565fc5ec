//! One verdict over the shards of a campaign.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::coverage::Coverage;
use crate::exit::ExitCode;
use crate::report::{merge_record, say, say_end_of_merge, say_facts, say_group, say_pair};
use crate::shards::{self, Expected, Merged};

use super::super::SYSTEM;
use super::super::registers::SELF_CHECKS;
use super::arguments::Arguments;
use super::run::measured;

pub(super) fn execute(program: &str, arguments: &Arguments) -> Result<ExitCode, String> {
    let paths: Vec<PathBuf> = arguments.rest.iter().map(PathBuf::from).collect();
    let files = shards::read(&paths)?;
    let focuses = match arguments.has("--require-parallel") {
        true => vec!["parallel".to_owned()],
        false => Vec::new(),
    };
    let ids = SELF_CHECKS.iter().map(|bug| bug.id().to_owned());
    let expected = Expected {
        focuses,
        self_checks: BTreeMap::from([(SYSTEM.to_owned(), ids.collect())]),
    };
    let merged = shards::merge(&files, &expected);
    match arguments.has("--json") {
        true => say(merge_record(&merged, files.len(), quantities)),
        false => print(program, &merged, files.len()),
    }
    Ok(merged.exit_code)
}

fn quantities(coverage: &Coverage) -> Vec<(&'static str, u64)> {
    ["cases", "blocks", "transactions"]
        .map(|of| (of, coverage.total(of)))
        .to_vec()
}

fn print(program: &str, merged: &Merged, files: usize) {
    say(format_args!("{program} merge"));
    say_pair("files", files);
    for campaign in &merged.campaigns {
        let (reported, of) = campaign.shards;
        say_pair("campaign", &campaign.name);
        say_pair("shards", format_args!("{reported} of {of}"));
        say_pair("cases", campaign.runs);
        say_facts(&measured(&campaign.coverage));
    }
    for group in &merged.groups {
        say_group(group, program);
    }
    say_end_of_merge(merged);
}

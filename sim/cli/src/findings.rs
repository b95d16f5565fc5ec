//! What is written and said about findings.

use std::path::Path;
use std::process::Command;

use lockstep_harness::campaign::{self, Verdict};
use lockstep_harness::invariant::{FINISHES_IN_TIME, PROCESS_SURVIVES};
use lockstep_harness::processes;
use lockstep_harness::shards::FindingRecord;
use lockstep_sim::campaign::Ledgers;
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::scenario::Scenario;
use lockstep_sim::shrink::{self, Shrunk};

use super::run::Summary;
use super::shrink::quietly_shrunk;
use super::{complain, say};

/// A violated invariant and the scenario that shows it.
type Finding = campaign::Finding<Scenario>;

/// Writes each finding as it was found, so that it is there whatever shrinking does, and then as
/// small as it gets.
pub(super) fn keep(
    workload: &Ledgers<'_>,
    summary: &Summary,
    out: &Path,
    scratch: &Path,
    budget: u64,
) -> Vec<FindingRecord> {
    let findings = summary.verdict.findings();
    findings
        .iter()
        .map(|finding| keep_one(workload, finding, out, scratch, budget))
        .collect()
}

fn keep_one(
    workload: &Ledgers<'_>,
    finding: &Finding,
    out: &Path,
    scratch: &Path,
    budget: u64,
) -> FindingRecord {
    let mut record = FindingRecord::new(finding, finding.case.transactions() as u64);
    let (run, violation) = (finding.run, &finding.violation);
    let preset = match workload.preset.name() {
        "default" => String::new(),
        name => format!("{name}-"),
    };
    let name = format!(
        "{}-{preset}seed{}-run{}",
        violation.invariant, run.seed, run.run
    );
    let remark = format!(
        "{} after step {}, by {}\n{}\nfound by: {}",
        violation.invariant,
        violation.step,
        violation.subject,
        violation.detail,
        command(workload, finding),
    );
    let whole_path = out.join(format!("{name}.whole.repro"));
    let path = out.join(format!("{name}.repro"));
    let mut write = || {
        Reproducer::new(violation.invariant.name, (*finding.case).clone())
            .write(&whole_path, &remark)?;
        record.whole = Some(whole_path.display().to_string());
        let whole = &*finding.case;
        let shrunk = match violation.invariant {
            // To see of one candidate that it does not end takes as long as the patience lasts.
            invariant if *invariant == FINISHES_IN_TIME => return Ok(()),
            invariant if *invariant == PROCESS_SURVIVES => shrunk_elsewhere(whole, scratch, budget),
            _ => quietly_shrunk(whole, violation, scratch, budget),
        };
        let small = Reproducer::new(violation.invariant.name, shrunk.smallest.clone());
        small.write(&path, &format!("{shrunk}\nbefore that: {remark}"))?;
        record.reproducer = Some(path.display().to_string());
        record.size = shrunk.smallest.transactions() as u64;
        record.shrunk = Some(shrunk.to_string());
        Ok::<(), lockstep_sim::reproducer::ReproducerError>(())
    };
    if let Err(error) = write() {
        complain(format_args!(
            "the reproducer could not be written: {error}; name another folder with --out"
        ));
    }
    record
}

/// The command that does a finding's run again.
fn command(workload: &Ledgers<'_>, finding: &Finding) -> String {
    format!(
        "lockstep run --seed {} --only {} --profile {} --hash-seed {}",
        finding.run.seed, finding.run.run, workload.preset, workload.hash_seed
    )
}

/// Shrinks what takes its process with it: each candidate has a process of its own.
fn shrunk_elsewhere(scenario: &Scenario, scratch: &Path, budget: u64) -> Shrunk {
    let file = scratch.join("candidate.repro");
    shrink::shrink(scenario, PROCESS_SURVIVES.name, budget, &|candidate| {
        let reproducer = Reproducer::new(PROCESS_SURVIVES.name, candidate.clone());
        let is_written = reproducer.write(&file, "").is_ok();
        (is_written && dies_of(&file, scratch)).then(|| PROCESS_SURVIVES.name.to_owned())
    })
}

/// Whether replaying this file takes the process with it.
fn dies_of(file: &Path, folder: &Path) -> bool {
    let Ok(program) = std::env::current_exe() else {
        return false;
    };
    let mut replay = Command::new(program);
    processes::dies(replay.arg("replay").arg(file).arg("--dir").arg(folder))
}

/// A dozen lines about each finding; the verdict of a campaign without any.
pub(super) fn print(workload: &Ledgers<'_>, summary: &Summary, records: &[FindingRecord]) {
    if summary.verdict.findings().is_empty() {
        say(&summary.verdict);
    }
    for (finding, record) in summary.verdict.findings().iter().zip(records) {
        let violation = &finding.violation;
        say(format_args!("violated: {}", violation.invariant));
        say(format_args!(
            "  in         {}, step {}{}",
            finding.run,
            violation.step,
            match finding.times {
                1 => String::new(),
                times => format!("; and in {} more", times - 1),
            }
        ));
        say(format_args!("  by         {}", violation.subject));
        for line in explained(&violation.detail) {
            say(format_args!("  {line}"));
        }
        if let Some(shrunk) = &record.shrunk {
            say(format_args!("  {shrunk}"));
        }
        say(format_args!("  again      {}", command(workload, finding)));
        match (&record.whole, &record.reproducer) {
            (Some(whole), Some(small)) => {
                say(format_args!("  whole      {whole}"));
                say(format_args!("  replay     lockstep replay {small}"));
            }
            (Some(whole), None) => say(format_args!("  replay     lockstep replay {whole}")),
            (None, _) => {}
        }
    }
    if let Some(besides) = &summary.besides {
        say(format_args!("besides, {besides}"));
    }
    if matches!(summary.verdict, Verdict::NotDeterministic { .. }) {
        say("  Nothing else that the harness says can be relied on until this is mended.");
    }
}

/// What was wrong, with what there was and what there should have been under one another, where it
/// says both.
fn explained(detail: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in detail.lines().map(str::trim) {
        let parts = line
            .split_once(": got ")
            .and_then(|(what, rest)| Some((what, rest.rsplit_once(", expected ")?)));
        match parts {
            Some((what, (got, expected))) => lines.extend([
                what.to_owned(),
                format!("got        {got}"),
                format!("expected   {expected}"),
            ]),
            None => lines.push(line.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::explained;

    #[test]
    fn what_there_was_stands_above_what_there_should_have_been() {
        let detail =
            "transaction 8: got Applied { fee: Amount(0) }, expected Rejected(Network)\n  more";
        let expected = [
            "transaction 8",
            "got        Applied { fee: Amount(0) }",
            "expected   Rejected(Network)",
            "more",
        ];
        assert_eq!(explained(detail), expected);
        assert_eq!(explained("17 are gone"), ["17 are gone"]);
    }
}

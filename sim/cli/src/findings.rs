//! What is written and told about findings, whichever command made them.

use std::path::Path;
use std::process::Command;

use lockstep_harness::campaign::{self, Verdict};
use lockstep_harness::finding::{self, Files, Smaller};
use lockstep_harness::invariant::{FINISHES_IN_TIME, PROCESS_SURVIVES};
use lockstep_harness::processes;
use lockstep_harness::reproducer::{Payload, Reproducer};
use lockstep_harness::shards::FindingRecord;
use lockstep_harness::violation::Violation;
use lockstep_sim::campaign::Ledgers;
use lockstep_sim::reproducer::LedgerRun;
use lockstep_sim::scenario::Scenario;
use lockstep_sim::shrink::{self, Shrunk};

use super::kept::{quietly_shrunk, smaller_ledger};
use super::watch::Summary;
use super::{complain, say};

/// A violated invariant and the scenario that shows it.
type Finding = campaign::Finding<Scenario>;

/// Where a finding is written, and what its remarks say beside the violation.
pub(super) struct Note<'n> {
    /// The folder.
    pub(super) out: &'n Path,
    /// The name of the files, without their endings.
    pub(super) name: &'n str,
    /// The step or event after which it showed, and in which run.
    pub(super) place: &'n str,
    /// The command that finds it again.
    pub(super) again: &'n str,
}

/// Writes a finding as it was found and as small as it gets; complains where that is not possible.
pub(super) fn keep<P: Payload>(
    note: &Note<'_>,
    violation: &Violation,
    whole: impl Into<P>,
    shrink: impl FnOnce(&P) -> Option<Smaller<P>>,
) -> Files {
    let remark = format!(
        "{} after {}, by {}\n{}\nfound by: {}",
        violation.invariant, note.place, violation.subject, violation.detail, note.again
    );
    let whole = Reproducer::<P>::new(violation.invariant.name, whole);
    let (files, written) = finding::write(note.out, note.name, &whole, &remark, shrink);
    if let Err(error) = written {
        complain(format_args!(
            "the reproducer could not be written: {error}; name another folder with --out"
        ));
    }
    files
}

/// What is told about a violation.
pub(super) struct Told<'t> {
    /// What is violated, and by what.
    pub(super) violation: &'t Violation,
    /// The step or event after which it showed, and in which run.
    pub(super) place: &'t str,
    /// What else is known, a line each.
    pub(super) more: Vec<String>,
    /// The command that finds it again.
    pub(super) again: Option<String>,
    /// The files that were written.
    pub(super) files: Files,
}

impl<'t> Told<'t> {
    /// A violation of which no more is known.
    pub(super) fn new(violation: &'t Violation, place: &'t str) -> Self {
        Told {
            violation,
            place,
            more: Vec::new(),
            again: None,
            files: Files::default(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("in         {}", self.place),
            format!("by         {}", self.violation.subject),
        ];
        lines.extend(explained(&self.violation.detail));
        lines.extend(self.more.iter().cloned());
        lines.extend(self.files.shrunk.clone());
        lines.extend(self.again.iter().map(|again| format!("again      {again}")));
        if let (Some(whole), Some(_)) = (&self.files.whole, &self.files.small) {
            lines.push(format!("whole      {whole}"));
        }
        let smallest = self.files.smallest();
        lines.extend(smallest.map(|file| format!("replay     lockstep replay {file}")));
        lines
    }
}

/// A dozen lines about a violation.
pub(super) fn print(told: &Told<'_>) {
    say(format_args!("violated: {}", told.violation.invariant));
    for line in told.lines() {
        say(format_args!("  {line}"));
    }
}

/// Writes each finding of a campaign.
pub(super) fn keep_all(
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
    let note = Note {
        out,
        name: &name,
        place: &format!("step {}", violation.step),
        again: &command(workload, finding),
    };
    let whole = (*finding.case).clone();
    let files = keep(&note, violation, whole, |whole: &LedgerRun| {
        let shrunk = match violation.invariant {
            // To see of one candidate that it does not end takes as long as the patience lasts.
            invariant if *invariant == FINISHES_IN_TIME => return None,
            invariant if *invariant == PROCESS_SURVIVES => {
                shrunk_elsewhere(&whole.scenario, scratch, budget)
            }
            _ => quietly_shrunk(&whole.scenario, violation, scratch, budget),
        };
        record.size = shrunk.smallest.transactions() as u64;
        Some(smaller_ledger(shrunk))
    });
    record.whole = files.whole;
    record.reproducer = files.small;
    record.shrunk = files.shrunk;
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
        let reproducer = Reproducer::<LedgerRun>::new(PROCESS_SURVIVES.name, candidate.clone());
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
pub(super) fn print_all(workload: &Ledgers<'_>, summary: &Summary, records: &[FindingRecord]) {
    if summary.verdict.findings().is_empty() {
        say(&summary.verdict);
    }
    for (finding, record) in summary.verdict.findings().iter().zip(records) {
        let violation = &finding.violation;
        let times = match finding.times {
            1 => String::new(),
            times => format!("; and in {} more", times - 1),
        };
        let place = format!("{}, step {}{times}", finding.run, violation.step);
        print(&Told {
            again: Some(command(workload, finding)),
            files: Files {
                whole: record.whole.clone(),
                small: record.reproducer.clone(),
                shrunk: record.shrunk.clone(),
            },
            ..Told::new(violation, &place)
        });
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
    use lockstep_harness::invariant::NEVER_PANICS;

    use super::*;

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

    #[test]
    fn a_finding_is_told_with_the_command_and_the_files_that_show_it_again() {
        let violation = Violation::of(&NEVER_PANICS, 3, "canary", "17 are gone");
        let told = Told {
            more: vec!["found by   a scheduler".to_owned()],
            again: Some("lockstep run --seed 1".to_owned()),
            files: Files {
                whole: Some("a.whole.repro".to_owned()),
                small: Some("a.repro".to_owned()),
                shrunk: Some("shrunk from 9 to 1".to_owned()),
            },
            ..Told::new(&violation, "run 1 of seed 1, step 3")
        };
        let expected = [
            "in         run 1 of seed 1, step 3",
            "by         canary",
            "17 are gone",
            "found by   a scheduler",
            "shrunk from 9 to 1",
            "again      lockstep run --seed 1",
            "whole      a.whole.repro",
            "replay     lockstep replay a.repro",
        ];
        assert_eq!(told.lines(), expected);
        let whole_alone = Files {
            small: None,
            ..told.files.clone()
        };
        let told = Told {
            files: whole_alone,
            ..told
        };
        assert_eq!(
            told.lines().last().map(String::as_str),
            Some("replay     lockstep replay a.whole.repro")
        );
    }
}

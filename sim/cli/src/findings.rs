//! Reproducers and texts of findings, for every command.

use std::path::Path;
use std::process::Command;

use lockstep_bugs::injected::InjectedBug;
use lockstep_harness::campaign;
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
use super::progress::Summary;
use super::report::{Fact, of_seed, pair, say_second_verdict, say_verdict};
use super::{complain, say};

/// A violated invariant and the scenario that shows it.
type Finding = campaign::Finding<Scenario>;

/// File name of a finding, and the remarks in its reproducers.
pub(super) struct FindingNote<'n> {
    /// The folder.
    pub(super) out: &'n Path,
    /// Name of the files, without their extensions.
    pub(super) name: &'n str,
    /// Run, and step or event, in which it was found, in words.
    pub(super) place: &'n str,
    /// Command that finds it again.
    pub(super) reproduce: &'n str,
    /// Id of the seeded bug that `--inject-bug` gave to the subject.
    pub(super) seeded_bug: Option<&'static str>,
}

/// Writes the reproducers of a finding, unshrunk and shrunk; prints an error if that fails.
pub(super) fn keep<P: Payload>(
    note: &FindingNote<'_>,
    violation: &Violation,
    whole: impl Into<P>,
    shrink: impl FnOnce(&P) -> Option<Smaller<P>>,
) -> Files {
    let remark = format!(
        "{} violated in {} by {}\n{}\nreproduce: {}",
        violation.invariant, note.place, violation.subject, violation.detail, note.reproduce
    );
    let whole =
        Reproducer::<P>::new(violation.invariant.name, whole).with_seeded_bug(note.seeded_bug);
    let (files, written) = finding::write(note.out, note.name, &whole, &remark, shrink);
    if let Err(error) = written {
        complain(format_args!(
            "the reproducer could not be written: {error}; name another folder with --out"
        ));
    }
    files
}

/// A violation with everything that is printed about it.
pub(super) struct FindingText<'t> {
    /// The violation.
    pub(super) violation: &'t Violation,
    /// Run, and step or event, in which it was found.
    pub(super) place: Vec<Fact>,
    /// Further facts, e.g. the schedule.
    pub(super) more: Vec<Fact>,
    /// Command that finds it again.
    pub(super) reproduce: Option<String>,
    /// The files that were written.
    pub(super) files: Files,
}

impl<'t> FindingText<'t> {
    /// A violation without further facts.
    pub(super) fn new(violation: &'t Violation, place: Vec<Fact>) -> Self {
        FindingText {
            violation,
            place,
            more: Vec::new(),
            reproduce: None,
            files: Files::default(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut facts = self.place.clone();
        facts.push(("subject", self.violation.subject.clone()));
        facts.extend(explained(&self.violation.detail));
        facts.extend(self.more.iter().cloned());
        if let Some(shrunk) = &self.files.shrunk {
            let shrunk = shrunk.strip_prefix("shrunk ").unwrap_or(shrunk);
            facts.push(("shrunk", shrunk.to_owned()));
        }
        facts.extend(
            self.reproduce
                .iter()
                .map(|command| ("reproduce", command.clone())),
        );
        if let (Some(unshrunk), Some(_)) = (&self.files.unshrunk, &self.files.small) {
            facts.push(("unshrunk", unshrunk.clone()));
        }
        let smallest = self.files.smallest();
        let replay = smallest.map(|file| format!("lockstep replay {file}"));
        facts.extend(replay.map(|command| ("replay", command)));
        let lines = facts.iter().map(|(key, value)| pair(key, value));
        lines.collect()
    }
}

/// Prints a violation in about a dozen lines.
pub(super) fn print(text: &FindingText<'_>) {
    say(format_args!("violated: {}", text.violation.invariant));
    for line in text.lines() {
        say(format_args!("  {line}"));
    }
}

/// Writes the reproducers of each finding of a campaign.
pub(super) fn keep_all(
    workload: &Ledgers<'_>,
    bug: Option<&InjectedBug>,
    summary: &Summary,
    out: &Path,
    scratch: &Path,
    budget: u64,
) -> Vec<FindingRecord> {
    let findings = summary.verdict.findings();
    findings
        .iter()
        .map(|finding| keep_one(workload, bug, finding, out, scratch, budget))
        .collect()
}

fn keep_one(
    workload: &Ledgers<'_>,
    bug: Option<&InjectedBug>,
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
    let note = FindingNote {
        out,
        name: &name,
        place: &format!("step {}", violation.step),
        reproduce: &command(workload, bug, finding),
        seeded_bug: bug.map(InjectedBug::id),
    };
    let whole = (*finding.case).clone();
    let files = keep(&note, violation, whole, |whole: &LedgerRun| {
        let shrunk = match violation.invariant {
            // Each candidate that hangs takes the whole run timeout.
            invariant if *invariant == FINISHES_IN_TIME => return None,
            invariant if *invariant == PROCESS_SURVIVES => {
                shrunk_in_processes(&whole.scenario, scratch, budget)
            }
            _ => quietly_shrunk(&whole.scenario, violation, workload.subjects, budget),
        };
        record.size = shrunk.smallest.transactions() as u64;
        Some(smaller_ledger(shrunk))
    });
    record.unshrunk = files.unshrunk;
    record.reproducer = files.small;
    record.shrunk = files.shrunk;
    record
}

/// Command that repeats the run of a finding.
fn command(workload: &Ledgers<'_>, bug: Option<&InjectedBug>, finding: &Finding) -> String {
    let injected = bug.map(|bug| format!(" --inject-bug {}", bug.id()));
    format!(
        "lockstep run --seed {} --only {} --preset {} --hash-seed {}{}",
        finding.run.seed,
        finding.run.run,
        workload.preset,
        workload.hash_seed,
        injected.unwrap_or_default()
    )
}

/// Shrinks a scenario that ends its process, with a process for each candidate.
fn shrunk_in_processes(scenario: &Scenario, scratch: &Path, budget: u64) -> Shrunk {
    let file = scratch.join("candidate.repro");
    shrink::shrink(scenario, PROCESS_SURVIVES.name, budget, &|candidate| {
        let reproducer = Reproducer::<LedgerRun>::new(PROCESS_SURVIVES.name, candidate.clone());
        let is_written = reproducer.write(&file, "").is_ok();
        (is_written && replay_dies(&file, scratch)).then(|| PROCESS_SURVIVES.name.to_owned())
    })
}

/// Returns whether replaying this file ends the process.
fn replay_dies(file: &Path, folder: &Path) -> bool {
    let Ok(program) = std::env::current_exe() else {
        return false;
    };
    let mut replay = Command::new(program);
    processes::dies(replay.arg("replay").arg(file).arg("--dir").arg(folder))
}

/// Prints each finding; without any, the verdict of the campaign.
pub(super) fn print_all(
    workload: &Ledgers<'_>,
    bug: Option<&InjectedBug>,
    summary: &Summary,
    records: &[FindingRecord],
) {
    if summary.verdict.findings().is_empty() {
        say_verdict(&summary.verdict);
    }
    for (finding, record) in summary.verdict.findings().iter().zip(records) {
        let violation = &finding.violation;
        let mut run = of_seed(finding.run);
        if finding.times > 1 {
            run.push_str(&format!(" (the first of {} runs)", finding.times));
        }
        let place = vec![("run", run), ("step", violation.step.to_string())];
        print(&FindingText {
            reproduce: Some(command(workload, bug, finding)),
            files: Files {
                unshrunk: record.unshrunk.clone(),
                small: record.reproducer.clone(),
                shrunk: record.shrunk.clone(),
            },
            ..FindingText::new(violation, place)
        });
    }
    say_second_verdict(summary);
}

/// Facts of a violation's detail; of a line with "got" and "expected", one fact each.
fn explained(detail: &str) -> Vec<Fact> {
    let mut facts = Vec::new();
    for line in detail.lines().map(str::trim) {
        if let Some(engine) = line.strip_prefix("found by ") {
            facts.push(("found by", engine.trim().to_owned()));
            continue;
        }
        let key = if facts.is_empty() { "detail" } else { "" };
        let parts = line
            .split_once(": got ")
            .and_then(|(place, rest)| Some((place, rest.rsplit_once(", expected ")?)));
        match parts {
            Some((place, (got, expected))) => facts.extend([
                (key, place.to_owned()),
                ("got", got.to_owned()),
                ("expected", expected.to_owned()),
            ]),
            None => facts.push((key, line.to_owned())),
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use lockstep_harness::invariant::NEVER_PANICS;

    use super::*;

    #[test]
    fn got_stands_above_expected() {
        let detail = "transaction 8: got Applied { fee: Amount(0) }, expected Rejected(Network)\n  \
                      more\n  found by   random";
        let expected = [
            ("detail", "transaction 8"),
            ("got", "Applied { fee: Amount(0) }"),
            ("expected", "Rejected(Network)"),
            ("", "more"),
            ("found by", "random"),
        ];
        let expected = expected.map(|(key, value)| (key, value.to_owned()));
        assert_eq!(explained(detail), expected);
        let alone = [("detail", "17 are gone".to_owned())];
        assert_eq!(explained("17 are gone"), alone);
    }

    #[test]
    fn a_finding_is_printed_with_the_command_and_the_files_that_reproduce_it() {
        let violation = Violation::of(&NEVER_PANICS, 3, "canary", "17 are gone");
        let text = FindingText {
            more: vec![("scheduler", "random".to_owned())],
            reproduce: Some("lockstep run --seed 1".to_owned()),
            files: Files {
                unshrunk: Some("a.unshrunk.repro".to_owned()),
                small: Some("a.repro".to_owned()),
                shrunk: Some("shrunk from 9 to 1".to_owned()),
            },
            ..FindingText::new(&violation, vec![("step", "3".to_owned())])
        };
        let expected = [
            "step          3",
            "subject       canary",
            "detail        17 are gone",
            "scheduler     random",
            "shrunk        from 9 to 1",
            "reproduce     lockstep run --seed 1",
            "unshrunk      a.unshrunk.repro",
            "replay        lockstep replay a.repro",
        ];
        assert_eq!(text.lines(), expected);
        let unshrunk_alone = Files {
            small: None,
            ..text.files.clone()
        };
        let text = FindingText {
            files: unshrunk_alone,
            ..text
        };
        assert_eq!(
            text.lines().last().map(String::as_str),
            Some("replay        lockstep replay a.unshrunk.repro")
        );
    }
}

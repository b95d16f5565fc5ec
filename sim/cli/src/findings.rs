//! Reproducers and texts of findings, for every command.

use std::path::Path;

use lockstep_bugs::injected::InjectedBug;
use lockstep_harness::campaign::{self, RunId, Workload as _};
use lockstep_harness::finding::{self, Files, Smaller};
use lockstep_harness::reproducer::{Payload, Reproducer, ReproducerError};
use lockstep_harness::shards::{FindingRecord, Record};
use lockstep_harness::violation::Violation;
use lockstep_sim::campaign::Ledgers;
use lockstep_sim::reproducer::LedgerRun;
use lockstep_sim::scenario::Scenario;

use super::kept::{quietly_shrunk, shrunk_in_processes, smaller_ledger};
use super::report::{Fact, LedgerSummary, as_line, of_seed, say_facts, say_pair, say_violation};
use super::searching::{Output, Searching};
use super::{complain, in_processes, interrupt, say};

/// A violated invariant and the scenario that shows it.
type Finding = campaign::Finding<Scenario>;

/// A violation, and everything that its report and its files say about it.
pub(super) struct FindingNote<'n> {
    /// The violation.
    pub(super) violation: &'n Violation,
    /// The run of the campaign that showed it.
    pub(super) run: RunId,
    /// Run, and step or event, in which it was found.
    pub(super) place: Vec<Fact>,
    /// Number of transactions of the run.
    pub(super) transactions: usize,
    /// Command that finds it again.
    pub(super) reproduce: String,
    /// Folder of the files.
    pub(super) out: &'n Path,
    /// Name of the files, without their extensions.
    pub(super) name: String,
    /// Id of the seeded bug that `--inject-bug` gave to the subject.
    pub(super) seeded_bug: Option<&'static str>,
    /// True if its JSON record was printed when it was found.
    pub(super) is_announced: bool,
}

/// A smaller run, and facts about it for the report.
pub(super) type SmallerWithFacts<P> = (Smaller<P>, Vec<Fact>);

impl FindingNote<'_> {
    /// The comments at the head of its files.
    fn remark(&self) -> String {
        let (violation, place) = (self.violation, self.place.last());
        let place = place.map_or(String::new(), |(unit, number)| {
            format!(" in {unit} {number}")
        });
        format!(
            "{} violated{place} by {}\n{}\nreproduce: {}",
            violation.invariant, violation.subject, violation.detail, self.reproduce
        )
    }

    fn whole<P: Payload>(&self, payload: impl Into<P>) -> Reproducer<P> {
        Reproducer::<P>::new(self.violation.invariant.name, payload)
            .with_seeded_bug(self.seeded_bug)
    }

    /// Writes the whole run; returns its path, or prints an error.
    fn write_whole<P: Payload>(&self, whole: &Reproducer<P>) -> Option<String> {
        let written = finding::write_whole(self.out, &self.name, whole, &self.remark());
        written.map_err(complain_of_file).ok()
    }

    /// Writes the whole run and prints its JSON record, before it is shrunk.
    pub(super) fn announce<P: Payload>(&self, payload: impl Into<P>, output: Output) {
        let unshrunk = self.write_whole(&self.whole::<P>(payload));
        self.say_found(unshrunk.as_deref(), output);
    }

    /// Writes the reproducer of the whole run and prints the finding with it, then shrinks the run,
    /// writes the smaller one and prints it. `shrink` returns `None` if there is no smaller run.
    pub(super) fn report<P: Payload>(
        &self,
        payload: impl Into<P>,
        output: Output,
        shrink: impl FnOnce(&P, &Searching) -> Option<SmallerWithFacts<P>>,
    ) -> Files {
        let whole = self.whole::<P>(payload);
        let mut files = Files {
            unshrunk: self.write_whole(&whole),
            ..Files::default()
        };
        if !(self.is_announced && output.is_json()) {
            self.say_found(files.unshrunk.as_deref(), output);
        }
        // A run that could not be kept is not shrunk.
        if files.unshrunk.is_none() {
            return files;
        }
        let shrunk = match interrupt::is_interrupted() {
            true => None,
            false => shrink(&whole.payload, &Searching::new(output)),
        };
        let Some((smaller, facts)) = shrunk else {
            if interrupt::is_interrupted() && !output.is_json() {
                say_pair("shrunk", "not at all: interrupted");
            }
            return files;
        };
        files.shrunk = Some(smaller.shrunk.clone());
        let small = finding::write_small(self.out, &self.name, &whole, smaller, &self.remark());
        files.small = small.map_err(complain_of_file).ok();
        if !output.is_json() {
            say_shrunk(&files, &facts);
        }
        files
    }

    fn say_found(&self, unshrunk: Option<&str>, output: Output) {
        if output.is_json() {
            let mut record =
                FindingRecord::first(self.run, self.violation, self.transactions as u64);
            record.unshrunk = unshrunk.map(str::to_owned);
            say(as_line(&Record::Finding(record)));
        } else {
            say_violation(self.violation, &self.place, &self.commands(unshrunk));
        }
    }

    /// The commands that execute the whole run again.
    fn commands(&self, unshrunk: Option<&str>) -> Vec<Fact> {
        let mut commands = vec![("reproduce", self.reproduce.clone())];
        commands.extend(unshrunk.map(replay));
        commands
    }
}

fn complain_of_file(error: ReproducerError) {
    complain(format_args!(
        "the reproducer could not be written: {error}; name another folder with --out"
    ));
}

/// Command that executes the run of a file.
fn replay(file: &str) -> Fact {
    ("replay", format!("lockstep replay {file}"))
}

/// Prints the result of shrinking, facts about the smaller run, and the command that executes it.
pub(super) fn say_shrunk(files: &Files, facts: &[Fact]) {
    if let Some(shrunk) = &files.shrunk {
        say_pair("shrunk", shrunk.strip_prefix("shrunk ").unwrap_or(shrunk));
    }
    say_facts(facts);
    if let Some(small) = &files.small {
        say_facts(&[replay(small)]);
    }
}

/// The findings of a campaign of ledgers: their files and their reports.
#[derive(Clone, Copy)]
pub(super) struct LedgerFindings<'f> {
    /// The workload.
    pub(super) workload: &'f Ledgers<'f>,
    /// The seeded bug of its subject.
    pub(super) bug: Option<&'f InjectedBug>,
    /// Folder of the files.
    pub(super) out: &'f Path,
}

impl LedgerFindings<'_> {
    /// Keeps and announces a finding of a campaign that may go on; returns the command that replays it.
    pub(super) fn announce(&self, run: RunId, violation: &Violation, output: Output) {
        let case = self.workload.draw(run).1;
        let note = self.note(run, violation, &case, 1);
        note.announce::<LedgerRun>(case, output);
    }

    /// Reports each finding of a campaign that has ended, and shrinks it.
    pub(super) fn report_all(
        &self,
        summary: &LedgerSummary,
        output: Output,
        scratch: &Path,
        budget: u64,
    ) -> Vec<FindingRecord> {
        let findings = summary.verdict.findings().iter();
        findings
            .map(|finding| self.report(finding, output, scratch, budget))
            .collect()
    }

    fn report(
        &self,
        finding: &Finding,
        output: Output,
        scratch: &Path,
        budget: u64,
    ) -> FindingRecord {
        let mut record = FindingRecord::new(finding, finding.case.transactions() as u64);
        let violation = &finding.violation;
        let note = self.note(finding.run, violation, &finding.case, finding.times);
        let whole = (*finding.case).clone();
        let files = note.report(whole, output, |whole: &LedgerRun, searching| {
            let budget = searching.budget(budget);
            let shrunk = match in_processes::needs_process(violation.invariant) {
                true => shrunk_in_processes(
                    &whole.scenario,
                    violation.invariant,
                    note.seeded_bug,
                    scratch,
                    budget,
                )?,
                false => quietly_shrunk(&whole.scenario, violation, self.workload.subjects, budget),
            };
            record.size = shrunk.smallest.transactions() as u64;
            Some((smaller_ledger(shrunk), Vec::new()))
        });
        record.unshrunk = files.unshrunk;
        record.reproducer = files.small;
        record.shrunk = files.shrunk;
        record
    }

    fn note<'n>(
        &'n self,
        run: RunId,
        violation: &'n Violation,
        case: &Scenario,
        times: u64,
    ) -> FindingNote<'n> {
        let preset = match self.workload.preset.name() {
            "default" => String::new(),
            name => format!("{name}-"),
        };
        let mut of_run = of_seed(run);
        if times > 1 {
            of_run.push_str(&format!(" (the first of {times} runs)"));
        }
        FindingNote {
            violation,
            run,
            place: vec![("run", of_run), ("step", violation.step.to_string())],
            transactions: case.transactions(),
            reproduce: self.command(run),
            out: self.out,
            name: format!(
                "{}-{preset}seed{}-run{}",
                violation.invariant, run.seed, run.run
            ),
            seeded_bug: self.bug.map(InjectedBug::id),
            is_announced: true,
        }
    }

    /// Command that repeats the run of a finding.
    fn command(&self, run: RunId) -> String {
        let injected = self.bug.map(|bug| format!(" --inject-bug {}", bug.id()));
        format!(
            "lockstep run --seed {} --only {} --preset {} --hash-seed {}{}",
            run.seed,
            run.run,
            self.workload.preset,
            self.workload.hash_seed,
            injected.unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use lockstep_harness::choice::Seeded;
    use lockstep_harness::invariant::NEVER_PANICS;
    use lockstep_sim::generate::{self, Size};

    use super::*;

    #[test]
    fn a_finding_is_kept_with_the_commands_that_reproduce_it() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let violation = Violation::of(&NEVER_PANICS, 3, "canary", "17 are gone");
        let note = FindingNote {
            violation: &violation,
            run: RunId { seed: 1, run: 2 },
            place: vec![("step", "3".to_owned())],
            transactions: 9,
            reproduce: "lockstep run --seed 1".to_owned(),
            out: folder.path(),
            name: "a".to_owned(),
            seeded_bug: None,
            is_announced: false,
        };
        let expected = "never-panics violated in step 3 by canary\n17 are gone\n\
                        reproduce: lockstep run --seed 1";
        assert_eq!(note.remark(), expected);
        let commands = note.commands(Some("a.unshrunk.repro"));
        let expected = [
            ("reproduce", "lockstep run --seed 1"),
            ("replay", "lockstep replay a.unshrunk.repro"),
        ];
        assert_eq!(
            commands,
            expected.map(|(key, value)| (key, value.to_owned()))
        );
        let (_, whole) = generate::scenario(&mut Seeded::new(1, 0), Size::SMALL);
        let path = folder.path().join("a.unshrunk.repro");
        let files = note.report(whole.clone(), Output::Json, |payload: &LedgerRun, _| {
            assert_eq!(payload.scenario, whole);
            assert!(
                path.exists(),
                "the whole run is written before it is shrunk"
            );
            None
        });
        assert_eq!(files.unshrunk.as_deref(), path.to_str());
        assert_eq!((files.small, files.shrunk), (None, None));
    }
}

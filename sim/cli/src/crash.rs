//! `lockstep crash`: power loss at disk calls of block commits.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::builder::{BoolishValueParser, PossibleValuesParser, TypedValueParser as _};
use clap::{Args, value_parser};
use lockstep_bugs::injected::InjectedBug;
use lockstep_harness::campaign::{self, Enough, Plan, Runs, Summary, Unwatched};
use lockstep_harness::exit::ExitCode;
use lockstep_harness::violation::Violation;
use lockstep_sim::campaign::{CoreSubjects, SubjectFactory};
use lockstep_sim::coverage::totals;
use lockstep_sim::crash::{self, Chain, ChainSize, CrashBug, Crashes, Report, Unrecovered};
use lockstep_sim::faulty;
use lockstep_sim::reproducer::{LedgerRun, Reproducer};
use lockstep_sim::scenario::Scenario;
use lockstep_sim::shrink::BUDGET;
use lockstep_sim::subject::Execution;
use serde_json::{Value, json};

use super::findings::{self, FindingNote, FindingText};
use super::kept::{quietly_shrunk, smaller_ledger};
use super::{check_environment, complain, say, scratch_folder, values};

#[derive(Debug, Args)]
pub(super) struct Crash {
    /// Draw everything from this seed: a number, or a commit
    #[arg(long, env = "LOCKSTEP_CRASH_SEED", default_value = "1", value_parser = values::seed)]
    seed: u64,
    /// Simulate power loss at every disk call of a block of N transactions, 1 to 1000
    #[arg(long, env = "LOCKSTEP_CRASH_TRANSACTIONS", value_name = "N", default_value_t = 20, value_parser = value_parser!(u16).range(1..=1_000))]
    transactions: u16,
    /// Simulate power loss at drawn disk calls of N blocks, in place of every call of one block
    #[arg(long, env = "LOCKSTEP_CRASH_BLOCKS", value_name = "N", conflicts_with = "transactions", value_parser = value_parser!(u64).range(1..))]
    blocks: Option<u64>,
    /// Judge core on a disk or a storage with this seeded bug, executed serially
    #[arg(long, env = "LOCKSTEP_CRASH_INJECT_BUG", value_name = "ID", conflicts_with = "blocks", value_parser = seeded_bug())]
    inject_bug: Option<CrashBug>,
    /// Write the reproducers of findings to this folder
    #[arg(
        long,
        env = "LOCKSTEP_CRASH_OUT",
        value_name = "FOLDER",
        default_value = "reproducers"
    )]
    out: PathBuf,
    /// Try at most N candidates when a finding is shrunk
    #[arg(long, env = "LOCKSTEP_CRASH_BUDGET", value_name = "N", default_value_t = BUDGET)]
    budget: u64,
    /// Print one JSON record in place of text
    #[arg(long, env = "LOCKSTEP_CRASH_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

fn seeded_bug() -> impl clap::builder::TypedValueParser<Value = CrashBug> {
    PossibleValuesParser::new(CrashBug::ALL.map(CrashBug::id))
        .map(|id| CrashBug::named(&id).expect("only the id of a seeded bug is possible"))
}

/// Verdict of a campaign of drawn crashes.
type Verdict = campaign::Verdict<Scenario>;

/// Result of the command: its verdict, exit code and JSON fields.
struct CrashOutcome {
    name: &'static str,
    detail: String,
    exit_code: ExitCode,
    /// True if the verdict has been printed.
    is_told: bool,
    record: Value,
}

impl Crash {
    pub(super) fn execute(self) -> ExitCode {
        if let Err(error) = check_environment() {
            complain(error);
            return ExitCode::Usage;
        }
        self.say(self.command());
        let begun = Instant::now();
        let verdict = match self.blocks {
            None => self.every_call(),
            Some(blocks) => self.drawn_calls(blocks),
        };
        if self.json {
            let mut record = json!({
                "kind": "crash",
                "seed": self.seed,
                "verdict": verdict.name,
                "exit_code": verdict.exit_code,
                "detail": verdict.detail,
                "seconds": begun.elapsed().as_secs_f64(),
            });
            if let (Some(record), Value::Object(more)) = (record.as_object_mut(), verdict.record) {
                record.extend(more);
            }
            say(record);
        } else if verdict.is_told {
            // The finding was printed when it was written.
        } else if verdict.detail.is_empty() {
            say(verdict.name);
        } else {
            say(format_args!("{}: {}", verdict.name, verdict.detail));
        }
        verdict.exit_code
    }

    /// Command that repeats this one.
    fn command(&self) -> String {
        match self.blocks {
            None => format!(
                "lockstep crash --seed {} --transactions {}{}",
                self.seed,
                self.transactions,
                self.inject_bug
                    .map(|bug| format!(" --inject-bug {bug}"))
                    .unwrap_or_default()
            ),
            Some(blocks) => format!("lockstep crash --seed {} --blocks {blocks}", self.seed),
        }
    }

    fn say(&self, line: impl std::fmt::Display) {
        if !self.json {
            say(line);
        }
    }

    /// Prints the crash rate to standard error, because standard output is the same in every run.
    fn say_how_fast(&self, crashes: u64, took: Duration) {
        if !self.json {
            complain(format_args!(
                "{crashes} crashes in {:.1} s, {:.0} a second",
                took.as_secs_f64(),
                crashes as f64 / took.as_secs_f64()
            ));
        }
    }

    fn every_call(&self) -> CrashOutcome {
        let size = ChainSize {
            transactions: usize::from(self.transactions),
            ..ChainSize::DEFAULT
        };
        let chain = Chain::drawn(self.seed, size);
        self.say(format_args!("  drawn      {chain}"));
        if let Err(verdict) = self.self_check() {
            return verdict;
        }
        let begun = Instant::now();
        let (mut crashes, mut records) = (0, Vec::new());
        for execution in [
            Execution::Serial,
            Execution::ParallelValidation(2),
            Execution::Graph(2),
        ] {
            let explored = match self.inject_bug {
                Some(bug) => bug.every_crash(&chain),
                None => crash::every_crash(&chain, execution),
            };
            let report = match explored {
                Ok(report) => report,
                Err(Unrecovered::Found(found)) => {
                    let name = format!("crash-seed{}", self.seed);
                    return self.violated(&name, &found.violation, &found.reproducer);
                }
                Err(Unrecovered::NotTaken(reason)) => return infrastructure(reason),
            };
            self.say(format_args!("  {execution}: {report}"));
            crashes += report.all_crashes();
            records.push(record(execution, &report));
            if report.is_vacuous() {
                return CrashOutcome {
                    name: "vacuous",
                    detail: format!("{execution}: no crash came to both sides of the commit"),
                    exit_code: ExitCode::Vacuous,
                    is_told: false,
                    record: json!({ "every_call": records }),
                };
            }
        }
        self.say_how_fast(crashes, begun.elapsed());
        passed(json!({ "every_call": records, "crashes": crashes }))
    }

    /// Checks that every seeded bug is detected, each in a chain of its own.
    fn self_check(&self) -> Result<(), CrashOutcome> {
        for bug in CrashBug::ALL {
            match bug.check(self.seed) {
                Ok(point) => self.say(format_args!("  planted    {bug}: caught, {point}")),
                Err(failed) => return Err(self.ended(&Verdict::SelfCheckFailed(failed), json!({}))),
            }
        }
        Ok(())
    }

    /// Converts the verdict of a campaign without findings.
    fn ended(&self, verdict: &Verdict, record: Value) -> CrashOutcome {
        let text = verdict.to_string();
        let detail = text.strip_prefix(verdict.name()).unwrap_or(&text);
        CrashOutcome {
            name: verdict.name(),
            detail: detail.strip_prefix(": ").unwrap_or(detail).to_owned(),
            exit_code: verdict.exit_code(),
            is_told: false,
            record,
        }
    }

    fn drawn_calls(&self, blocks: u64) -> CrashOutcome {
        self.say(format_args!(
            "  on trial   core on a simulated disk, {}; the power goes during every step",
            faulty::EXECUTIONS
                .map(|execution| execution.to_string())
                .join(" and ")
        ));
        if let Err(verdict) = self.self_check() {
            return verdict;
        }
        let begun = Instant::now();
        let plan = Plan {
            enough: Enough::Totals(vec![(totals::BLOCKS, blocks)]),
            is_self_checked: false,
            ..Plan::of(Runs::OfSeed(self.seed))
        };
        let summary = campaign::run(&plan, &Crashes, &mut Unwatched);
        let took = begun.elapsed();
        let record = self.say_drawn(&summary);
        match summary.verdict.findings() {
            [] => {}
            [finding, ..] => {
                let name = format!("crash-seed{}-run{}", self.seed, finding.run.run);
                let violation = &finding.violation;
                let whole = Reproducer::new(violation.invariant.name, (*finding.case).clone());
                return self.violated(&name, violation, &whole);
            }
        }
        if summary.verdict == Verdict::Passed {
            self.say_how_fast(summary.coverage.of_group("crash"), took);
        }
        self.ended(&summary.verdict, record)
    }

    fn say_drawn(&self, summary: &Summary<Scenario>) -> Value {
        let coverage = &summary.coverage;
        let [blocks, transactions] =
            [totals::BLOCKS, totals::TRANSACTIONS].map(|of| coverage.total(of));
        let crashes = coverage.of_group("crash");
        self.say(format_args!(
            "  taken      {blocks} blocks, {transactions} transactions, in {} ledgers",
            summary.runs
        ));
        self.say(format_args!("  crashes    {crashes}"));
        for group in ["crash", "lost", "failed"] {
            let events: Vec<String> = coverage
                .events()
                .filter_map(|(event, count)| {
                    let event = event.strip_prefix(group)?.strip_prefix(": ")?;
                    Some(format!("{event} {count}"))
                })
                .collect();
            self.say(format_args!("  {group:<10} {}", events.join(", ")));
        }
        self.say(format_args!("  digest     {}", summary.digest));
        json!({
            "runs": summary.runs,
            "blocks": blocks,
            "transactions": transactions,
            "crashes": crashes,
            "digest": summary.digest.to_string(),
        })
    }

    /// Writes the reproducers of a finding and prints it.
    fn violated(&self, name: &str, violation: &Violation, whole: &Reproducer) -> CrashOutcome {
        let scratch = match scratch_folder(None) {
            Ok(folder) => folder,
            Err(reason) => return infrastructure(reason),
        };
        let (place, reproduce) = (format!("step {}", violation.step), self.command());
        let note = FindingNote {
            out: &self.out,
            name,
            place: &place,
            reproduce: &reproduce,
        };
        let injected = self.inject_bug.and_then(|bug| InjectedBug::named(bug.id()));
        let files = findings::keep(
            &note,
            violation,
            whole.payload.clone(),
            |whole: &LedgerRun| {
                let core = CoreSubjects {
                    folder: scratch.path().to_path_buf(),
                };
                let subjects: &dyn SubjectFactory = match &injected {
                    Some(bug) => bug,
                    None => &core,
                };
                let shrunk = quietly_shrunk(&whole.scenario, violation, subjects, self.budget);
                Some(smaller_ledger(shrunk))
            },
        );
        let record = json!({
            "reproducer": files.small,
            "whole": files.whole,
            "shrunk": files.shrunk,
        });
        if !self.json {
            findings::print(&FindingText {
                reproduce: Some(reproduce),
                files,
                injected: self.inject_bug.map(CrashBug::id),
                ..FindingText::new(violation, &place)
            });
        }
        CrashOutcome {
            name: "violated",
            detail: format!(
                "{} in step {}, by {}\n  {}",
                violation.invariant, violation.step, violation.subject, violation.detail
            ),
            exit_code: violation.exit_code(),
            is_told: true,
            record,
        }
    }
}

fn record(execution: Execution, report: &Report) -> Value {
    json!({
        "execution": execution.to_string(),
        "calls": report.calls,
        "crashes": report.crashes,
        "before": report.before,
        "after": report.after,
        "again": report.again,
        "continued": report.continued,
    })
}

fn passed(record: Value) -> CrashOutcome {
    CrashOutcome {
        name: "passed",
        detail: String::new(),
        exit_code: ExitCode::Passed,
        is_told: false,
        record,
    }
}

fn infrastructure(detail: String) -> CrashOutcome {
    CrashOutcome {
        name: "infrastructure",
        detail,
        exit_code: ExitCode::Infrastructure,
        is_told: false,
        record: json!({}),
    }
}

//! `lockstep crash`: power loss at disk calls of block commits.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::builder::{BoolishValueParser, PossibleValuesParser, TypedValueParser as _};
use clap::{Args, value_parser};
use lockstep_bugs::injected::InjectedBug;
use lockstep_harness::campaign::{self, Enough, Plan, RunId, Runs, Summary};
use lockstep_harness::exit::ExitCode;
use lockstep_harness::violation::Violation;
use lockstep_sim::campaign::{CoreSubjects, SubjectFactory};
use lockstep_sim::coverage::{SYSTEM, totals};
use lockstep_sim::crash::{self, Chain, ChainSize, CrashBug, Crashes, LOSSES, Report, Unrecovered};
use lockstep_sim::faulty;
use lockstep_sim::reproducer::{LedgerRun, Reproducer};
use lockstep_sim::scenario::Scenario;
use lockstep_sim::shrink::BUDGET;
use lockstep_sim::subject::Execution;
use serde_json::{Value, json};

use super::findings::FindingNote;
use super::interrupt::UntilInterrupted;
use super::kept::{quietly_shrunk, smaller_ledger};
use super::report::{not_detected, pair, say_coverage, say_pair};
use super::searching::Output;
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
    /// Inject this seeded bug into the disk or the storage of core, executed serially
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
    /// Try at most N candidates when a finding is shrunk; a large one counts once for each 64 transactions
    #[arg(long, env = "LOCKSTEP_CRASH_BUDGET", value_name = "N", default_value_t = BUDGET)]
    budget: u64,
    /// Print a JSON record for a finding and one for the verdict, in place of text
    #[arg(long, env = "LOCKSTEP_CRASH_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

/// A seeded bug that single ledgers have as well, so that its findings can be shrunk and replayed.
fn seeded_bug() -> impl clap::builder::TypedValueParser<Value = CrashBug> {
    let bugs = CrashBug::ALL.into_iter().map(CrashBug::id);
    PossibleValuesParser::new(bugs.filter(|id| InjectedBug::named(id).is_some()))
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
    is_printed: bool,
    /// Number of crashes of a campaign that passed, and its duration.
    rate: Option<(u64, Duration)>,
    record: Value,
}

impl Crash {
    pub(super) fn execute(self) -> ExitCode {
        if let Err(error) = check_environment() {
            complain(error);
            return ExitCode::Usage;
        }
        if !self.json {
            say(self.command());
        }
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
        } else if verdict.is_printed {
            // The finding was printed when it was written.
        } else if verdict.detail.is_empty() {
            say(verdict.name);
        } else {
            say(verdict.name);
            say_pair("detail", &verdict.detail);
        }
        self.say_time(verdict.rate);
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

    fn say_pair(&self, key: &str, value: impl std::fmt::Display) {
        if !self.json {
            say_pair(key, value);
        }
    }

    /// Prints the crash rate to standard error, because standard output is the same in every run.
    fn say_time(&self, rate: Option<(u64, Duration)>) {
        if let Some((crashes, took)) = rate
            && !self.json
        {
            let seconds = took.as_secs_f64();
            let rate = crashes as f64 / seconds.max(0.001);
            let value = format!("{seconds:.1} s, {rate:.0} crashes/s");
            let _ = writeln!(std::io::stderr(), "  {}", pair("time", value));
        }
    }

    fn every_call(&self) -> CrashOutcome {
        let size = ChainSize {
            transactions: usize::from(self.transactions),
            ..ChainSize::DEFAULT
        };
        let chain = Chain::drawn(self.seed, size);
        self.say_pair("chain", &chain);
        if let Err(verdict) = self.self_check() {
            return verdict;
        }
        let begun = Instant::now();
        let (mut crashes, mut records) = (0, Vec::new());
        let executions: &[Execution] = match self.inject_bug {
            // What has the bug is below the executor.
            Some(_) => &[Execution::Serial],
            None => &[
                Execution::Serial,
                Execution::ParallelValidation(2),
                Execution::Graph(2),
            ],
        };
        let name = format!("crash-seed{}", self.seed);
        let run = RunId {
            seed: self.seed,
            run: 0,
        };
        for &execution in executions {
            let explored = match self.inject_bug {
                Some(bug) => bug.every_crash(&chain),
                None => crash::every_crash(&chain, execution),
            };
            let report = match explored {
                Ok(report) => report,
                Err(Unrecovered::Found(found)) => {
                    return self.violated(&name, run, &found.violation, &found.reproducer);
                }
                Err(Unrecovered::NotAccepted(found)) => {
                    return self.violated(&name, run, &found.violation, &found.reproducer);
                }
            };
            self.say_report(execution, &report);
            crashes += report.all_crashes();
            records.push(record(execution, &report));
            if report.is_vacuous() {
                return CrashOutcome {
                    name: "vacuous",
                    detail: format!(
                        "{execution}: the crashes did not recover to both sides of the commit"
                    ),
                    exit_code: ExitCode::Vacuous,
                    is_printed: false,
                    rate: None,
                    record: json!({ "every_call": records }),
                };
            }
        }
        if let Some(bug) = self.inject_bug {
            let failed = not_detected(bug.id(), format!("nothing in {crashes} crashes"));
            let record = json!({ "every_call": records, "crashes": crashes });
            return self.ended(&Verdict::SelfCheckFailed(failed), record);
        }
        CrashOutcome {
            rate: Some((crashes, begun.elapsed())),
            ..passed(json!({ "every_call": records, "crashes": crashes }))
        }
    }

    /// Checks that every seeded bug is detected, each in a chain of its own.
    fn self_check(&self) -> Result<(), CrashOutcome> {
        for bug in CrashBug::ALL {
            match bug.check(self.seed) {
                Ok(point) => self.say_pair("seeded bug", format_args!("{bug} detected: {point}")),
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
            is_printed: false,
            rate: None,
            record,
        }
    }

    fn say_report(&self, execution: Execution, report: &Report) {
        let kinds = report.of_kind.iter();
        let kinds: Vec<String> = kinds
            .map(|(kind, number)| format!("{kind:?} {number}").to_lowercase())
            .collect();
        self.say_pair("execution", execution);
        self.say_pair(
            "disk calls",
            format_args!("{}: {}", report.calls, kinds.join(", ")),
        );
        self.say_pair(
            "crashes",
            format_args!(
                "{} different disk images, {} kinds of loss per call",
                report.crashes,
                LOSSES.len()
            ),
        );
        self.say_pair(
            "recovered",
            format_args!(
                "{} to the ledger before the block, {} to the ledger after it",
                report.before, report.after
            ),
        );
        self.say_pair(
            "second crash",
            format_args!(
                "{} while a crashed ledger was opened",
                report.second_crashes
            ),
        );
        self.say_pair(
            "continued",
            format_args!("{} blocks added after recovery", report.continued),
        );
    }

    fn drawn_calls(&self, blocks: u64) -> CrashOutcome {
        let subjects = faulty::EXECUTIONS.map(|execution| format!("core on disk ({execution})"));
        self.say_pair("subjects", subjects.join(", "));
        self.say_pair("reference", "oracle, after every step");
        self.say_pair("faults", "a power loss during every step");
        if let Err(verdict) = self.self_check() {
            return verdict;
        }
        let begun = Instant::now();
        let plan = Plan {
            enough: Enough::Totals(vec![(totals::BLOCKS, blocks)]),
            is_self_checked: false,
            ..Plan::of(Runs::OfSeed(self.seed))
        };
        let summary = campaign::run(&plan, &Crashes, &mut UntilInterrupted::new());
        let took = begun.elapsed();
        let record = self.say_drawn(&summary);
        match summary.verdict.findings() {
            [] => {}
            [finding, ..] => {
                let name = format!("crash-seed{}-run{}", self.seed, finding.run.run);
                let violation = &finding.violation;
                let whole = Reproducer::new(violation.invariant.name, (*finding.case).clone());
                return self.violated(&name, finding.run, violation, &whole);
            }
        }
        let crashes = summary.coverage.of_group("crash");
        CrashOutcome {
            rate: (summary.verdict == Verdict::Passed).then_some((crashes, took)),
            ..self.ended(&summary.verdict, record)
        }
    }

    fn say_drawn(&self, summary: &Summary<Scenario>) -> Value {
        let coverage = &summary.coverage;
        let [blocks, transactions] =
            [totals::BLOCKS, totals::TRANSACTIONS].map(|of| coverage.total(of));
        let crashes = coverage.of_group("crash");
        if !self.json {
            say_pair("runs", summary.runs);
            say_pair("blocks", format_args!("{blocks} accepted"));
            say_pair("transactions", transactions);
            say_pair("crashes", crashes);
            say_coverage(coverage, SYSTEM, "ledger");
            if !summary.digest.is_of_nothing() {
                say_pair("digest", summary.digest);
            }
        }
        json!({
            "runs": summary.runs,
            "blocks": blocks,
            "transactions": transactions,
            "crashes": crashes,
            "digest": summary.digest.to_string(),
        })
    }

    /// Writes the reproducers of a finding and prints it.
    fn violated(
        &self,
        name: &str,
        run: RunId,
        violation: &Violation,
        whole: &Reproducer,
    ) -> CrashOutcome {
        let scratch = match scratch_folder(None) {
            Ok(folder) => folder,
            Err(reason) => return infrastructure(reason),
        };
        let note = FindingNote {
            violation,
            run,
            place: vec![("step", violation.step.to_string())],
            transactions: whole.payload.scenario.transactions(),
            reproduce: self.command(),
            out: &self.out,
            name: name.to_owned(),
            seeded_bug: self.inject_bug.map(CrashBug::id),
            is_announced: false,
        };
        let injected = self.inject_bug.and_then(|bug| InjectedBug::named(bug.id()));
        let (output, whole) = (Output::of(self.json, false), whole.payload.clone());
        let files = note.report(whole, output, |whole: &LedgerRun, searching| {
            let core = CoreSubjects {
                folder: scratch.path().to_path_buf(),
            };
            let subjects: &dyn SubjectFactory = match &injected {
                Some(bug) => bug,
                None => &core,
            };
            let budget = searching.budget(self.budget);
            let shrunk = quietly_shrunk(&whole.scenario, violation, subjects, budget);
            Some((smaller_ledger(shrunk), Vec::new()))
        });
        let record = json!({
            "reproducer": files.small,
            "unshrunk": files.unshrunk,
            "shrunk": files.shrunk,
        });
        CrashOutcome {
            name: "violated",
            detail: format!(
                "{} in step {} by {}\n  {}",
                violation.invariant, violation.step, violation.subject, violation.detail
            ),
            exit_code: violation.exit_code(),
            is_printed: true,
            rate: None,
            record,
        }
    }
}

fn record(execution: Execution, report: &Report) -> Value {
    json!({
        "execution": execution.to_string(),
        "disk_calls": report.calls,
        "crashes": report.crashes,
        "recovered_before": report.before,
        "recovered_after": report.after,
        "second_crashes": report.second_crashes,
        "blocks_added": report.continued,
    })
}

fn passed(record: Value) -> CrashOutcome {
    CrashOutcome {
        name: "passed",
        detail: String::new(),
        exit_code: ExitCode::Passed,
        is_printed: false,
        rate: None,
        record,
    }
}

fn infrastructure(detail: String) -> CrashOutcome {
    CrashOutcome {
        name: "infrastructure",
        detail,
        exit_code: ExitCode::Infrastructure,
        is_printed: false,
        rate: None,
        record: json!({}),
    }
}

//! `lockstep stress`: times of one large block in every execution mode, and a mixed block behind it.

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::builder::{BoolishValueParser, PossibleValuesParser, TypedValueParser as _};
use clap::{Args, value_parser};
use lockstep_bugs::injected::InjectedBug;
use lockstep_core::config::{MAX_WORKERS, ParallelConfig};
use lockstep_core::model::{Genesis, Network};
use lockstep_harness::campaign::RunId;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::finding::Files;
use lockstep_harness::violation::{Failure, Violation};
use lockstep_harness::watchdog::{Silence, watch};
use lockstep_sim::campaign::{CoreSubjects, SubjectFactory, WORKER_NOTES};
use lockstep_sim::conflict_pattern::ConflictPattern;
use lockstep_sim::reproducer::LedgerRun;
use lockstep_sim::scenario::Scenario;
use lockstep_sim::shrink::BUDGET;
use lockstep_sim::stress::{self, Mixed, NotTimed, Phase, Report, Signatures, StressPlan, Timing};
use lockstep_sim::subject::{Core, Execution, Subject, SubjectError};
use serde_json::{Value, json};

use super::findings::FindingNote;
use super::kept::{quietly_judged, quietly_shrunk, shrunk_in_processes, smaller_ledger};
use super::report::{say_pair, say_violation};
use super::searching::Output;
use super::{check_environment, complain, in_processes, say, scratch_folder, values};

/// Largest accepted ratio of the time of an adversarial block to that of an independent one.
const MOST_TIMES_BASELINE: f64 = 4.0;

#[derive(Clone, Debug, Args)]
pub(super) struct Stress {
    /// Execute a block of N transactions, 1 to 65535, and as many of every kind in a second one
    #[arg(long, env = "LOCKSTEP_STRESS_TXS", value_name = "N", default_value_t = 10_000, value_parser = value_parser!(u16).range(1..))]
    txs: u16,
    /// Draw the parties from N accounts, 2 to 131072 [default: as many as the pattern can use]
    #[arg(long, env = "LOCKSTEP_STRESS_ACCOUNTS", value_name = "N", value_parser = value_parser!(u32).range(2..=131_072))]
    accounts: Option<u32>,
    /// Draw senders and recipients by this conflict pattern
    #[arg(long, env = "LOCKSTEP_STRESS_PATTERN", default_value = "zipf", value_parser = pattern())]
    pattern: ConflictPattern,
    /// Execute with N threads, 1 to 256 [default: one per core]
    #[arg(long, env = "LOCKSTEP_STRESS_WORKERS", value_name = "N", value_parser = value_parser!(u16).range(1..=MAX_WORKERS as i64))]
    workers: Option<u16>,
    /// Draw everything from this seed: a number, or a commit
    #[arg(long, env = "LOCKSTEP_STRESS_SEED", default_value = "1", value_parser = values::seed)]
    seed: u64,
    /// Verify signatures within the measured time
    #[arg(long, env = "LOCKSTEP_STRESS_SIGNED", value_name = "BOOL", num_args = 0..=1, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    signed: bool,
    /// Verify signatures before the measured time, as with --signed false
    #[arg(long, env = "LOCKSTEP_STRESS_UNSIGNED", value_parser = BoolishValueParser::new(), conflicts_with = "signed")]
    unsigned: bool,
    /// Execute the block on core, serial, and on a ledger with this seeded bug (ids: `lockstep bugs --list`)
    #[arg(long, env = "LOCKSTEP_STRESS_INJECT_BUG", value_name = "ID", value_parser = values::injected_bug(), hide_possible_values = true)]
    inject_bug: Option<InjectedBug>,
    /// Write the reproducers of findings to this folder
    #[arg(
        long,
        env = "LOCKSTEP_STRESS_OUT",
        value_name = "FOLDER",
        default_value = "reproducers"
    )]
    out: PathBuf,
    /// Try at most N candidates when a finding is shrunk; a large one counts once for each 64 transactions
    #[arg(long, env = "LOCKSTEP_STRESS_BUDGET", value_name = "N", default_value_t = BUDGET)]
    budget: u64,
    /// Report the run as a finding (finishes-in-time) if it is silent for this time: no operation of it ends
    /// and no worker gets on
    #[arg(long, env = "LOCKSTEP_STRESS_RUN_TIMEOUT", value_name = "DURATION", default_value = values::RUN_TIMEOUT, value_parser = values::duration)]
    run_timeout: Duration,
    /// Print a JSON record for a finding and one for the verdict, in place of text
    #[arg(long, env = "LOCKSTEP_STRESS_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

/// Results of all parts of a stress run.
struct Measured {
    report: Report,
    baseline: Option<Report>,
    /// `None` after a failure of one of the others.
    mixed: Option<Result<Mixed, NotTimed>>,
}

fn pattern() -> impl clap::builder::TypedValueParser<Value = ConflictPattern> {
    PossibleValuesParser::new(ConflictPattern::ALL.map(ConflictPattern::name))
        .map(|name| ConflictPattern::named(&name).expect("only the name of a pattern is possible"))
}

impl Stress {
    pub(super) fn execute(self) -> ExitCode {
        if let Err(error) = check_environment() {
            complain(error);
            return ExitCode::Usage;
        }
        let least = self.pattern.least_accounts();
        if self.accounts.is_some_and(|accounts| accounts < least) {
            complain(format_args!(
                "pattern {} needs {least} accounts or more; raise --accounts",
                self.pattern
            ));
            return ExitCode::Usage;
        }
        let plan = self.plan(self.pattern);
        if !self.json {
            say(self.command(&plan));
        }
        let stress = self.clone();
        let is_mixed = Arc::new(AtomicBool::new(false));
        let is_silent_in_mixed = Arc::clone(&is_mixed);
        let report = move |silence: Silence| {
            // The block goes on, or rather does not: its thread cannot be ended.
            let violation = silence.violation();
            let scenario = match is_silent_in_mixed.load(Ordering::Relaxed) {
                true => plan.mixed_scenario(),
                false => plan.scenario(),
            };
            stress.violated(&plan, scenario, &violation);
            process::exit(violation.exit_code().number().into())
        };
        // What is done about a finding afterwards is not the block's time.
        let measured = watch(self.run_timeout, WORKER_NOTES, report, || {
            self.measure(&plan, &is_mixed)
        });
        self.report(&plan, &measured)
    }

    /// Executes the block, for an adversarial one an independent one as its baseline, and the mixed run.
    fn measure(&self, plan: &StressPlan, is_mixed: &AtomicBool) -> Measured {
        let report = match &self.inject_bug {
            Some(bug) => stress::run_on(plan, &|genesis, hash_seed| {
                let serial = Core::executed(Execution::Serial, genesis, hash_seed)?;
                let serial = Box::new(serial) as Box<dyn Subject>;
                Ok(vec![serial, bug.subject(genesis, hash_seed, None)?])
            }),
            None => stress::run(plan),
        };
        // The cost of an attack is measured against that of ordinary transactions.
        let baseline = (self.pattern == ConflictPattern::Adversarial)
            .then(|| stress::run(&self.plan(ConflictPattern::Independent)));
        is_mixed.store(true, Ordering::Relaxed);
        let has_failed = |report: &Report| report.outcome.is_err();
        let mixed =
            (!has_failed(&report) && !baseline.as_ref().is_some_and(has_failed)).then(|| {
                stress::run_mixed(plan, &|genesis, hash_seed| {
                    self.subjects(plan, genesis, hash_seed)
                })
            });
        Measured {
            report,
            baseline,
            mixed,
        }
    }

    /// Creates the subjects of the mixed run: core in each execution mode, or a ledger with the seeded bug,
    /// alone as its reproducer is replayed and shrunk.
    fn subjects(
        &self,
        plan: &StressPlan,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
        match &self.inject_bug {
            Some(bug) => Ok(vec![bug.subject(genesis, hash_seed, None)?]),
            None => stress::on_every_mode(plan.workers, genesis, hash_seed),
        }
    }

    /// Prints the reports, and writes a finding.
    fn report(&self, plan: &StressPlan, measured: &Measured) -> ExitCode {
        let Measured {
            report,
            baseline,
            mixed,
        } = measured;
        let of_a_pattern = [Some(report), baseline.as_ref()]
            .into_iter()
            .flatten()
            .find_map(|report| report.outcome.as_ref().err())
            .map(|failure| self.named(plan, failure.clone()));
        let of_the_mixed_run = || mixed.clone().and_then(Result::err);
        let scenario = match of_a_pattern {
            Some(_) => StressPlan::scenario,
            None => StressPlan::mixed_scenario,
        };
        let failure = of_a_pattern.or_else(of_the_mixed_run);
        let failure = failure.as_ref();
        let (verdict, detail, exit_code) = match (&self.inject_bug, failure) {
            (Some(bug), None) => (
                "self-check failed",
                format!("{} was not detected in this block", bug.id()),
                ExitCode::Unreliable,
            ),
            (_, failure) => verdict(failure),
        };
        if self.json {
            let files = match failure {
                Some(NotTimed::Failed(Failure::Violation(violation))) => {
                    self.violated(plan, scenario(plan), violation)
                }
                _ => Files::default(),
            };
            say(json!({
                "kind": "stress",
                "pattern": plan.pattern.name(),
                "transactions": plan.transactions,
                "accounts": plan.accounts,
                "workers": plan.workers,
                "seed": plan.seed,
                "signed": plan.signatures == Signatures::Verified,
                "measured": record(report),
                "baseline": baseline.as_ref().map(record),
                "mixed": mixed.as_ref().and_then(|mixed| mixed.as_ref().ok()).map(record_mixed),
                "peak_memory_kib": peak_memory_kib(),
                "verdict": verdict,
                "exit_code": exit_code,
                "detail": detail,
                "reproducer": files.small,
                "unshrunk": files.unshrunk,
                "shrunk": files.shrunk,
            }));
            return exit_code;
        }
        print(plan, report);
        if let Some(baseline) = baseline {
            say_pair("baseline", "the same options with the pattern independent");
            print(&self.plan(ConflictPattern::Independent), baseline);
            compare(report, baseline);
        }
        if let Some(Ok(mixed)) = mixed {
            print_mixed(mixed);
        }
        match peak_memory_kib() {
            Some(kib) => say_pair(
                "peak memory",
                format_args!("{} MiB, harness and oracle included", kib.div_ceil(1024)),
            ),
            None => say_pair("peak memory", "unknown"),
        }
        match failure {
            Some(NotTimed::Failed(Failure::Violation(violation))) => {
                self.violated(plan, scenario(plan), violation);
            }
            _ => {
                say(verdict);
                if !detail.is_empty() {
                    say_pair("detail", detail);
                }
            }
        }
        exit_code
    }

    /// The same failure, or the violation that a trial of the block finds: it asks for more than the result,
    /// so that the invariant which names the defect comes first.
    fn named(&self, plan: &StressPlan, failure: NotTimed) -> NotTimed {
        let NotTimed::Failed(Failure::Violation(_)) = &failure else {
            return failure;
        };
        let Ok(scratch) = scratch_folder(None) else {
            return failure;
        };
        let core = CoreSubjects {
            folder: scratch.path().to_path_buf(),
        };
        let subjects: &dyn SubjectFactory = match &self.inject_bug {
            Some(bug) => bug,
            None => &core,
        };
        match quietly_judged(&plan.scenario(), subjects) {
            Some(violation) => NotTimed::Failed(violation.into()),
            None => failure,
        }
    }

    /// Writes and prints a finding as the run that showed it, whole and shrunk.
    fn violated(&self, plan: &StressPlan, scenario: Scenario, violation: &Violation) -> Files {
        let scratch = match scratch_folder(None) {
            Ok(folder) => folder,
            Err(reason) => {
                complain(reason);
                say_violation(violation, &[], &[]);
                return Files::default();
            }
        };
        let core = CoreSubjects {
            folder: scratch.path().to_path_buf(),
        };
        let subjects: &dyn SubjectFactory = match &self.inject_bug {
            Some(bug) => bug,
            None => &core,
        };
        let needs_process = in_processes::needs_process(violation.invariant);
        let seeded_bug = self.inject_bug.as_ref().map(InjectedBug::id);
        let note = FindingNote {
            violation,
            run: RunId {
                seed: self.seed,
                run: 0,
            },
            place: vec![("step", violation.step.to_string())],
            transactions: scenario.transactions(),
            reproduce: self.command(plan),
            out: &self.out,
            name: format!("stress-{}-seed{}", violation.invariant, self.seed),
            seeded_bug,
            is_announced: false,
        };
        let output = Output::of(self.json, false);
        note.report(scenario, output, |whole: &LedgerRun, searching| {
            let budget = searching.budget(self.budget);
            let scenario = &whole.scenario;
            let shrunk = match needs_process {
                true => {
                    let invariant = violation.invariant;
                    shrunk_in_processes(scenario, invariant, seeded_bug, scratch.path(), budget)?
                }
                false => quietly_shrunk(scenario, violation, subjects, budget),
            };
            Some((smaller_ledger(shrunk), Vec::new()))
        })
    }

    /// Command that repeats this one.
    fn command(&self, plan: &StressPlan) -> String {
        format!(
            "lockstep stress --txs {} --accounts {} --pattern {} --workers {} --seed {}{}{}",
            plan.transactions,
            plan.accounts,
            plan.pattern,
            plan.workers,
            plan.seed,
            match plan.signatures {
                Signatures::Verified => "",
                Signatures::KnownToHold => " --unsigned",
            },
            self.inject_bug
                .map(|bug| format!(" --inject-bug {}", bug.id()))
                .unwrap_or_default()
        )
    }

    fn plan(&self, pattern: ConflictPattern) -> StressPlan {
        let most = pattern
            .most_accounts(self.txs)
            .max(pattern.least_accounts());
        StressPlan {
            pattern,
            transactions: self.txs,
            accounts: self.accounts.unwrap_or(most),
            workers: self.workers.map_or_else(
                || ParallelConfig::for_network(Network::Mainnet).workers(),
                usize::from,
            ),
            seed: self.seed,
            signatures: if self.unsigned || !self.signed {
                Signatures::KnownToHold
            } else {
                Signatures::Verified
            },
        }
    }
}

/// Name of the verdict, its detail and its exit code, for a failure or for none.
fn verdict(failure: Option<&NotTimed>) -> (&'static str, String, ExitCode) {
    match failure {
        None => ("passed", String::new(), ExitCode::Passed),
        Some(NotTimed::Failed(Failure::Violation(violation))) => (
            "violated",
            format!(
                "{} by {}\n  {}",
                violation.invariant, violation.subject, violation.detail
            ),
            violation.exit_code(),
        ),
        Some(NotTimed::Vacuous(reason)) => ("vacuous", reason.clone(), ExitCode::Vacuous),
        Some(NotTimed::Failed(Failure::Infrastructure(reason))) => {
            ("infrastructure", reason.clone(), ExitCode::Infrastructure)
        }
    }
}

fn print(plan: &StressPlan, report: &Report) {
    let transactions = f64::from(plan.transactions);
    say_pair("transactions", plan.transactions);
    say_pair("parties", format_args!("{} accounts", report.parties));
    say_pair(
        "signatures",
        match plan.signatures {
            Signatures::Verified => "verified within the measured time",
            Signatures::KnownToHold => "verified before the measured time",
        },
    );
    say_pair(
        "graph",
        format_args!(
            "{} levels, {} transactions in the widest, {:.1} on average",
            report.levels,
            report.widest,
            transactions / report.levels as f64
        ),
    );
    say_pair(
        "applied",
        format_args!(
            "{:.2} % of the transactions",
            100.0 * report.applied as f64 / transactions
        ),
    );
    let Ok(timings) = &report.outcome else {
        return;
    };
    let rounds = match report.rounds {
        1 => "one round".to_owned(),
        rounds => format!("median of {rounds} rounds"),
    };
    let head = format!("{rounds:<36} {:>9} {:>8} {:>8}", "ms", "ns/tx", "speed-up");
    say_pair("time", head);
    for timing in timings {
        say(format_args!(
            "    {:<48} {:>9.1} {:>8.0} {:>8.2}",
            timing.path,
            millis(timing.took),
            nanos_each(timing, plan.transactions),
            speedup(timing, timings),
        ));
    }
    for timing in timings.iter().filter(|timing| !timing.phases.is_empty()) {
        let phases: Vec<String> = timing.phases.iter().map(describe).collect();
        say_pair("phases in ms", &timing.path);
        say(format_args!("    {}", phases.join(", ")));
    }
}

fn print_mixed(mixed: &Mixed) {
    say_pair(
        "mixed run",
        format_args!(
            "every kind of transaction in a second block, undone and added again; {} blocks, {} rewind, \
             {} transactions applied, {} rejected",
            mixed.blocks, mixed.rewinds, mixed.applied, mixed.rejected
        ),
    );
}

fn record_mixed(mixed: &Mixed) -> Value {
    json!({
        "blocks": mixed.blocks,
        "rewinds": mixed.rewinds,
        "applied": mixed.applied,
        "rejected": mixed.rejected,
    })
}

fn describe(phase: &Phase) -> String {
    format!("{} {:.1}", phase.name, millis(phase.took))
}

/// Prints the ratio of the times on each path. Both blocks have the same number of transactions.
fn compare(adversarial: &Report, independent: &Report) {
    let (Ok(adversarial), Ok(independent)) = (&adversarial.outcome, &independent.outcome) else {
        return;
    };
    for (adversarial, independent) in adversarial.iter().zip(independent) {
        let ratio = adversarial.took.as_secs_f64() / independent.took.as_secs_f64();
        let verdict = match ratio <= MOST_TIMES_BASELINE {
            true => "within",
            false => "ABOVE",
        };
        say_pair(
            "ratio",
            format_args!(
                "{ratio:.2} times the baseline, {verdict} the limit of {MOST_TIMES_BASELINE}: {}",
                adversarial.path
            ),
        );
    }
}

fn record(report: &Report) -> Value {
    let paths = report.outcome.as_ref().ok().map(|timings| {
        timings
            .iter()
            .map(|timing| {
                let phases: Vec<Value> = timing
                    .phases
                    .iter()
                    .map(|phase| json!({"phase": phase.name, "ms": millis(phase.took)}))
                    .collect();
                json!({
                    "path": timing.path,
                    "ms": millis(timing.took),
                    "speedup": speedup(timing, timings),
                    "phases": phases,
                })
            })
            .collect::<Vec<Value>>()
    });
    json!({
        "parties": report.parties,
        "levels": report.levels,
        "widest_level": report.widest,
        "applied": report.applied,
        "rounds": report.rounds,
        "paths": paths,
    })
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

fn nanos_each(timing: &Timing, transactions: u16) -> f64 {
    timing.took.as_secs_f64() * 1e9 / f64::from(transactions)
}

/// Speed-up over the first timing, which is serial.
fn speedup(timing: &Timing, timings: &[Timing]) -> f64 {
    let serial = timings.first().map_or(timing.took, |first| first.took);
    serial.as_secs_f64() / timing.took.as_secs_f64()
}

/// Peak resident memory of this process in KiB; `None` on systems without `/proc/self/status`.
fn peak_memory_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use lockstep_sim::canary::{Canary, CanaryBug};
    use lockstep_sim::subject::Subject;

    use super::*;

    #[test]
    fn a_buggy_subject_is_reported_and_exits_with_10() {
        let plan = StressPlan {
            pattern: ConflictPattern::Zipf,
            transactions: 20,
            accounts: 5,
            workers: 1,
            seed: 1,
            signatures: Signatures::Verified,
        };
        let report = stress::run_on(&plan, &|genesis, _| {
            let canary = Canary::new(genesis, CanaryBug::FeeMisreported)?;
            Ok(vec![Box::new(canary) as Box<dyn Subject>])
        });
        let (verdict, detail, exit_code) = verdict(report.outcome.as_ref().err());
        assert_eq!((verdict, exit_code), ("violated", ExitCode::Differs));
        assert!(
            detail.starts_with("same-as-serial by canary\n  transaction 19: got"),
            "{detail}"
        );
    }
}

//! `lockstep crash`: the power goes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::builder::BoolishValueParser;
use clap::{Args, value_parser};
use lockstep_harness::exit::ExitCode;
use lockstep_harness::violation::Violation;
use lockstep_sim::crash::{self, Chain, Failed, Planted, Report, Sampled, Shape, Unrecovered};
use lockstep_sim::faulty;
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::shrink::BUDGET;
use lockstep_sim::subject::Execution;
use serde_json::{Value, json};

use super::shrink::quietly_shrunk;
use super::{check_environment, complain, say, scratch_folder, values};

/// Exit code where a planted defect was not seen.
/// Exit code where nothing was put to the test.

#[derive(Debug, Args)]
pub(super) struct Crash {
    /// Decides everything that is drawn: a number, or a commit
    #[arg(long, env = "LOCKSTEP_CRASH_SEED", default_value = "1", value_parser = values::seed)]
    seed: u64,
    /// Transactions in the block in every call of which the power goes
    #[arg(long, env = "LOCKSTEP_CRASH_TRANSACTIONS", value_name = "N", default_value_t = 20, value_parser = value_parser!(u16).range(1..=1_000))]
    transactions: u16,
    /// In place of every call of one block: calls that are drawn, in each of so many blocks
    #[arg(long, env = "LOCKSTEP_CRASH_BLOCKS", value_name = "N", conflicts_with = "transactions", value_parser = value_parser!(u64).range(1..))]
    blocks: Option<u64>,
    /// Where a reproducer is written if something is found
    #[arg(long, env = "LOCKSTEP_CRASH_OUT", default_value = "reproducers")]
    out: PathBuf,
    /// Try at most so many smaller runs if something is found
    #[arg(long, env = "LOCKSTEP_CRASH_BUDGET", value_name = "N", default_value_t = BUDGET)]
    budget: u64,
    /// Print one JSON record in place of text
    #[arg(long, env = "LOCKSTEP_CRASH_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

/// How the command ends.
struct Verdict {
    name: &'static str,
    detail: String,
    exit_code: ExitCode,
    record: Value,
}

impl Crash {
    pub(super) fn execute(self) -> ExitCode {
        if let Err(error) = check_environment() {
            complain(error);
            return ExitCode::Usage;
        }
        self.say(match self.blocks {
            None => format!(
                "lockstep crash --seed {} --transactions {}",
                self.seed, self.transactions
            ),
            Some(blocks) => format!("lockstep crash --seed {} --blocks {blocks}", self.seed),
        });
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
        } else if verdict.detail.is_empty() {
            say(verdict.name);
        } else {
            say(format_args!("{}: {}", verdict.name, verdict.detail));
        }
        verdict.exit_code
    }

    fn say(&self, line: impl std::fmt::Display) {
        if !self.json {
            say(line);
        }
    }

    /// On standard error: what is printed otherwise is the same each time.
    fn say_how_fast(&self, crashes: u64, took: Duration) {
        if !self.json {
            complain(format_args!(
                "{crashes} crashes in {:.1} s, {:.0} a second",
                took.as_secs_f64(),
                crashes as f64 / took.as_secs_f64()
            ));
        }
    }

    fn every_call(&self) -> Verdict {
        let shape = Shape {
            transactions: usize::from(self.transactions),
            ..Shape::DEFAULT
        };
        let chain = Chain::drawn(self.seed, shape);
        self.say(format_args!("  drawn      {chain}"));
        if let Err(verdict) = self.sees_what_is_planted() {
            return verdict;
        }
        let begun = Instant::now();
        let (mut crashes, mut records) = (0, Vec::new());
        for execution in [
            Execution::Serial,
            Execution::SpreadChecks(2),
            Execution::Graph(2),
        ] {
            let report = match crash::every_crash(&chain, execution) {
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
                return Verdict {
                    name: "vacuous",
                    detail: format!("{execution}: no crash came to both sides of the commit"),
                    exit_code: ExitCode::Vacuous,
                    record: json!({ "every_call": records }),
                };
            }
        }
        self.say_how_fast(crashes, begun.elapsed());
        passed(json!({ "every_call": records, "crashes": crashes }))
    }

    /// Lets the judge look at what it must not miss, in a chain of its own.
    fn sees_what_is_planted(&self) -> Result<(), Verdict> {
        let chain = Chain::drawn(self.seed, Shape::SMALL);
        for planted in Planted::ALL {
            let outcome = planted.every_crash(&chain);
            match outcome {
                Err(Unrecovered::Found(found))
                    if found.violation.invariant == Planted::CAUGHT_BY =>
                {
                    self.say(format_args!(
                        "  planted    {planted}: caught, {}",
                        found.point
                    ));
                }
                other => {
                    return Err(Verdict {
                        name: "blind",
                        detail: format!(
                            "{planted} must be caught by {}\n  {other:?}",
                            Planted::CAUGHT_BY
                        ),
                        exit_code: ExitCode::Unreliable,
                        record: json!({}),
                    });
                }
            }
        }
        Ok(())
    }

    fn drawn_calls(&self, blocks: u64) -> Verdict {
        self.say(format_args!(
            "  on trial   core on a simulated disk, {}; the power goes during every step",
            faulty::EXECUTIONS
                .map(|execution| execution.to_string())
                .join(" and ")
        ));
        if let Err(verdict) = self.sees_what_is_planted() {
            return verdict;
        }
        let begun = Instant::now();
        let sampled = crash::sampled(self.seed, blocks, |_, _| {});
        let took = begun.elapsed();
        let record = self.say_sampled(&sampled);
        match &sampled.outcome {
            Ok(()) => {}
            Err(Failed::Infrastructure(reason)) => return infrastructure(reason.clone()),
            Err(Failed::Found {
                run,
                violation,
                reproducer,
            }) => {
                let name = format!("crash-seed{}-run{run}", self.seed);
                return self.violated(&name, violation, reproducer);
            }
        }
        self.say_how_fast(sampled.crashes(), took);
        let missing = sampled.missing();
        // A handful of blocks is asked for by hand, and not for everything.
        if blocks >= 100 && !missing.is_empty() {
            return Verdict {
                name: "vacuous",
                detail: format!("never reached: {}", missing.join(", ")),
                exit_code: ExitCode::Vacuous,
                record,
            };
        }
        passed(record)
    }

    fn say_sampled(&self, sampled: &Sampled) -> Value {
        let tally = &sampled.tally;
        self.say(format_args!(
            "  taken      {} blocks, {} transactions, in {} ledgers",
            tally.blocks, tally.transactions, sampled.runs
        ));
        self.say(format_args!("  crashes    {}", sampled.crashes()));
        for group in ["crash", "lost", "failed"] {
            let events: Vec<String> = tally
                .events()
                .filter_map(|(event, count)| {
                    let event = event.strip_prefix(group)?.strip_prefix(": ")?;
                    Some(format!("{event} {count}"))
                })
                .collect();
            self.say(format_args!("  {group:<10} {}", events.join(", ")));
        }
        self.say(format_args!("  digest     {}", sampled.digest));
        json!({
            "runs": sampled.runs,
            "blocks": tally.blocks,
            "transactions": tally.transactions,
            "crashes": sampled.crashes(),
            "digest": sampled.digest.to_string(),
        })
    }

    fn violated(&self, name: &str, violation: &Violation, whole: &Reproducer) -> Verdict {
        let what = format!(
            "{} in step {}, by {}\n  {}",
            violation.invariant, violation.step, violation.subject, violation.detail
        );
        let kept = match self.keep(name, &what, violation, whole) {
            Ok(kept) => kept,
            Err(reason) => {
                complain(reason);
                String::new()
            }
        };
        Verdict {
            name: "violated",
            detail: what + &kept,
            exit_code: violation.exit_code,
            record: json!({}),
        }
    }

    /// Writes the run as it was found, and as small as it gets. Says where.
    fn keep(
        &self,
        name: &str,
        remark: &str,
        violation: &Violation,
        whole: &Reproducer,
    ) -> Result<String, String> {
        let write = |reproducer: &Reproducer, path: &Path, remark: &str| {
            reproducer.write(path, remark).map_err(|error| {
                format!(
                    "the reproducer could not be written: {error}; name another folder with --out"
                )
            })
        };
        let whole_path = self.out.join(format!("{name}.whole.repro"));
        write(whole, &whole_path, remark)?;
        let folder = scratch_folder(None)?;
        let shrunk = quietly_shrunk(&whole.scenario, violation, folder.path(), self.budget);
        let small = Reproducer::new(&violation.invariant, shrunk.smallest.clone());
        let path = self.out.join(format!("{name}.repro"));
        write(&small, &path, &format!("{shrunk}\nbefore that: {remark}"))?;
        Ok(format!(
            "\n  {shrunk}\n  whole      {}\n  replay     lockstep replay {}",
            whole_path.display(),
            path.display()
        ))
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

fn passed(record: Value) -> Verdict {
    Verdict {
        name: "passed",
        detail: String::new(),
        exit_code: ExitCode::Passed,
        record,
    }
}

fn infrastructure(detail: String) -> Verdict {
    Verdict {
        name: "infrastructure",
        detail,
        exit_code: ExitCode::Infrastructure,
        record: json!({}),
    }
}

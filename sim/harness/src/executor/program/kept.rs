//! Kept cases: replay, shrink and corpus of a program that tests one executor.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::coverage::Coverage;
use crate::exit::ExitCode;
use crate::report::{say, say_facts, say_pair, say_violation};
use crate::reproducer::Reproducer;
use crate::shrink::Budget;
use crate::trace::Trace;
use crate::watchdog::{Silence, WorkerNotes, watch};

use super::super::adapter::Adapter;
use super::super::case::{Case, CaseRun};
use super::super::child::MUTE_MARGIN;
use super::super::shrinking::BUDGET;
use super::super::trial::{Ending, of_silence};
use super::super::workload::{Settings, Trials};
use super::arguments::{Arguments, count};
use super::run::complain_of_file;
use super::{complain, settings};

type File<A> = Reproducer<CaseRun<A>>;

fn read<A: Adapter>(path: &Path) -> Result<File<A>, String> {
    File::<A>::read(path).map_err(|error| error.to_string())
}

/// Executes a case until it shows something, at most `times` times. A reference that does not end ends this
/// process.
fn judged<A: Adapter>(
    trials: &Trials<'_, A>,
    settings: &Settings,
    case: &Case<A>,
    times: u64,
) -> Result<(), Ending> {
    let report = |silence: Silence| {
        let violation = of_silence(&silence);
        say_violation(&violation, &[], &[]);
        std::process::exit(violation.exit_code().number().into())
    };
    let limit = settings.limits.long + MUTE_MARGIN;
    watch(limit, WorkerNotes::NONE, report, || {
        (0..times)
            .try_for_each(|_| trials.judge(case, &mut Coverage::default(), &mut Trace::hashed()))
    })
}

fn exit_code(judged: &Result<(), Ending>) -> ExitCode {
    match judged {
        Ok(()) => ExitCode::Passed,
        Err(Ending::Found(found)) => found.violation.exit_code(),
        Err(Ending::Infrastructure(_)) => ExitCode::Infrastructure,
    }
}

pub(super) fn replay<A: Adapter>(adapter: &A, arguments: &Arguments) -> Result<ExitCode, String> {
    let (command, settings) = settings(arguments)?;
    let times = arguments.get("--times", count)?.unwrap_or(1);
    let [file] = &arguments.rest[..] else {
        return Err("replay takes one file".to_owned());
    };
    let kept = read::<A>(Path::new(file))?;
    let case = kept.payload.case();
    let trials = Trials::isolated(adapter, command, settings);
    let judged = judged(&trials, &settings, &case, times);
    let exit_code = exit_code(&judged);
    if arguments.has("--json") {
        let found = match &judged {
            Err(Ending::Found(found)) => Some(found),
            _ => None,
        };
        say(json!({
            "kind": "replay",
            "file": file,
            "shows": kept.shows,
            "invariant": found.map(|found| found.violation.invariant.name),
            "class": found.map(|found| found.class.to_string()),
            "exit_code": exit_code,
            "detail": match &judged {
                Ok(()) => String::new(),
                Err(Ending::Found(found)) => found.violation.detail.clone(),
                Err(Ending::Infrastructure(reason)) => reason.clone(),
            },
        }));
        return Ok(exit_code);
    }
    say_pair("case", &case);
    if !kept.shows.is_empty() {
        say_facts(&[
            ("shows", kept.shows.clone()),
            ("class", kept.payload.class.clone()),
        ]);
    }
    say_judged(&judged);
    Ok(exit_code)
}

fn say_judged(judged: &Result<(), Ending>) {
    match judged {
        Ok(()) => say("passed"),
        Err(Ending::Found(found)) => {
            let violation = &found.violation;
            let place = [("block", violation.step.to_string())];
            say_violation(violation, &place, &[("class", found.class.to_string())]);
        }
        Err(Ending::Infrastructure(reason)) => {
            say("infrastructure");
            say_pair("reason", reason);
        }
    }
}

pub(super) fn shrink<A: Adapter>(
    adapter: &A,
    program: &str,
    arguments: &Arguments,
) -> Result<ExitCode, String> {
    let (command, settings) = settings(arguments)?;
    let [file] = &arguments.rest[..] else {
        return Err("shrink takes one file".to_owned());
    };
    let path = PathBuf::from(file);
    let out = arguments.get("--out", |text| Ok(PathBuf::from(text)))?;
    let out = out.unwrap_or_else(|| path.with_extension("small.repro"));
    let budget = arguments.get("--budget", count)?.unwrap_or(BUDGET);
    let case = read::<A>(&path)?.payload.case();
    let trials = Trials::isolated(adapter, command, settings);
    let judged = judged(&trials, &settings, &case, 1);
    say_judged(&judged);
    let exit_code = exit_code(&judged);
    let Err(Ending::Found(found)) = judged else {
        return Ok(exit_code);
    };
    let small = trials.shrink(&case, &found.class, Budget::of(budget));
    let run = CaseRun::new(small.shrunk.smallest.clone(), &found.class.to_string());
    let remark = format!("{}\nfrom: {file}", small.in_words());
    let written =
        Reproducer::<CaseRun<A>>::new(found.violation.invariant.name, run).write(&out, &remark);
    if let Err(error) = written {
        complain_of_file(error);
        return Ok(ExitCode::Infrastructure);
    }
    say_pair("shrunk", small.in_words());
    say_pair("replay", format_args!("{program} replay {}", out.display()));
    Ok(exit_code)
}

pub(super) fn corpus<A: Adapter>(adapter: &A, arguments: &Arguments) -> Result<ExitCode, String> {
    let (command, settings) = settings(arguments)?;
    let trials = Trials::isolated(adapter, command, settings);
    let mut first = ExitCode::Passed;
    let mut files = 0;
    for folder in &arguments.rest {
        for path in reproducers(Path::new(folder))? {
            files += 1;
            let name = path.display();
            let exit_code = match read::<A>(&path) {
                Err(reason) => {
                    complain(reason);
                    ExitCode::Usage
                }
                Ok(kept) => {
                    let judged = judged(&trials, &settings, &kept.payload.case(), 1);
                    match &judged {
                        Ok(()) => say_pair("passed", format_args!("{name}: {}", kept.shows)),
                        Err(_) => {
                            say_pair("failed", &name);
                            say_judged(&judged);
                        }
                    }
                    exit_code(&judged)
                }
            };
            if first == ExitCode::Passed {
                first = exit_code;
            }
        }
    }
    say_pair("files", files);
    Ok(match files {
        0 => ExitCode::Vacuous,
        _ => first,
    })
}

/// The reproducers of a folder, in the order of their names.
///
/// # Errors
///
/// A sentence, if the folder cannot be read.
pub(super) fn reproducers(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let refused = |error| {
        format!(
            "{}: {error}; name a folder of reproducers",
            folder.display()
        )
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        if path.extension().is_some_and(|end| end == "repro") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

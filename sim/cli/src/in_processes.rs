//! Campaigns whose runs are executed by worker processes, and runs that are judged in a process of their own
//! because they end it or do not end.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use lockstep_harness::campaign::{
    Campaign, Observer, Plan, Repetition, RunId, Summary, Verdict, Workload,
};
use lockstep_harness::invariant::{FINISHES_IN_TIME, Invariant, PROCESS_SURVIVES};
use lockstep_harness::processes::{self, Processes, Terms, Work};
use lockstep_harness::reproducer::{Payload, Reproducer};
use lockstep_harness::shrink::{Budget, Judge, Shrinkable, Shrunk};
use lockstep_harness::watchdog::RUN_TIMEOUT;
use serde_json::Value;

use super::interrupt;

/// Default of the number of candidates that are judged in processes of their own.
const BUDGET: u64 = 80;

/// Limit of silence of a candidate. The smallest one is judged once more with the ordinary limit.
const CANDIDATE_TIMEOUT: Duration = Duration::from_secs(1);

/// Executes a campaign whose runs `worker` executes, a command for the runs that it is given, and collects
/// their results in order.
pub(super) fn campaign<W: Workload>(
    plan: &Plan,
    workload: &W,
    terms: Terms,
    worker: impl Fn(&[Work]) -> io::Result<Command>,
    observer: &mut impl Observer<W::Profile>,
) -> Summary<W::Case> {
    let mut campaign = Campaign::new(plan, workload);
    let worker = |work: &[Work]| {
        let mut command = worker(work)?;
        let run_timeout = plan.run_timeout.as_millis();
        command.args(["--run-timeout-ms", &run_timeout.to_string()]);
        Ok(command)
    };
    if plan.is_self_checked {
        match dies(worker) {
            Ok(bug) => campaign.saw(bug),
            Err(verdict) => campaign.stop(verdict),
        }
    }
    let mut processes = Processes::new(plan, workload.system(), terms, Box::new(worker));
    interrupt::listen();
    campaign.go_on(observer, |index, _| {
        processes.result(index, &interrupt::is_interrupted)
    });
    campaign.conclude()
}

/// Terms for this many processes at once, one a core if that is not said.
pub(super) fn terms(jobs: Option<u16>, cross_process_every: u64) -> Terms {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let is_asked_for = |name| std::env::var_os(name).is_some();
    Terms {
        jobs: jobs.map_or_else(cores, usize::from),
        cross_process_every,
        shows_errors: is_asked_for("LOCKSTEP_LOG") || is_asked_for("RUST_BACKTRACE"),
    }
}

/// Checks that a worker process which dies in the middle of a run is reported.
fn dies<C>(worker: impl Fn(&[Work]) -> io::Result<Command>) -> Result<&'static str, Verdict<C>> {
    let work = Work {
        run: RunId { seed: 0, run: 0 },
        repetition: Repetition::First,
    };
    let infrastructure = |reason| Verdict::Infrastructure { run: None, reason };
    let mut command = worker(&[work])
        .map_err(|error| infrastructure(format!("the path of this program is unknown: {error}")))?;
    processes::self_check(command.arg("--dies")).map_err(|failed| match failed {
        Ok(failed) => Verdict::SelfCheckFailed(failed),
        Err(reason) => infrastructure(reason),
    })
}

/// True if a run that violates this invariant is executed in a process of its own: it ends the process, or
/// does not end.
pub(super) fn needs_process(invariant: &Invariant) -> bool {
    [&FINISHES_IN_TIME, &PROCESS_SURVIVES].contains(&invariant)
}

/// Shrinks a run that [needs a process](needs_process), with a process for each candidate. `shrink` searches
/// with the judge that it is given; `None` if the smallest run does not violate the invariant with the
/// ordinary limit.
pub(super) fn shrunk<T, P>(
    invariant: &Invariant,
    seeded_bug: Option<&str>,
    scratch: &Path,
    budget: Budget<'_>,
    shrink: impl FnOnce(Budget<'_>, &Judge<'_, T>) -> Shrunk<T>,
) -> Option<Shrunk<T>>
where
    T: Shrinkable,
    P: Payload + From<T>,
{
    let shows = |candidate: &T, timeout| {
        let reproducer = Reproducer::<P>::new(invariant.name, candidate.clone());
        violated(&reproducer.with_seeded_bug(seeded_bug), scratch, timeout)
    };
    let shrunk = shrink(budget.at_most(BUDGET), &|candidate| {
        shows(candidate, CANDIDATE_TIMEOUT)
    });
    let confirmed = shows(&shrunk.smallest, RUN_TIMEOUT);
    (confirmed.as_deref() == Some(invariant.name)).then_some(shrunk)
}

/// Replays a run in a process of its own; returns the name of the invariant that it violates.
fn violated<P: Payload>(
    reproducer: &Reproducer<P>,
    scratch: &Path,
    timeout: Duration,
) -> Option<String> {
    let file = scratch.join("candidate.repro");
    reproducer.write(&file, "").ok()?;
    let output = Command::new(std::env::current_exe().ok()?)
        .args(["replay", "--json", "--run-timeout"])
        .arg(format!("{}s", timeout.as_secs()))
        .arg("--dir")
        .arg(scratch)
        .arg(&file)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    if processes::has_died(output.status) {
        return Some(PROCESS_SURVIVES.name.to_owned());
    }
    let record: Value = serde_json::from_slice(&output.stdout).ok()?;
    Some(record.get("invariant")?.as_str()?.to_owned())
}

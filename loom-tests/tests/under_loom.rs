//! Every interleaving of small scenarios, under every memory ordering that loom models; where those
//! are too many, every one with at most a few preemptions, and the test states their number. The search
//! covers the insides of our code, not those of the real primitives.
//!
//! A panic in a scenario ends its exploration and fails its test.

mod batch;
mod body_cache;
mod counts;
mod executor;
mod placed;
mod racy_snippets;
mod usage;

use std::any::Any;
use std::io::{Write, stderr};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lockstep_core::under_loom::chain::{BodyCache, CancellationToken, Chain};
use lockstep_core::under_loom::parallel::{
    GraphOverlap, ParallelChainState, Pipeline, Run, Stopped, execute_one,
};
use lockstep_sync::loom::DashMap;
use loom::model::Builder;
use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use loom::sync::{Condvar, Mutex, RwLock};

/// A search that takes longer fails: an unfinished one proves nothing.
const DEADLINE: Duration = Duration::from_secs(120);

/// The threads of a scenario, counted.
mod thread {
    pub(crate) fn spawn<T: 'static>(
        work: impl FnOnce() -> T + 'static,
    ) -> loom::thread::JoinHandle<T> {
        crate::usage::thread();
        loom::thread::spawn(work)
    }
}

/// Checks a scenario in all its interleavings.
fn explore(claim: &str, scenario: impl Fn() + Send + Sync + 'static) {
    let explored = search(None, scenario).unwrap_or_else(|panicked| resume_unwind(panicked.0));
    report(claim, "complete", explored);
}

/// Checks a scenario in all its interleavings with at most `preemptions` preemptions, where all are too
/// many to be run.
fn explore_within(preemptions: usize, claim: &str, scenario: impl Fn() + Send + Sync + 'static) {
    assert!(preemptions >= 2, "most races need two preemptions");
    let explored =
        search(Some(preemptions), scenario).unwrap_or_else(|panicked| resume_unwind(panicked.0));
    report(
        claim,
        &format!("at most {preemptions} preemptions"),
        explored,
    );
}

/// Searches for an interleaving in which a racy snippet panics with this message.
fn expect_found(snippet: &str, message: &str, scenario: impl Fn() + Send + Sync + 'static) {
    let (panicked, explored) = search(None, scenario)
        .err()
        .unwrap_or_else(|| panic!("{snippet}: its race is found in some interleaving"));
    let found = racy_snippets::message(&*panicked);
    assert!(found.starts_with(message), "{snippet}: {found}");
    report(snippet, "until found", explored);
}

/// Prints what was explored and compares it with `counts.txt`.
fn report(name: &str, search: &str, explored: Explored) {
    let found = counts::Row {
        name: name.to_owned(),
        uses: explored.uses,
        search: search.to_owned(),
        interleavings: explored.interleavings,
    };
    say(&format!(
        "{name}: {}, {} interleavings, {:.1} s, {search}",
        found.uses,
        found.interleavings,
        explored.took.as_secs_f64()
    ));
    counts::compare(&counts::read(), &found).unwrap_or_else(|differs| panic!("{differs}"));
}

type Panicked = Box<dyn Any + Send>;

/// The extent of one exploration.
struct Explored {
    uses: String,
    interleavings: usize,
    took: Duration,
}

/// Explores a scenario; returns the panic that ended it, too.
fn search(
    preemptions: Option<usize>,
    scenario: impl Fn() + Send + Sync + 'static,
) -> Result<Explored, (Panicked, Explored)> {
    let mut builder = Builder::new();
    // Each of these four cuts a search and calls it a success, and the environment can set them.
    builder.preemption_bound = preemptions;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.checkpoint_file = None;
    // This one panics.
    builder.max_branches = 20_000;

    let interleavings = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&interleavings);
    let start = Instant::now();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        builder.check(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            assert!(
                start.elapsed() < DEADLINE,
                "a search ends before {DEADLINE:?}"
            );
            usage::begin();
            scenario();
        });
    }));
    let explored = Explored {
        uses: usage::used(),
        interleavings: interleavings.load(Ordering::Relaxed),
        took: start.elapsed(),
    };
    match ended {
        Ok(()) => Ok(explored),
        Err(panicked) => Err((panicked, explored)),
    }
}

/// Prints past the capture of the test's output: passing tests show the extent of their search, too.
fn say(line: &str) {
    writeln!(stderr(), "loom: {line}").expect("stderr can be written to");
}

#[test]
fn a_relaxed_announcement_is_found() {
    let message = "what is announced can be read";
    expect_found("a_relaxed_announcement", message, move || {
        announce(Ordering::Relaxed, message);
    });
}

#[test]
fn what_is_announced_with_release_can_be_read() {
    let message = "what is announced can be read";
    explore("what_is_announced_with_release_can_be_read", move || {
        announce(Ordering::Release, message);
    });
}

/// One thread writes and announces it, another reads what was announced. Needs a release.
fn announce(ordering: Ordering, message: &str) {
    let written = Arc::new((AtomicU64::new(0), AtomicBool::new(false)));
    let writer = Arc::clone(&written);
    let thread = thread::spawn(move || {
        writer.0.store(1, Ordering::Relaxed);
        writer.1.store(true, ordering);
    });
    if written.1.load(Ordering::Acquire) {
        let read = written.0.load(Ordering::Relaxed);
        assert!(read == 1, "{message}: {read}");
    }
    thread.join().expect("no thread panics");
}

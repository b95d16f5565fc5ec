//! Every interleaving of small scenarios, without a bound, under every memory ordering that loom
//! models. It knows the insides of our code, not those of the real primitives.
//!
//! A panic in a scenario ends its exploration and fails its test.

mod body_cache;
mod placed;
mod specimens;

use std::io::{Write, stderr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lockstep_core::under_loom::model_map::DashMap;
use lockstep_core::under_loom::shared::BodyCache;
use loom::model::Builder;
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, AtomicU64};
use loom::thread;

/// A search that takes longer fails: an unfinished one proves nothing.
const DEADLINE: Duration = Duration::from_secs(120);

/// Checks a scenario in all its interleavings.
fn explore(claim: &str, scenario: impl Fn() + Send + Sync + 'static) {
    let interleavings = Arc::new(AtomicUsize::new(0));
    search(&interleavings, scenario);
    let interleavings = interleavings.load(Ordering::Relaxed);
    say(&format!("{claim}: {interleavings} interleavings, complete"));
}

/// Searches for an interleaving in which a defective scenario panics with this message.
fn expect_found(defect: &str, message: &str, scenario: impl Fn() + Send + Sync + 'static) {
    let interleavings = Arc::new(AtomicUsize::new(0));
    let panicked = catch_unwind(AssertUnwindSafe(|| search(&interleavings, scenario)))
        .expect_err("a defect is found in some interleaving");
    let found = specimens::message(&*panicked);
    assert!(found.starts_with(message), "{defect}: {found}");
    let interleavings = interleavings.load(Ordering::Relaxed);
    say(&format!("{defect}: found in interleaving {interleavings}"));
}

fn search(interleavings: &Arc<AtomicUsize>, scenario: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    // Each of these four cuts a search and calls it a success, and the environment can set them.
    builder.preemption_bound = None;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.checkpoint_file = None;
    // This one panics.
    builder.max_branches = 20_000;

    let interleavings = Arc::clone(interleavings);
    let start = Instant::now();
    builder.check(move || {
        interleavings.fetch_add(1, Ordering::Relaxed);
        assert!(
            start.elapsed() < DEADLINE,
            "a search ends before {DEADLINE:?}"
        );
        scenario();
    });
}

/// Past the capture of the test's output: how much was explored is to be seen of passing tests too.
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
    thread.join().expect("nobody panics");
}

//! Many schedules of the same scenarios, drawn by a portfolio of schedulers, none of which suffices
//! alone. Sequentially consistent only: wrong memory orderings are loom's to find.
//!
//! Seeds are fixed; `SHUTTLE_RANDOM_SEED` replaces them.

mod batch;
mod body_cache;
mod executor;
mod placed;
mod racy_snippets;
mod usage;

use std::io::{Write, stderr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use lockstep_core::under_shuttle::chain::{BodyCache, CancellationToken, Chain};
use lockstep_core::under_shuttle::parallel::{
    GraphOverlap, ParallelChainState, Pipeline, Run, Stopped, execute_one,
};
use lockstep_sync::shuttle::DashMap;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler, UrwRandomScheduler};
use shuttle::sync::atomic::{AtomicU64, AtomicUsize};
use shuttle::sync::{Condvar, Mutex, RwLock};
use shuttle::{Config, Runner};

const SEED: u64 = 0;
/// Number of schedules that each scheduler draws.
const SCHEDULES: usize = 500;

fn portfolio() -> [(&'static str, Box<dyn Scheduler + Send>); 4] {
    let (seed, schedules) = (SEED, SCHEDULES);
    [
        (
            "random",
            Box::new(RandomScheduler::new_from_seed(seed, schedules)),
        ),
        (
            "pct 2",
            Box::new(PctScheduler::new_from_seed(seed, 2, schedules)),
        ),
        (
            "pct 3",
            Box::new(PctScheduler::new_from_seed(seed, 3, schedules)),
        ),
        (
            "uniform walk",
            Box::new(UrwRandomScheduler::new_from_seed(seed, schedules)),
        ),
    ]
}

/// The threads of a scenario, counted.
mod thread {
    pub(crate) fn spawn<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> shuttle::thread::JoinHandle<T> {
        crate::usage::thread();
        shuttle::thread::spawn(work)
    }
}

/// Draws schedules as [`explore`] does: a bound on preemptions is for loom's exhaustive searches.
fn explore_within(_preemptions: usize, claim: &str, scenario: impl Fn() + Send + Sync + 'static) {
    explore(claim, scenario);
}

/// Checks a scenario under each scheduler.
fn explore(claim: &str, scenario: impl Fn() + Send + Sync + 'static) {
    let scenario = Arc::new(scenario);
    let mut schedules = 0;
    for (_, scheduler) in portfolio() {
        let scenario = Arc::clone(&scenario);
        schedules += Runner::new(scheduler, config()).run(move || {
            usage::begin();
            scenario();
        });
    }
    assert_eq!(schedules, SCHEDULES * portfolio().len(), "{claim}");
    say(&format!(
        "{claim}: {}, {schedules} schedules",
        usage::used()
    ));
}

/// Searches, with each scheduler, for a schedule under which a racy snippet panics with this
/// message.
fn expect_found(snippet: &str, message: &str, scenario: impl Fn() + Send + Sync + 'static) {
    let scenario = Arc::new(scenario);
    for (name, scheduler) in portfolio() {
        let schedules = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (scenario, counted) = (Arc::clone(&scenario), Arc::clone(&schedules));
        let runner = Runner::new(scheduler, config());
        let panicked = catch_unwind(AssertUnwindSafe(move || {
            runner.run(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                usage::begin();
                scenario();
            })
        }))
        .expect_err("its race is found under some schedule");
        let found = racy_snippets::message(&*panicked);
        assert!(found.starts_with(message), "{snippet}: {found}");
        let schedules = schedules.load(Ordering::Relaxed);
        say(&format!(
            "{snippet}: {name} found it in schedule {schedules}"
        ));
    }
}

fn config() -> Config {
    let mut config = Config::new();
    // They warn of the memory orderings that the head of this file leaves to loom.
    config.silence_warnings = true;
    config
}

/// Prints past the capture of the test's output: passing tests show the extent of their search, too.
fn say(line: &str) {
    writeln!(stderr(), "shuttle: {line}").expect("stderr can be written to");
}

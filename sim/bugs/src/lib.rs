//! The yardstick of the harness: seeded bugs of parallel executors, and the engines that must detect them.
//!
//! A [`Bug`] is an entry of the [catalogue](lockstep_harness::seeded_bug), which is complete in this
//! crate, because it links every crate with seeded bugs. An [`Engine`] switches the bug on in a host that
//! it drives, searches from a seed until it detects something, and shrinks it. The command `lockstep bugs`
//! measures the time to detect; nothing in here reads a clock for that.
//!
//! A new bug is a line in the enum of its host, a new engine a file and a line in [`ENGINES`].

mod baselines;
pub mod buggy_executor;
mod buggy_subject;
mod core_verifier;
mod crash;
mod fuzz;
pub mod fuzz_target;
pub mod injected;
mod interleavings;
mod list;
pub mod matrix_image;
mod nodes;
pub mod page;
mod schedules;
mod threads;
mod trial;

use std::cell::Cell;

use lockstep_sim::scenario::Scenario;
use lockstep_sim::shrink::shrink;

use list::Correct;
pub use list::{BUGS, Bug, CORRECT, INVENTED};

/// All engines: those of the harness first, then the baselines.
pub const ENGINES: &[&dyn Engine] = &[
    &trial::TRIAL,
    &trial::ORACLE,
    &trial::INVARIANTS,
    &crash::Crash,
    &nodes::Nodes,
    &fuzz::Fuzz,
    &interleavings::Loom,
    &schedules::RANDOM,
    &schedules::URW,
    &schedules::PCT,
    &threads::Threads,
    &baselines::Balances,
    &baselines::Plain,
    &baselines::Itself,
    &threads::Stress,
];

/// A way of searching for bugs.
pub trait Engine: Sync {
    /// Returns its name, in lower case.
    fn name(&self) -> &'static str;

    /// Returns a sentence about what it executes and checks, without a capital and a full stop.
    fn sentence(&self) -> &'static str;

    /// True if the bug can be switched on in a host that this engine drives.
    fn applies(&self, bug: &Bug) -> bool;

    /// Returns the reason for which it cannot search in this build or on this machine, if there is one.
    /// Builds what it needs, so that this is no part of a search.
    fn left_out(&self) -> Option<String> {
        None
    }

    /// Returns the default number of runs of a search, which take a minute or less.
    fn runs(&self) -> u64 {
        1_000
    }

    /// Searches for a bug that it applies to until it detects something. The same seed gives the same
    /// result, except with native threads.
    ///
    /// # Errors
    ///
    /// If the engine does not apply to the bug, or the machine fails; the message says which.
    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String>;
}

/// The budget of a search, or of shrinking what it found.
#[derive(Clone, Copy)]
pub struct Effort<'e> {
    /// Largest number of runs of a search, or of candidates of shrinking.
    pub most: u64,
    /// Returns whether to go on; called before each run or candidate, with the number of those before.
    pub goes_on: &'e dyn Fn(u64) -> bool,
}

impl Effort<'_> {
    /// Creates a budget of this many runs without a limit of time.
    #[must_use]
    pub fn of(most: u64) -> Self {
        let goes_on = &|_| true;
        Effort { most, goes_on }
    }

    /// Wraps a judge of candidates, so that it names nothing once the budget is spent.
    fn while_it_goes_on<S>(
        &self,
        shows: impl Fn(&S) -> Option<String>,
    ) -> impl Fn(&S) -> Option<String> {
        let tries = Cell::new(0);
        move |candidate| {
            let tried = tries.replace(tries.get() + 1);
            (self.goes_on)(tried).then(|| shows(candidate))?
        }
    }
}

/// The result of a search.
pub struct Search {
    /// Number of runs, the detecting one included.
    pub runs: u64,
    /// The detection, if there was one.
    pub found: Option<Found>,
}

/// A detection.
pub struct Found {
    /// Name of the invariant that was violated, or a short description where an engine has none.
    pub invariant: String,
    /// Shrinks the detection to the smallest case with the same violation.
    pub shrunk: Box<dyn Fn(&Effort<'_>) -> Small>,
}

/// A detection after shrinking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Small {
    /// Number of transactions.
    pub transactions: usize,
    /// Number of preemptions of a worker that it takes, if the engine counts them.
    pub preemptions: Option<usize>,
    /// Violation when it is judged once more; it is a reproducer only if that is the original one.
    pub shows: Option<String>,
}

/// Judges drawn scenarios, one a run, until one violates something.
fn search_scenarios(
    effort: &Effort<'_>,
    drawn: impl Fn(u64) -> Scenario,
    judge: impl Fn(&Scenario) -> Result<Option<String>, String> + 'static,
) -> Result<Search, String> {
    let mut runs = 0;
    while runs < effort.most && (effort.goes_on)(runs) {
        let scenario = drawn(runs);
        runs += 1;
        if let Some(invariant) = judge(&scenario)? {
            let found = found_in(scenario, invariant, judge);
            return Ok(Search {
                runs,
                found: Some(found),
            });
        }
    }
    Ok(Search { runs, found: None })
}

/// Creates the detection of a scenario, which is shrunk with the same judge.
fn found_in(
    scenario: Scenario,
    invariant: String,
    judge: impl Fn(&Scenario) -> Result<Option<String>, String> + 'static,
) -> Found {
    let named = invariant.clone();
    let shrunk = move |effort: &Effort<'_>| {
        let shows = |candidate: &Scenario| judge(candidate).ok().flatten();
        let in_time = effort.while_it_goes_on(&shows);
        let small = shrink(&scenario, &named, effort.most, &in_time).smallest;
        Small {
            transactions: small.transactions(),
            preemptions: None,
            shows: shows(&small),
        }
    };
    Found {
        invariant,
        shrunk: Box::new(shrunk),
    }
}

//! The time to detect each seeded bug, by engine.
//!
//! A harness is worth what it catches. A [`Bug`] is an entry of the
//! [catalogue](lockstep_harness::seeded_bug), which this crate sees whole, because it links every crate
//! that has some. An [`Engine`] looks it up in the hosts that it drives, gets a seed, looks until it
//! finds something, and makes that small. What measures them asks a clock; nothing in here does.
//!
//! A new bug is a line in the enum of its host, a new engine a file and a line in [`ENGINES`].

mod baselines;
pub mod buggy_executor;
mod buggy_subject;
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
pub use list::{BUGS, Bug, CORRECT};

/// Every engine, those of the harness first, then what one would have otherwise.
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

/// Somebody who looks for bugs.
pub trait Engine: Sync {
    /// Its name, in lower case.
    fn name(&self) -> &'static str;

    /// What it does, in a sentence.
    fn sentence(&self) -> &'static str;

    /// Whether the bug is re-created where this engine looks.
    fn applies(&self, bug: &Bug) -> bool;

    /// Why it cannot look on this machine, where that is so. Builds what it needs, so that this is
    /// no part of a search.
    fn left_out(&self) -> Option<String> {
        None
    }

    /// So many runs are a search, unless somebody says otherwise: what takes a minute, or less.
    fn runs(&self) -> u64 {
        1_000
    }

    /// Looks for a bug that it applies to until it accuses. The same seed always finds the same.
    ///
    /// # Errors
    ///
    /// Where the machine failed.
    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String>;
}

/// How much may be done.
#[derive(Clone, Copy)]
pub struct Effort<'e> {
    /// So many runs of a search, so many tries to make something smaller.
    pub most: u64,
    /// Asked before each of them, with how many there were.
    pub goes_on: &'e dyn Fn(u64) -> bool,
}

impl Effort<'_> {
    /// As much as that, however long it takes.
    #[must_use]
    pub fn of(most: u64) -> Self {
        let goes_on = &|_| true;
        Effort { most, goes_on }
    }

    /// A judge of candidates whom nothing shows anything any more when the time is over.
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

/// What a search came to.
pub struct Search {
    /// How many runs there were, the one that accuses included.
    pub runs: u64,
    /// What was found, if anything.
    pub found: Option<Found>,
}

/// An accusation.
pub struct Found {
    /// The invariant that named it, or what stands for one.
    pub invariant: String,
    /// Looks for the smallest that shows the same.
    pub shrunk: Box<dyn Fn(&Effort<'_>) -> Small>,
}

/// What was found, made small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Small {
    /// So many transactions.
    pub transactions: usize,
    /// So many times a worker has to be interrupted, where the engine knows.
    pub preemptions: Option<usize>,
    /// What it shows when it is judged once more: what named it first, or it is no reproducer.
    pub shows: Option<String>,
}

/// Judges scenarios, one a run, until one accuses.
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

/// An accusation that is a scenario.
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

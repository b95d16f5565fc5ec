//! The smallest scenario that still shows what a long one showed.
//!
//! Structure is shrunk, not the choices that it was drawn with: whole steps go first, then
//! transactions, then what is in them, then names, then numbers. It knows no subject: a judge says
//! what a scenario shows, and only what shows the same invariant is kept, for a smaller scenario
//! that shows something else is another finding. Nothing is drawn and no clock is asked, so the
//! same scenario and judge always end the same.

mod edit;
mod faults;
mod size;

use std::collections::BTreeSet;
use std::fmt;

use lockstep_core::model::Hash;

use crate::scenario::{NetworkName, Scenario, Step};
use edit::Kind;
use size::Size;

/// So many candidates are judged unless somebody says otherwise.
pub const BUDGET: u64 = 5_000;

/// Says which invariant does not hold in a scenario, if any.
pub type Judge<'j> = dyn Fn(&Scenario) -> Option<String> + 'j;

/// What shrinking came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The smallest scenario that was found.
    pub scenario: Scenario,
    /// How many transactions and blocks there were before.
    pub before: (usize, usize),
    /// How many candidates were judged.
    pub candidates: u64,
    /// Whether the budget ended the search, and not that nothing helped any more.
    pub is_cut_short: bool,
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "shrunk from {} transactions in {} blocks to {} in {} with {} candidates",
            self.before.0,
            self.before.1,
            self.scenario.transactions(),
            self.scenario.blocks(),
            self.candidates
        )?;
        if self.is_cut_short {
            f.write_str(", and the budget spent")?;
        }
        Ok(())
    }
}

/// Looks for the smallest scenario for which the judge names this invariant.
///
/// At most `budget` candidates are judged. The scenario itself is not: whoever calls has seen it
/// violate the invariant, and gets it back where nothing smaller does.
#[must_use]
pub fn shrink(scenario: &Scenario, invariant: &str, budget: u64, judge: &Judge<'_>) -> Shrunk {
    let mut search = Search {
        smallest: scenario.clone(),
        size: Size::of(scenario),
        invariant,
        judge,
        budget,
        candidates: 0,
        is_cut_short: false,
        judged: BTreeSet::new(),
    };
    // Numbers are many and need several candidates each: they wait until little is left.
    while !search.is_cut_short && (search.gains(structure) || search.gains(names_and_numbers)) {}
    Shrunk {
        scenario: search.smallest,
        before: (scenario.transactions(), scenario.blocks()),
        candidates: search.candidates,
        is_cut_short: search.is_cut_short,
    }
}

struct Search<'j> {
    smallest: Scenario,
    size: Size,
    invariant: &'j str,
    judge: &'j Judge<'j>,
    budget: u64,
    candidates: u64,
    is_cut_short: bool,
    /// What was judged before is known: the last round would ask for all of it again.
    judged: BTreeSet<Hash>,
}

impl Search<'_> {
    fn gains(&mut self, pass: impl Fn(&mut Self)) -> bool {
        let before = self.size;
        pass(self);
        self.size < before
    }

    /// Keeps a candidate that is smaller and shows the same. Nothing grows, so the search ends.
    fn keeps(&mut self, candidate: Scenario) -> bool {
        let size = Size::of(&candidate);
        if size >= self.size || !self.judged.insert(fingerprint(&candidate)) {
            return false;
        }
        if self.candidates == self.budget {
            self.is_cut_short = true;
            return false;
        }
        self.candidates += 1;
        let keeps = (self.judge)(&candidate).is_some_and(|shown| shown == self.invariant);
        if keeps {
            self.smallest = candidate;
            self.size = size;
        }
        keeps
    }

    fn keeps_any(&mut self, candidates: Vec<Scenario>) -> bool {
        candidates
            .into_iter()
            .any(|candidate| self.keeps(candidate))
    }

    /// Takes away so many in a row, from all down to one, the last ones first: what comes later
    /// changes nothing for what comes before.
    fn take_away(
        &mut self,
        count: impl Fn(&Scenario) -> usize,
        without: impl Fn(&Scenario, std::ops::Range<usize>) -> Vec<Scenario>,
    ) {
        let mut chunk = count(&self.smallest);
        while chunk > 0 && !self.is_cut_short {
            let mut end = count(&self.smallest);
            while end > 0 && !self.is_cut_short {
                let start = end.saturating_sub(chunk);
                self.keeps_any(without(&self.smallest, start..end));
                // Taking away may have repaired more than was asked for.
                end = start.min(count(&self.smallest));
            }
            // Two at once may go where neither three nor one can: what counts may be whether the
            // rest is odd.
            chunk = if chunk == 3 { 2 } else { chunk / 2 };
        }
    }

    /// Looks for the smallest number that still shows it, as if all above did.
    fn lower(&mut self, number: u64, with: impl Fn(&Scenario, u64, u64) -> Scenario) {
        let mut shows = number;
        for simple in [0, 1] {
            if shows > simple && self.keeps(with(&self.smallest, shows, simple)) {
                return;
            }
        }
        let mut shows_not = 1;
        while shows > shows_not + 1 {
            let middle = shows_not + (shows - shows_not) / 2;
            if self.keeps(with(&self.smallest, shows, middle)) {
                shows = middle;
            } else {
                shows_not = middle;
            }
        }
    }
}

fn fingerprint(scenario: &Scenario) -> Hash {
    let text = serde_json::to_vec(scenario).expect("a scenario is numbers, lists and names");
    Hash(blake3::hash(&text).into())
}

fn structure(search: &mut Search<'_>) {
    let steps = search.smallest.steps.len() as u64;
    // What comes after the violation goes in a few candidates.
    search.lower(steps, |scenario, _, length| {
        let mut prefix = scenario.clone();
        prefix
            .steps
            .truncate(usize::try_from(length).unwrap_or(usize::MAX));
        prefix
    });
    search.take_away(|scenario| scenario.steps.len(), edit::without_steps);
    search.take_away(Scenario::transactions, edit::without_transactions);
    for index in (1..search.smallest.steps.len()).rev() {
        if let Some(candidate) = edit::with_blocks_joined(&search.smallest, index) {
            search.keeps(candidate);
        }
    }
    for index in 0..search.smallest.steps.len() {
        if let Some(candidate) = edit::with_repetition_as_flaw(&search.smallest, index) {
            search.keeps(candidate);
        }
    }
    search.take_away(edit::sendings, edit::without_sendings);
    search.take_away(edit::cosigners, edit::without_cosigners);
    for account in edit::accounts(&search.smallest) {
        search.keeps_any(edit::without_participant(&search.smallest, account));
    }
    search.take_away(edit::flaws, edit::without_flaws);
    for index in 0..search.smallest.steps.len() {
        search.keeps_any(faults::simpler(&search.smallest, index));
    }
    search.take_away(
        |scenario| scenario.genesis.balances.len(),
        edit::without_holdings,
    );
}

fn names_and_numbers(search: &mut Search<'_>) {
    settings(search);
    for account in edit::accounts(&search.smallest).into_iter().rev() {
        for other in edit::with_lowest_free(edit::accounts(&search.smallest)) {
            if search.keeps_any(edit::with_account_renamed(&search.smallest, account, other)) {
                break;
            }
        }
    }
    for asset in edit::assets(&search.smallest).into_iter().rev() {
        for other in edit::with_lowest_free(edit::assets(&search.smallest)) {
            if search.keeps(edit::with_asset_renamed(&search.smallest, asset, other)) {
                break;
            }
        }
    }
    search.keeps(edit::with_dense_nonces(&search.smallest));
    for (kind, simple) in [
        (Kind::Later, 0),
        (Kind::Fee, 0),
        (Kind::Amount, 1),
        (Kind::Depth, 1),
    ] {
        let candidate = edit::with_all_lowered(&search.smallest, kind, simple);
        search.keeps(candidate);
    }
    // What was equal may have to stay so: it is lowered together first.
    for number in edit::amounts(&search.smallest).into_iter().rev() {
        search.lower(number, edit::with_equal_amounts);
    }
    for index in 0..edit::numbers(&search.smallest).len() {
        // Earlier ones do not change how many there are, but what this one is.
        let Some(number) = edit::numbers(&search.smallest).get(index).copied() else {
            break;
        };
        search.lower(number, |scenario, _, lower| {
            edit::with_number(scenario, index, lower)
        });
    }
}

fn settings(search: &mut Search<'_>) {
    let mut candidate = search.smallest.clone();
    candidate.hash_seed = 0;
    search.keeps(candidate);
    let mut candidate = search.smallest.clone();
    candidate.genesis.network = NetworkName::Devnet;
    search.keeps(candidate);
    let mut candidate = search.smallest.clone();
    candidate.genesis.native_limit = size::SIMPLE_LIMIT;
    search.keeps(candidate);
    let mut candidate = search.smallest.clone();
    candidate.genesis.max_block_bytes = size::SIMPLE_BLOCK_BYTES;
    search.keeps(candidate);
    // A rewind by all that there is reads like one by as many.
    for index in 0..search.smallest.steps.len() {
        if let Some(Step::Rewind(depth)) = search.smallest.steps.get(index) {
            let blocks = search.smallest.blocks() as u64;
            if *depth > blocks {
                let mut candidate = search.smallest.clone();
                candidate.steps[index] = Step::Rewind(blocks);
                search.keeps(candidate);
            }
        }
    }
}

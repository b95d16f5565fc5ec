//! Shrinking of scenarios: edits for the [search](lockstep_harness::shrink) of the smallest scenario
//! that violates the same invariant.
//!
//! Structure is shrunk, not the choices that it was drawn with: whole steps go first, then
//! transactions, then their parts, then names, then numbers.

mod edit;
mod faults;
mod size;

use std::collections::BTreeSet;

use lockstep_harness::shrink::{self, Budget, Pass, Search, Shrinkable, counted};

use crate::scenario::{NetworkName, Scenario, Step};
use edit::Kind;
pub use size::Size;

/// Default of the largest cost of all candidates: their number where each is small.
pub const BUDGET: u64 = 5_000;

/// Work of a step around its transactions, in transactions.
const STEP_IN_TRANSACTIONS: usize = 2;

/// Number of balances of the genesis that are as much work as a transaction.
const HOLDINGS_OF_TRANSACTION: usize = 4;

/// Names the invariant that a scenario violates; `None` where all hold.
pub type Judge<'j> = shrink::Judge<'j, Scenario>;

/// The smallest scenario that was found, and the cost of the search.
pub type Shrunk = shrink::Shrunk<Scenario>;

/// Maximum number of names that are tried in place of each other.
const MOST_NAMES: usize = 300;

/// Maximum number of numbers that are lowered one by one.
const MOST_NUMBERS: usize = 2_000;

/// Number of parts of a list of which the largest cuts take one away.
const PARTS: usize = 16;

/// The edits of a scenario. The large cuts come first, because the others cost much as long as the scenario
/// is large. Numbers are many and need several candidates each: they wait until little is left.
pub const PASSES: [Pass<Scenario>; 3] = [large_cuts, structure, names_and_numbers];

impl Shrinkable for Scenario {
    type Size = Size;

    fn size(&self) -> Size {
        Size::of(self)
    }

    fn in_words(&self) -> String {
        let blocks = format!(
            "{} in {}",
            counted(self.transactions(), "transaction"),
            counted(self.blocks(), "block")
        );
        match self.submitted() {
            0 => blocks,
            offered => format!("{blocks} and {offered} for the mempool"),
        }
    }

    /// The transactions that a subject executes, and what the steps and accounts around them cost in
    /// transactions.
    fn weight(&self) -> u64 {
        let transactions = self.transactions() + self.submitted();
        let steps = self.steps.len() * STEP_IN_TRANSACTIONS;
        let holdings = self.genesis.balances.len() / HOLDINGS_OF_TRANSACTION;
        (transactions + steps + holdings) as u64
    }
}

/// Searches for the smallest scenario for which the judge names this invariant.
///
/// The candidates cost at most `budget`. The scenario itself is not judged: the caller has seen it
/// violate the invariant, and gets it back where nothing smaller does.
#[must_use]
pub fn shrink<'w>(
    scenario: &Scenario,
    invariant: &str,
    budget: impl Into<Budget<'w>>,
    judge: &Judge<'_>,
) -> Shrunk {
    shrink::shrink(scenario, &PASSES, invariant, budget, judge)
}

/// Takes away halves, quarters and so on of what a scenario is a list of, and all of what may be needless.
fn large_cuts(search: &mut Search<'_, Scenario>) {
    let steps = search.smallest().steps.len() as u64;
    // Steps behind the violation are removed by a few candidates, and transactions likewise.
    search.lower(steps, |scenario, _, length| {
        edit::with_steps_up_to(scenario, usize::try_from(length).unwrap_or(usize::MAX))
    });
    search.take_away_chunks(PARTS, |scenario| scenario.steps.len(), edit::without_steps);
    let all = |scenario: &Scenario| scenario.transactions() + scenario.submitted();
    let transactions = all(search.smallest()) as u64;
    search.lower(transactions, |scenario, _, length| {
        edit::with_transactions_up_to(scenario, usize::try_from(length).unwrap_or(usize::MAX))
    });
    search.take_away_chunks(PARTS, all, edit::without_transactions);
    search.take_away_chunks(
        PARTS,
        |scenario| scenario.genesis.balances.len(),
        edit::without_holdings,
    );
    search.take_away_chunks(1, edit::flaws, edit::without_flaws);
    search.take_away_chunks(1, edit::cosigners, edit::without_cosigners);
    all_lowered(search);
}

fn structure(search: &mut Search<'_, Scenario>) {
    search.take_away(|scenario| scenario.steps.len(), edit::without_steps);
    search.take_away(
        |scenario| scenario.transactions() + scenario.submitted(),
        edit::without_transactions,
    );
    for index in (1..search.smallest().steps.len()).rev() {
        if search.is_over() {
            return;
        }
        if let Some(candidate) = edit::with_blocks_joined(search.smallest(), index) {
            search.keeps(candidate);
        }
    }
    for index in 0..search.smallest().steps.len() {
        if search.is_over() {
            return;
        }
        if let Some(candidate) = edit::with_repetition_as_flaw(search.smallest(), index) {
            search.keeps(candidate);
        }
    }
    search.take_away(edit::sendings, edit::without_sendings);
    search.take_away(edit::cosigners, edit::without_cosigners);
    let is_signed_by_others =
        |scenario: &Scenario| edit::cosigners(scenario) + edit::participants(scenario) > 0;
    for account in edit::accounts(search.smallest()) {
        if search.is_over() || !is_signed_by_others(search.smallest()) {
            break;
        }
        search.keeps_any(edit::without_participant(search.smallest(), account));
    }
    search.take_away(edit::flaws, edit::without_flaws);
    for index in 0..search.smallest().steps.len() {
        if search.is_over() {
            return;
        }
        search.keeps_any(faults::simpler(search.smallest(), index));
    }
    search.take_away(
        |scenario| scenario.genesis.balances.len(),
        edit::without_holdings,
    );
}

fn names_and_numbers(search: &mut Search<'_, Scenario>) {
    settings(search);
    // Each name is tried in place of each other: of thousands that would be millions of copies.
    let few_names = |names: BTreeSet<u32>| match names.len() {
        ..=MOST_NAMES => names,
        _ => BTreeSet::new(),
    };
    for account in few_names(edit::accounts(search.smallest()))
        .into_iter()
        .rev()
    {
        if search.is_over() {
            return;
        }
        for other in edit::with_lowest_free(edit::accounts(search.smallest())) {
            if search.keeps_any(edit::with_account_renamed(
                search.smallest(),
                account,
                other,
            )) {
                break;
            }
        }
    }
    for asset in edit::assets(search.smallest()).into_iter().rev() {
        if search.is_over() {
            return;
        }
        for other in edit::with_lowest_free(edit::assets(search.smallest())) {
            if search.keeps(edit::with_asset_renamed(search.smallest(), asset, other)) {
                break;
            }
        }
    }
    search.keeps(edit::with_dense_nonces(search.smallest()));
    all_lowered(search);
    // One by one they are as many copies of the scenario.
    if edit::numbers(search.smallest()).len() > MOST_NUMBERS {
        return;
    }
    // Equal amounts may have to stay equal: they are lowered together first.
    for number in edit::amounts(search.smallest()).into_iter().rev() {
        if search.is_over() {
            return;
        }
        search.lower(number, edit::with_equal_amounts);
    }
    for index in 0..edit::numbers(search.smallest()).len() {
        if search.is_over() {
            return;
        }
        // A candidate that was kept may have changed this number; the count of numbers stays.
        let Some(number) = edit::numbers(search.smallest()).get(index).copied() else {
            break;
        };
        search.lower(number, |scenario, _, lower| {
            edit::with_number(scenario, index, lower)
        });
    }
}

/// Lowers all numbers of one meaning at once.
fn all_lowered(search: &mut Search<'_, Scenario>) {
    for (kind, simple) in [
        (Kind::Later, 0),
        (Kind::Fee, 0),
        (Kind::Amount, 1),
        (Kind::Depth, 1),
    ] {
        if search.is_over() {
            return;
        }
        let candidate = edit::with_all_lowered(search.smallest(), kind, simple);
        search.keeps(candidate);
    }
}

fn settings(search: &mut Search<'_, Scenario>) {
    let mut candidate = search.smallest().clone();
    candidate.hash_seed = 0;
    search.keeps(candidate);
    if let Some(workers) = search.smallest().workers {
        let mut candidate = search.smallest().clone();
        candidate.workers = None;
        if !search.keeps(candidate) {
            search.lower(u64::from(workers), |scenario, _, lower| {
                let mut candidate = scenario.clone();
                candidate.workers = u32::try_from(lower).ok();
                candidate
            });
        }
    }
    let mut candidate = search.smallest().clone();
    candidate.genesis.network = NetworkName::Devnet;
    search.keeps(candidate);
    let mut candidate = search.smallest().clone();
    candidate.genesis.native_limit = size::SIMPLE_LIMIT;
    search.keeps(candidate);
    let mut candidate = search.smallest().clone();
    candidate.genesis.max_block_bytes = size::SIMPLE_BLOCK_BYTES;
    search.keeps(candidate);
    // A rewind deeper than the chain undoes all blocks: their number says the same.
    for index in 0..search.smallest().steps.len() {
        if search.is_over() {
            return;
        }
        if let Some(Step::Rewind(depth)) = search.smallest().steps.get(index) {
            let blocks = search.smallest().blocks() as u64;
            if *depth > blocks {
                let mut candidate = search.smallest().clone();
                candidate.steps[index] = Step::Rewind(blocks);
                search.keeps(candidate);
            }
        }
    }
}

//! The smallest run of several nodes that still shows what a large one showed.
//!
//! Nodes go first, then faults, then blocks. What is in the blocks is shrunk as in a run of one
//! ledger ([`lockstep_sim::shrink`]), and names and numbers come last. Only what shows the same invariant
//! is kept. Nothing is drawn and no clock is asked, so the same run and judge always end the same.

mod edit;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use lockstep_core::model::Hash;

use super::reached::Reached;
use super::run::run;
use super::scenario::NodesScenario;
use super::trace::Trace;
use edit::Size;
use lockstep_sim::scenario::Scenario;
use lockstep_sim::shrink as one_ledger;
use lockstep_sim::trial::Failure;

/// So many candidates are run unless somebody says otherwise.
pub const BUDGET: u64 = 2_000;

/// So many times everything is tried again: what one kind of edit takes away may free another.
const ROUNDS: usize = 6;

/// Says which invariant does not hold in a run, if any.
pub type Judge<'j> = dyn Fn(&NodesScenario) -> Option<String> + 'j;

/// What shrinking came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The smallest run that was found.
    pub scenario: NodesScenario,
    /// How large it was before, in words.
    pub before: String,
    /// How many candidates were run.
    pub candidates: u64,
    /// How many might have been.
    pub budget: u64,
    /// Whether the budget ended the search, and not that nothing helped any more.
    pub is_cut_short: bool,
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "shrunk from {} to {}; {} candidates of {}{}",
            self.before,
            in_words(&self.scenario),
            self.candidates,
            self.budget,
            if self.is_cut_short { ", all spent" } else { "" }
        )
    }
}

/// Shrinks a run that violated this invariant. Files are made in `folder`.
///
/// Costs `budget` runs at the most.
#[must_use]
pub fn shrink(scenario: &NodesScenario, invariant: &str, folder: &Path, budget: u64) -> Shrunk {
    shrink_by(scenario, invariant, budget, &|candidate| {
        let (mut reached, mut trace) = (Reached::default(), Trace::hashed());
        match run(candidate, folder, &mut reached, &mut trace) {
            Err(Failure::Violation(violation)) => Some(violation.invariant),
            _ => None,
        }
    })
}

/// Looks for the smallest run for which the judge names this invariant.
///
/// The run itself is not judged: whoever calls has seen it violate the invariant, and gets it back
/// where nothing smaller does.
#[must_use]
pub fn shrink_by(
    scenario: &NodesScenario,
    invariant: &str,
    budget: u64,
    judge: &Judge<'_>,
) -> Shrunk {
    let mut search = Search {
        smallest: scenario.clone(),
        size: Size::of(scenario),
        invariant,
        judge,
        left: Cell::new(budget),
        is_cut_short: false,
        judged: BTreeSet::new(),
    };
    for _ in 0..ROUNDS {
        let before = search.smallest.clone();
        search.structure();
        search.ledgers();
        search.structure();
        search.settings();
        if search.is_cut_short || search.smallest == before {
            break;
        }
    }
    Shrunk {
        scenario: search.smallest,
        before: in_words(scenario),
        candidates: budget - search.left.get(),
        budget,
        is_cut_short: search.is_cut_short,
    }
}

fn in_words(scenario: &NodesScenario) -> String {
    format!(
        "{} nodes, {} faults, {} transactions in {} blocks",
        scenario.nodes.len(),
        scenario.faults.len(),
        scenario.transactions(),
        scenario.blocks.len()
    )
}

struct Search<'j> {
    smallest: NodesScenario,
    size: Size,
    invariant: &'j str,
    judge: &'j Judge<'j>,
    left: Cell<u64>,
    is_cut_short: bool,
    /// What was judged before is known.
    judged: BTreeSet<Hash>,
}

impl Search<'_> {
    /// Keeps a candidate that is smaller and shows the same.
    fn keeps(&mut self, candidate: NodesScenario) -> bool {
        let size = Size::of(&candidate);
        if size >= self.size || !self.judged.insert(fingerprint(&candidate)) {
            return false;
        }
        if self.left.get() == 0 {
            self.is_cut_short = true;
            return false;
        }
        let keeps = self.shows(&candidate);
        if keeps {
            self.smallest = candidate;
            self.size = size;
        }
        keeps
    }

    fn shows(&self, candidate: &NodesScenario) -> bool {
        self.left.set(self.left.get().saturating_sub(1));
        (self.judge)(candidate).is_some_and(|shown| shown == self.invariant)
    }

    /// Takes away so many in a row, from all down to one, the last ones first.
    fn take_away(
        &mut self,
        count: impl Fn(&NodesScenario) -> usize,
        without: impl Fn(&NodesScenario, Range<usize>) -> Vec<NodesScenario>,
    ) {
        let mut chunk = count(&self.smallest);
        while chunk > 0 && !self.is_cut_short {
            let mut end = count(&self.smallest);
            while end > 0 && !self.is_cut_short {
                let start = end.saturating_sub(chunk);
                for candidate in without(&self.smallest, start..end) {
                    if self.keeps(candidate) {
                        break;
                    }
                }
                // More may have gone than was asked for.
                end = start.min(count(&self.smallest));
            }
            chunk /= 2;
        }
    }

    fn structure(&mut self) {
        self.take_away(|scenario| scenario.nodes.len(), edit::without_nodes);
        self.take_away(|scenario| scenario.faults.len(), edit::without_faults);
        self.take_away(|scenario| scenario.blocks.len(), edit::without_blocks);
    }

    /// Shrinks what the blocks do, as if they all reached one ledger.
    fn ledgers(&mut self) {
        if self.left.get() == 0 {
            self.is_cut_short = true;
            return;
        }
        let ledger = edit::as_one_ledger(&self.smallest);
        let shows = |candidate: &Scenario| {
            let candidate = edit::with_ledger(&self.smallest, candidate)?;
            (self.left.get() > 0 && self.shows(&candidate)).then(|| self.invariant.to_owned())
        };
        // Candidates without as many blocks are refused at once and cost nothing here.
        let shrunk = one_ledger::shrink(&ledger, self.invariant, one_ledger::BUDGET, &shows);
        let smaller = edit::with_ledger(&self.smallest, &shrunk.scenario);
        self.is_cut_short |= self.left.get() == 0;
        if let Some(smaller) = smaller {
            self.size = Size::of(&smaller);
            self.smallest = smaller;
        }
    }

    /// What nodes are like, names and numbers.
    fn settings(&mut self) {
        for index in 0..self.smallest.nodes.len() {
            for candidate in edit::with_plainer_node(&self.smallest, index) {
                self.keeps(candidate);
            }
        }
        for index in 0..self.smallest.faults.len() {
            for candidate in edit::with_simpler_loss(&self.smallest, index) {
                if self.keeps(candidate) {
                    break;
                }
            }
        }
        for candidate in edit::with_plain_times(&self.smallest) {
            self.keeps(candidate);
        }
        self.keeps(edit::with_dense_names(&self.smallest));
        for index in 0..edit::numbers(&self.smallest).len() {
            let number = edit::numbers(&self.smallest)[index];
            self.lower(index, number);
        }
    }

    /// Looks for the smallest number that still shows it, as if all above did.
    fn lower(&mut self, index: usize, number: u64) {
        let mut shows = number;
        for simple in [0, 1] {
            if shows > simple && self.keeps(edit::with_number(&self.smallest, index, simple)) {
                return;
            }
        }
        let mut shows_not = 1;
        while shows > shows_not + 1 {
            let middle = shows_not + (shows - shows_not) / 2;
            if self.keeps(edit::with_number(&self.smallest, index, middle)) {
                shows = middle;
            } else {
                shows_not = middle;
            }
        }
    }
}

fn fingerprint(scenario: &NodesScenario) -> Hash {
    let text = serde_json::to_vec(scenario).expect("a run is numbers, lists and names");
    Hash(blake3::hash(&text).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw;
    use crate::scenario::{Fault, Place};
    use lockstep_harness::choice::Seeded;

    /// A run in which one node on a disk crashes, and which has a block with a transaction of its.
    fn shows(scenario: &NodesScenario) -> Option<String> {
        let crashes = |fault: &Fault| match fault {
            Fault::Crash { node, .. } => scenario
                .node(*node)
                .is_some_and(|index| scenario.nodes[index].storage == Place::Disk),
            _ => false,
        };
        let is_shown = scenario.faults.iter().any(crashes)
            && scenario
                .blocks
                .iter()
                .any(|mined| mined.block.transactions.iter().any(|one| one.nonce == 0));
        is_shown.then(|| "it".to_owned())
    }

    fn large() -> NodesScenario {
        (0..)
            .map(|seed| draw::scenario(&mut Seeded::new(seed, 0), draw::SIZE).1)
            .find(|scenario| scenario.blocks.len() > 15 && shows(scenario).is_some())
            .expect("seeds do not end")
    }

    #[test]
    fn what_matters_is_left_and_nothing_else() {
        let large = large();
        let shrunk = shrink_by(&large, "it", BUDGET, &shows);
        let small = &shrunk.scenario;
        assert!(!shrunk.is_cut_short, "{shrunk}");
        let sizes = (
            small.nodes.len(),
            small.faults.len(),
            small.blocks.len(),
            small.transactions(),
        );
        assert_eq!(sizes, (2, 1, 1, 1), "{small:?}");
        assert!(
            matches!(
                small.faults[0],
                Fault::Crash {
                    at_ms: 0,
                    down_ms: 0,
                    loss: lockstep_sim::disk::Loss::Nothing,
                    ..
                }
            ),
            "{small:?}"
        );
        assert!(
            small
                .nodes
                .iter()
                .all(|node| (node.workers, node.hash_seed) == (1, 0))
        );
        assert_eq!(shrink_by(&large, "it", BUDGET, &shows), shrunk);
    }

    #[test]
    fn no_more_than_the_budget_is_run() {
        let large = large();
        let asked = Cell::new(0);
        let shrunk = shrink_by(&large, "it", 7, &|candidate| {
            asked.set(asked.get() + 1);
            shows(candidate)
        });
        assert_eq!((asked.get(), shrunk.candidates), (7, 7));
        assert!(shrunk.is_cut_short);
        assert!(shrunk.to_string().ends_with("7 candidates of 7, all spent"));
        assert_eq!(shows(&shrunk.scenario).as_deref(), Some("it"));
    }

    #[test]
    fn another_finding_is_not_kept() {
        let large = large();
        let shrunk = shrink_by(&large, "it", BUDGET, &|_| Some("another".to_owned()));
        assert_eq!(shrunk.scenario, large);
    }
}

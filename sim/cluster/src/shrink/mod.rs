//! Shrinking of a run of several nodes: the [search](lockstep_harness::shrink) for the smallest run that
//! violates the same invariant.
//!
//! Nodes are removed first, then faults, then blocks. The contents of blocks are shrunk with the edits of
//! a run of one ledger ([`lockstep_sim::shrink`]), and names and numbers come last.

mod edit;

use std::path::Path;

use super::run::run;
use super::scenario::NodesScenario;
use edit::Size;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::shrink::{self, Budget, Pass, Search, Shrinkable, counted};
use lockstep_harness::trace::Trace;
use lockstep_harness::violation::Failure;
use lockstep_sim::shrink as one_ledger;

/// Default of the largest cost of all candidates: their number where each is small.
pub const BUDGET: u64 = 2_000;

/// Returns the name of the invariant that a run violates; `None` if all hold.
pub type Judge<'j> = shrink::Judge<'j, NodesScenario>;

/// The smallest run that was found, and the cost of the search.
pub type Shrunk = shrink::Shrunk<NodesScenario>;

/// The edits of a run.
const PASSES: [Pass<NodesScenario>; 3] = [structure, ledger, settings];

impl Shrinkable for NodesScenario {
    type Size = Size;

    fn size(&self) -> Size {
        Size::of(self)
    }

    fn in_words(&self) -> String {
        format!(
            "{}, {}, {} in {}",
            counted(self.nodes.len(), "node"),
            counted(self.faults.len(), "fault"),
            counted(self.transactions(), "transaction"),
            counted(self.blocks.len(), "block")
        )
    }

    /// Each node executes all transactions.
    fn weight(&self) -> u64 {
        (self.transactions() * self.nodes.len()) as u64
    }
}

/// Shrinks a run that violated this invariant. Files are created in `folder`.
///
/// Costs at most `budget`, which is runs of few transactions.
#[must_use]
pub fn shrink<'w>(
    scenario: &NodesScenario,
    invariant: &str,
    folder: &Path,
    budget: impl Into<Budget<'w>>,
) -> Shrunk {
    shrink_by(scenario, invariant, budget, &|candidate| {
        let (mut coverage, mut trace) = (Coverage::default(), Trace::hashed());
        match run(candidate, folder, &mut coverage, &mut trace) {
            Err(Failure::Violation(violation)) => Some(violation.invariant.name.to_owned()),
            _ => None,
        }
    })
}

/// Shrinks a run with this judge: searches for the smallest for which it names this invariant.
///
/// The run itself is not judged: the caller has seen it violate the invariant, and gets it back if
/// nothing smaller does.
#[must_use]
pub fn shrink_by<'w>(
    scenario: &NodesScenario,
    invariant: &str,
    budget: impl Into<Budget<'w>>,
    judge: &Judge<'_>,
) -> Shrunk {
    shrink::shrink(scenario, &PASSES, invariant, budget, judge)
}

fn structure(search: &mut Search<'_, NodesScenario>) {
    search.take_away(|scenario| scenario.nodes.len(), edit::without_nodes);
    search.take_away(|scenario| scenario.faults.len(), edit::without_faults);
    search.take_away(|scenario| scenario.blocks.len(), edit::without_blocks);
}

/// Shrinks the contents of the blocks, as if all were added to one ledger. A candidate with another
/// number of blocks does not fit.
fn ledger(search: &mut Search<'_, NodesScenario>) {
    let ledger = edit::as_one_ledger(search.smallest());
    search.shrink_part(ledger, &one_ledger::PASSES, edit::with_ledger);
}

/// Shrinks the settings of nodes, losses, times, names and numbers.
fn settings(search: &mut Search<'_, NodesScenario>) {
    for index in 0..search.smallest().nodes.len() {
        if search.is_over() {
            return;
        }
        for candidate in edit::with_plainer_node(search.smallest(), index) {
            search.keeps(candidate);
        }
    }
    for index in 0..search.smallest().faults.len() {
        if search.is_over() {
            return;
        }
        search.keeps_any(edit::with_simpler_loss(search.smallest(), index));
    }
    for candidate in edit::with_plain_times(search.smallest()) {
        if search.is_over() {
            return;
        }
        search.keeps(candidate);
    }
    search.keeps(edit::with_dense_names(search.smallest()));
    for index in 0..edit::numbers(search.smallest()).len() {
        if search.is_over() {
            return;
        }
        let number = edit::numbers(search.smallest())[index];
        search.lower(number, |scenario, _, lower| {
            edit::with_number(scenario, index, lower)
        });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::draw;
    use crate::scenario::{Fault, StorageKind};
    use lockstep_harness::choice::Seeded;

    /// Judges a run by whether a node on a disk crashes in it and a block has a transaction of nonce 0.
    fn shows(scenario: &NodesScenario) -> Option<String> {
        let crashes = |fault: &Fault| match fault {
            Fault::Crash { node, .. } => scenario
                .node(*node)
                .is_some_and(|index| scenario.nodes[index].storage == StorageKind::Disk),
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
        let small = &shrunk.smallest;
        assert!(!shrunk.is_cut_short(), "{shrunk}");
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
        let shrunk = shrink_by(&large, "it", 40, &|candidate| {
            asked.set(asked.get() + 1);
            shows(candidate)
        });
        assert_eq!(asked.get(), shrunk.candidates);
        assert!(shrunk.candidates > 0 && shrunk.spent <= 40 && shrunk.is_cut_short());
        assert!(shrunk.candidates < 40, "the first ones are heavy: {shrunk}");
        assert!(shrunk.to_string().ends_with(" of 40, all spent"));
        assert_eq!(shows(&shrunk.smallest).as_deref(), Some("it"));
    }

    #[test]
    fn another_finding_is_not_kept() {
        let large = large();
        let shrunk = shrink_by(&large, "it", BUDGET, &|_| Some("another".to_owned()));
        assert_eq!(shrunk.smallest, large);
    }
}

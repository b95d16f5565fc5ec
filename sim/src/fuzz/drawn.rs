//! What the targets have the generator draw: scenarios of few signatures, which are all that costs.

use crate::choice::Choices;
use crate::generate::{self, Size};
use crate::scenario::{Scenario, Step, TransactionRecipe};
use crate::subject::Execution;

/// A scenario of at most so many signatures to verify. A transaction that would have more, in the
/// order of the scenario, is left out.
pub(super) fn scenario(choices: &mut impl Choices, size: Size, signatures: usize) -> Scenario {
    let (_, mut scenario) = generate::scenario(choices, size);
    let mut left = signatures;
    for step in &mut scenario.steps {
        if let Step::Block(block) = step {
            block.transactions.retain(|recipe| {
                let fits = verified(recipe) <= left;
                if fits {
                    left -= verified(recipe);
                }
                fits
            });
        }
    }
    scenario
}

/// How many signatures of a transaction are looked at, at the most.
pub(super) fn verified(recipe: &TransactionRecipe) -> usize {
    // With more than this it is rejected for their number.
    const MOST: usize = 255;
    match recipe.cosigners.len() {
        few @ 0..=MOST => 1 + few,
        _ => 0,
    }
}

/// A way to execute blocks. Those that start no thread are chosen more often: a thread that starts
/// costs as much as a signature.
pub(super) fn execution(choices: &mut impl Choices) -> Execution {
    match choices.below(16) {
        0..12 => Execution::Serial,
        12 => Execution::SpreadChecks(workers(choices)),
        13 => Execution::Graph(2),
        14 => Execution::Graph(workers(choices)),
        _ => Execution::TestMode(workers(choices)),
    }
}

fn workers(choices: &mut impl Choices) -> usize {
    usize::try_from(choices.between(1, 4)).expect("there are few workers")
}

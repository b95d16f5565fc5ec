//! Runs whose choices are a fuzzer's bytes: scenarios of few signatures, which are all that costs.

use lockstep_core::model::Genesis;
use lockstep_harness::choice::Choices;

use crate::generate::{self, Size};
use crate::reproducer::Reproducer;
use crate::scenario::{Scenario, Step, TransactionRecipe};
use crate::subject::{Execution, Subject, SubjectError};
use crate::tally::Tally;
use crate::trial;
use lockstep_harness::violation::Failure;

/// Two blocks of four transactions: the size of a whole run from a fuzzer's bytes.
pub const SIZE: Size = Size {
    blocks: 2,
    transactions: 4,
    accounts: 4,
};

/// Signatures of one whole run. To verify them, in core and in the oracle, is most of what one costs.
pub const SIGNATURES: usize = 2;

/// Runs a scenario on one subject.
///
/// # Panics
///
/// If an invariant is violated, with the text of a reproducer; if the machine fails.
pub fn assert_nothing_is_violated(
    scenario: Scenario,
    subject: impl Fn(&Genesis, u64) -> Result<Box<dyn Subject>, SubjectError>,
) {
    let outcome = trial::run(
        &scenario,
        &|genesis, hash_seed| Ok(vec![subject(genesis, hash_seed)?]),
        &mut Tally::default(),
    );
    match outcome {
        Ok(_) => {}
        Err(Failure::Violation(violation)) => {
            let text = Reproducer::new(violation.invariant.name, scenario)
                .to_text(&violation.detail)
                .expect("a scenario can be written");
            panic!(
                "{} is violated in step {} by {}\n{text}",
                violation.invariant, violation.step, violation.subject
            );
        }
        Err(Failure::Infrastructure(reason)) => panic!("memory does not fail: {reason}"),
    }
}

/// A scenario of at most so many signatures to verify. A transaction that would have more, in the
/// order of the scenario, is left out.
pub fn scenario(choices: &mut impl Choices, size: Size, signatures: usize) -> Scenario {
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
pub fn verified(recipe: &TransactionRecipe) -> usize {
    // With more than this it is rejected for their number.
    const MOST: usize = 255;
    match recipe.cosigners.len() {
        few @ 0..=MOST => 1 + few,
        _ => 0,
    }
}

/// A way to execute blocks. Those that start no thread are chosen more often: a thread that starts
/// costs as much as a signature.
pub fn execution(choices: &mut impl Choices) -> Execution {
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

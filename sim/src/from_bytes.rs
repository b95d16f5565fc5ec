//! Scenarios from a fuzzer's bytes, with few signatures: verifying them is most of the cost of a run.

use arbitrary::{Arbitrary, Unstructured};
use lockstep_core::model::Genesis;
use lockstep_harness::choice::Choices;

use crate::generate::{self, Size};
use crate::reproducer::Reproducer;
use crate::scenario::{Scenario, Step, TransactionRecipe};
use crate::subject::{Execution, Subject, SubjectError};
use crate::trial;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::violation::Failure;

/// Two blocks of four transactions: the size of a whole run from a fuzzer's bytes.
pub const SIZE: Size = Size {
    blocks: 2,
    transactions: 4,
    accounts: 4,
};

/// Number of signatures of one whole run. Verifying them, in core and in the oracle, is most of its cost.
pub const SIGNATURES: usize = 2;

/// Runs a scenario on one subject.
///
/// # Panics
///
/// If an invariant is violated, with the text of a reproducer, or if the machine fails.
pub fn assert_nothing_is_violated(
    scenario: Scenario,
    subject: impl Fn(&Genesis, u64) -> Result<Box<dyn Subject>, SubjectError>,
) {
    let outcome = trial::run(
        &scenario,
        &|genesis, hash_seed| Ok(vec![subject(genesis, hash_seed)?]),
        &mut Coverage::default(),
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

/// A small run that an input makes; zeros follow it.
impl<'a> Arbitrary<'a> for Scenario {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(scenario(input, SIZE, SIGNATURES))
    }
}

/// Draws a scenario with at most `signatures` signatures to verify. Transactions that would exceed
/// this number, in the order of the scenario, are left out.
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

/// Upper bound for the number of signatures of a transaction that are verified.
pub fn verified(recipe: &TransactionRecipe) -> usize {
    // With more than this it is rejected for their number.
    const MOST: usize = 255;
    match recipe.cosigners.len() {
        few @ 0..=MOST => 1 + few,
        _ => 0,
    }
}

/// Draws an execution mode. Those that start no thread are more frequent: starting a thread costs as
/// much as a signature.
pub fn execution(choices: &mut impl Choices) -> Execution {
    match choices.below(16) {
        0..12 => Execution::Serial,
        12 => Execution::ParallelValidation(workers(choices)),
        13 => Execution::Graph(2),
        14 => Execution::Graph(workers(choices)),
        _ => Execution::TestMode(workers(choices)),
    }
}

fn workers(choices: &mut impl Choices) -> usize {
    usize::try_from(choices.between(1, 4)).expect("there are few workers")
}

#[cfg(test)]
mod tests {
    use lockstep_harness::choice::FromBytes;

    use super::*;

    #[test]
    fn structured_input_makes_the_scenario_of_its_bytes() {
        let bytes: Vec<u8> = (0..900u32)
            .map(|byte| (byte * 37 % 251).to_le_bytes()[0])
            .collect();
        let made = Scenario::arbitrary(&mut Unstructured::new(&bytes)).ok();
        let drawn = scenario(&mut FromBytes(&bytes), SIZE, SIGNATURES);
        assert!(drawn.transactions() > 0);
        assert_eq!(made, Some(drawn));
    }
}

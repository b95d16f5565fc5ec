//! Draws failures of the executor itself: panics at a read of the execution and inside a commit.

use crate::scenario::{Fault, Scenario, Step};
use lockstep_harness::choice::Choices;

/// Puts a panic before a third of the steps that have no fault, in one of `one_of` scenarios that have
/// faults. The others stay as they are: they have no subject that a fault can be injected into.
pub fn add_failures(scenario: &mut Scenario, one_of: u64, choices: &mut impl Choices) {
    if scenario.faults().next().is_none() || !choices.chance(1, one_of) {
        return;
    }
    let steps = std::mem::take(&mut scenario.steps);
    let mut has_fault = false;
    for step in steps {
        let can_have_one = matches!(step, Step::Block(_) | Step::Rewind(_)) && !has_fault;
        has_fault = matches!(step, Step::Fault(_));
        if can_have_one && choices.chance(1, 3) {
            scenario.steps.push(Step::Fault(failure(&step, choices)));
        }
        scenario.steps.push(step);
    }
}

fn failure(step: &Step, choices: &mut impl Choices) -> Fault {
    let is_block = matches!(step, Step::Block(_));
    match choices.chance(2, 3) && is_block {
        true => {
            // A block is read in a few pieces; beyond them nothing happens.
            let bound = choices.pick(&[1, 4, 16]);
            Fault::PanicAtRead {
                at: choices.below(bound),
            }
        }
        false => Fault::PanicInCommit {
            is_written: choices.chance(1, 2),
        },
    }
}

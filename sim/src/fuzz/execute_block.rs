//! Whole runs, with the fuzzer's bytes in place of the seed.

use lockstep_core::model::Genesis;

use super::drawn;
use crate::choice::FromBytes;
use crate::generate::Size;
use crate::reproducer::Reproducer;
use crate::scenario::Scenario;
use crate::subject::{Core, Subject, SubjectError};
use crate::tally::Tally;
use crate::trial::{self, Failure};

pub(super) const SIZE: Size = Size {
    blocks: 2,
    transactions: 4,
    accounts: 4,
};

/// Signatures of one input. To verify them, in core and in the oracle, is most of what one costs.
pub(super) const SIGNATURES: usize = 2;

/// A small scenario that these bytes choose happens to core in memory, executed serially, on some
/// number of workers or in all ways at once, and nothing that must hold is violated: the oracle says
/// the same of all of them, and so they all do the same.
///
/// # Panics
///
/// On a finding, with the text of a reproducer. A panic inside of core reaches libFuzzer before it
/// gets here: replay its input without libFuzzer to see the reproducer.
pub fn execute_block(data: &[u8]) {
    let mut choices = FromBytes(data);
    let execution = drawn::execution(&mut choices);
    let scenario = drawn::scenario(&mut choices, SIZE, SIGNATURES);
    nothing_is_violated(scenario, |genesis, hash_seed| {
        Ok(Box::new(Core::executed(execution, genesis, hash_seed)?))
    });
}

/// Panics where a subject violates something in this scenario.
pub(super) fn nothing_is_violated(
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
            let text = Reproducer::new(&violation.invariant, scenario)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::{Canary, Defect};
    use crate::choice::{Choices, Seeded};

    fn bytes(run: u64) -> Vec<u8> {
        let mut choices = Seeded::new(0, run);
        (0..1024)
            .map(|_| u8::try_from(choices.below(256)).expect("a byte is below 256"))
            .collect()
    }

    #[test]
    fn core_violates_nothing() {
        for run in 0..20 {
            execute_block(&bytes(run));
        }
    }

    #[test]
    fn a_scenario_ends_wherever_the_bytes_end() {
        let bytes = bytes(0);
        for length in 0..300 {
            let mut choices = FromBytes(&bytes[..length]);
            let scenario = drawn::scenario(&mut choices, SIZE, SIGNATURES);
            assert!((1..=2).contains(&scenario.blocks()), "{length} bytes");
            assert!(scenario.transactions() <= 8, "{length} bytes");
        }
    }

    #[test]
    #[should_panic(expected = "is violated in step 0 by canary")]
    fn a_lost_unit_is_found() {
        for run in 0..20 {
            let scenario = drawn::scenario(&mut FromBytes(&bytes(run)), SIZE, SIGNATURES);
            nothing_is_violated(scenario, |genesis, _| {
                Ok(Box::new(Canary::new(genesis, Defect::UnitLost)?))
            });
        }
    }
}

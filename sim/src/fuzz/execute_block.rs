//! Whole runs, with the fuzzer's bytes in place of the seed.

use lockstep_core::model::Genesis;

use crate::choice::FromBytes;
use crate::generate::{self, Size};
use crate::reproducer::Reproducer;
use crate::subject::{Core, Subject, SubjectError};
use crate::tally::Tally;
use crate::trial::{self, Failure};

/// A small scenario that these bytes choose happens to core in memory, and nothing that must hold
/// is violated.
///
/// # Panics
///
/// On a finding, with the text of a reproducer. A panic inside of core reaches libFuzzer before it
/// gets here: replay its input without libFuzzer to see the reproducer.
pub fn execute_block(data: &[u8]) {
    nothing_is_violated(data, |genesis, hash_seed| {
        Ok(Box::new(Core::in_memory(genesis, hash_seed)?))
    });
}

fn nothing_is_violated(
    data: &[u8],
    subject: impl Fn(&Genesis, u64) -> Result<Box<dyn Subject>, SubjectError>,
) {
    let (_, scenario) = generate::scenario(&mut FromBytes(data), Size::SMALL);
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
            let (profile, scenario) =
                generate::scenario(&mut FromBytes(&bytes[..length]), Size::SMALL);
            assert_eq!(scenario.blocks() as u64, profile.blocks);
            assert!(scenario.steps.len() < 40, "{length} bytes");
        }
    }

    #[test]
    #[should_panic(expected = "receipts-explain-balances is violated")]
    fn a_lost_unit_is_found() {
        for run in 0..20 {
            nothing_is_violated(&bytes(run), |genesis, _| {
                Ok(Box::new(Canary::new(genesis, Defect::UnitLost)?))
            });
        }
    }
}

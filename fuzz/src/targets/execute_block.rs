//! Whole runs, with the fuzzer's bytes in place of the seed.

use lockstep_harness::choice::FromBytes;
use lockstep_sim::from_bytes::{self, SIGNATURES, SIZE, assert_nothing_is_violated};
use lockstep_sim::subject::Core;

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
    let execution = from_bytes::execution(&mut choices);
    let scenario = from_bytes::scenario(&mut choices, SIZE, SIGNATURES);
    assert_nothing_is_violated(scenario, |genesis, hash_seed| {
        Ok(Box::new(Core::executed(execution, genesis, hash_seed)?))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_harness::choice::{Choices, Seeded};
    use lockstep_sim::canary::{Canary, CanaryBug};

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
            let scenario = from_bytes::scenario(&mut choices, SIZE, SIGNATURES);
            assert!((1..=2).contains(&scenario.blocks()), "{length} bytes");
            assert!(scenario.transactions() <= 8, "{length} bytes");
        }
    }

    #[test]
    #[should_panic(expected = "is violated in step 0 by canary")]
    fn a_lost_unit_is_found() {
        for run in 0..20 {
            let scenario = from_bytes::scenario(&mut FromBytes(&bytes(run)), SIZE, SIGNATURES);
            assert_nothing_is_violated(scenario, |genesis, _| {
                Ok(Box::new(Canary::new(genesis, CanaryBug::UnitLost)?))
            });
        }
    }
}

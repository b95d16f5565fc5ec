//! The runs of a campaign: what is drawn for a seed and a run, and the extras beside it.
//!
//! The choices of a run come from the stream of its seed. Extras come from a second stream, derived
//! from the same two numbers, so that they may grow without a change of what a seed has meant before:
//! under [`Preset::Ordinary`] there are none, and every other preset draws the same scenario unless
//! the run has a [tail](super::tails). Under [`Preset::Default`] a third stream adds
//! [panics](super::failures) to the faults of a run, and a fourth one the steps of a
//! [mempool](super::mempool) to one ordinary run of three.

use lockstep_harness::campaign::RunId;
use lockstep_harness::choice::{Choices, Seeded};

use super::tails::{Dimension, Tail};
use super::{
    Preset, Profile, Size, add_failures, mempool, of_profile, profile_with_preset,
    scenario_with_preset,
};
use crate::scenario::Scenario;

/// Added to the seed for the stream of extras.
const EXTRAS: u64 = 0xd1b5_4a32_d192_ed03;

/// Added to the seed for the stream of panics.
const PANICS: u64 = 0x8cb9_2ba7_2f3d_8dd7;

/// Added to the seed for the stream of the steps of a mempool.
const OF_MEMPOOLS: u64 = 0x6d65_6d70_6f6f_6c73;

/// One ordinary run of so many has a mempool.
const MEMPOOL_ONE_IN: u64 = 3;

/// Draws the profile and the scenario of a run.
#[must_use]
pub fn of_run(run: RunId, preset: Preset) -> (Profile, Scenario) {
    match tail_of(run, preset) {
        Some((profile, mut extras)) => of_profile(&mut extras, profile),
        None => {
            let (profile, mut scenario) =
                scenario_with_preset(&mut ordinary(run), Size::CAMPAIGN, preset);
            if preset == Preset::Default {
                let mut choices = Seeded::new(run.seed.wrapping_add(PANICS), run.run);
                add_failures(&mut scenario, 3, &mut choices);
            }
            let mut extras = Seeded::new(run.seed.wrapping_add(OF_MEMPOOLS), run.run);
            if preset == Preset::Default && extras.chance(1, MEMPOOL_ONE_IN) {
                mempool::add_steps(&mut scenario, &profile, &mut extras);
            }
            (profile, scenario)
        }
    }
}

/// Draws the profile alone: that of [`of_run`].
#[must_use]
pub fn profile_of_run(run: RunId, preset: Preset) -> Profile {
    match tail_of(run, preset) {
        Some((profile, _)) => profile,
        None => profile_with_preset(&mut ordinary(run), Size::CAMPAIGN, preset),
    }
}

fn ordinary(run: RunId) -> Seeded {
    Seeded::new(run.seed, run.run)
}

/// Draws the profile of a run with a tail, and returns the stream behind it.
fn tail_of(run: RunId, preset: Preset) -> Option<(Profile, Seeded)> {
    if preset == Preset::Ordinary {
        return None;
    }
    let dimension = Dimension::of_run(run)?;
    let mut extras = Seeded::new(run.seed.wrapping_add(EXTRAS), run.run);
    let mut profile = Tail::draw(dimension, &mut extras);
    preset.emphasise(&mut profile);
    Some((profile, extras))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Fault, Step};

    fn run(run: u64) -> RunId {
        RunId { seed: 7, run }
    }

    #[test]
    fn the_ordinary_preset_draws_what_the_choices_of_a_seed_alone_do() {
        for index in 0..40 {
            let alone =
                scenario_with_preset(&mut Seeded::new(7, index), Size::CAMPAIGN, Preset::Default);
            assert_eq!(of_run(run(index), Preset::Ordinary), alone);
            let is_of_a_mempool =
                |step: &Step| matches!(step, Step::Pool(_) | Step::Submit(_) | Step::Template(_));
            if Dimension::of_run(run(index)).is_none() {
                let (profile, mut scenario) = of_run(run(index), Preset::Default);
                scenario
                    .steps
                    .retain(|step| !is_panic(step) && !is_of_a_mempool(step));
                assert_eq!((&profile, scenario.genesis), (&alone.0, alone.1.genesis));
                let steps = alone.1.steps.into_iter().filter(|step| !is_panic(step));
                let steps: Vec<Step> = steps.collect();
                // Rewinds of the mempool's own blocks come behind them.
                assert_eq!(scenario.steps[..steps.len()], steps);
            }
        }
    }

    /// True for what the third stream adds; the other streams draw another panic.
    fn is_panic(step: &Step) -> bool {
        matches!(
            step,
            Step::Fault(Fault::PanicAtRead { .. } | Fault::PanicInCommit { .. })
        )
    }

    #[test]
    fn a_run_with_a_tail_is_extreme_in_its_dimension() {
        for index in 0..143 {
            let Some(dimension) = Dimension::of_run(run(index)) else {
                continue;
            };
            let (profile, scenario) = of_run(run(index), Preset::Default);
            assert_eq!(profile.tail.dimension, Some(dimension));
            let longest = longest_block(&scenario);
            match dimension {
                Dimension::Transactions | Dimension::Cells => assert!(longest > 1_000),
                Dimension::Blocks => assert!(scenario.blocks() >= 63),
                Dimension::Accounts => assert!(profile.accounts >= 1_023),
                Dimension::Workers => assert!(scenario.workers.is_some()),
                _ => assert!(longest < 500, "{profile}"),
            }
        }
    }

    fn longest_block(scenario: &Scenario) -> usize {
        let blocks = scenario.steps.iter().filter_map(|step| match step {
            crate::scenario::Step::Block(block) => Some(block.transactions.len()),
            _ => None,
        });
        blocks.max().unwrap_or(0)
    }
}

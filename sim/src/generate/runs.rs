//! The runs of a campaign: what is drawn for a seed and a run, and the extras beside it.
//!
//! The choices of a run come from the stream of its seed. Extras come from a second stream, derived
//! from the same two numbers, so that they may grow without a change of what a seed has meant before:
//! under [`Preset::Ordinary`] there are none, and every other preset draws the same scenario, with a few
//! blocks of [exact edges](super::edges) behind it in every second run, unless the run has a
//! [tail](super::tails). Under [`Preset::Default`] some runs are the turn of a [kind of
//! fault](super::fault_turns), a third stream adds [panics](super::failures) to the faults of the others, and
//! a fourth one the steps of a [mempool](super::mempool) to one ordinary run of three.

use lockstep_harness::campaign::RunId;
use lockstep_harness::choice::{Choices, Seeded};

use super::dimension::{Dimension, TURNS, Tail};
use super::faults::FaultTurn;
use super::{
    Preset, Profile, Size, add_failures, edges, mempool, of_profile, of_profile_so_far,
    profile_with_preset,
};
use crate::scenario::Scenario;

/// Added to the seed for the stream of extras.
const EXTRAS: u64 = 0xd1b5_4a32_d192_ed03;

/// Added to the seed for the stream of panics.
const PANICS: u64 = 0x8cb9_2ba7_2f3d_8dd7;

/// Added to the seed for the stream of the steps of a mempool.
const OF_MEMPOOLS: u64 = 0x6d65_6d70_6f6f_6c73;

/// One ordinary run of N has a mempool.
const MEMPOOL_ONE_IN: u64 = 3;

/// Draws the profile and the scenario of a run.
#[must_use]
pub fn of_run(run: RunId, preset: Preset) -> (Profile, Scenario) {
    let (profile, mut choices) = profile_and_rest(run, preset);
    if profile.tail.dimension.is_some() {
        return of_profile(&mut choices.extras, profile);
    }
    if let Some(turn) = profile.fault_turn {
        let (profile, mut scenario) = of_profile(&mut choices.extras, profile);
        turn.add_faults(&mut scenario, &mut choices.extras);
        return (profile, scenario);
    }
    let (profile, mut scenario, progress) = of_profile_so_far(&mut choices.ordinary, profile);
    edges::append(
        &mut choices.extras,
        &profile,
        preset,
        progress,
        &mut scenario.steps,
    );
    if preset == Preset::Default {
        let mut panics = Seeded::new(run.seed.wrapping_add(PANICS), run.run);
        add_failures(&mut scenario, 3, &mut panics);
        let mut of_mempools = Seeded::new(run.seed.wrapping_add(OF_MEMPOOLS), run.run);
        if of_mempools.chance(1, MEMPOOL_ONE_IN) {
            mempool::add_steps(&mut scenario, &profile, &mut of_mempools);
        }
    }
    (profile, scenario)
}

/// Draws a small profile with transactions at exact edges, and a scenario of that profile.
pub fn with_edges(choices: &mut impl Choices) -> (Profile, Scenario) {
    let mut profile = Profile::draw(choices, Size::SMALL);
    edges::weigh(&mut profile, Preset::Default, 8);
    of_profile(choices, profile)
}

/// Draws a profile that is extreme in a dimension, and a scenario of that profile.
pub fn with_tail(choices: &mut impl Choices, dimension: Dimension) -> (Profile, Scenario) {
    let turn = choices.below(6);
    let profile = Tail::draw(dimension, turn, choices);
    of_profile(choices, profile)
}

/// Draws the profile alone: that of [`of_run`].
#[must_use]
pub fn profile_of_run(run: RunId, preset: Preset) -> Profile {
    profile_and_rest(run, preset).0
}

/// The two streams of a run.
struct Streams {
    ordinary: Seeded,
    extras: Seeded,
}

/// Draws the profile of a run, and returns the streams behind it.
fn profile_and_rest(run: RunId, preset: Preset) -> (Profile, Streams) {
    let mut choices = Streams {
        ordinary: Seeded::new(run.seed, run.run),
        extras: Seeded::new(run.seed.wrapping_add(EXTRAS), run.run),
    };
    let has_extras = preset != Preset::Ordinary;
    if let Some(turn) = TURNS.of_run(run).filter(|_| has_extras) {
        let dimension = turn.value;
        let mut profile = Tail::draw(dimension, turn.before, &mut choices.extras);
        preset.emphasise(&mut profile);
        if !dimension.is_of_large_blocks() {
            edges::weigh(&mut profile, preset, 1);
        }
        return (profile, choices);
    }
    if let Some(turn) = FaultTurn::of_run(run).filter(|_| preset == Preset::Default) {
        return (turn.profile(&mut choices.extras), choices);
    }
    let mut profile = profile_with_preset(&mut choices.ordinary, Size::CAMPAIGN, preset);
    if has_extras {
        profile.extra_blocks = choices.extras.pick(&[0, 0, 1, 2]);
    }
    (profile, choices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::scenario_with_preset;
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
            let is_ordinary = FaultTurn::of_run(run(index)).is_none();
            if is_ordinary && Dimension::of_run(run(index)).is_none() {
                let (_, mut scenario) = of_run(run(index), Preset::Default);
                scenario
                    .steps
                    .retain(|step| !is_panic(step) && !is_of_a_mempool(step));
                let steps = alone.1.steps.into_iter().filter(|step| !is_panic(step));
                let steps: Vec<Step> = steps.collect();
                // Blocks of edges and rewinds of the mempool's own blocks come behind them.
                assert_eq!(scenario.steps.get(..steps.len()), Some(&steps[..]));
                assert_eq!(scenario.genesis, alone.1.genesis);
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
        for index in 0..91 {
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

//! What a campaign does: which runs, bent how, and when it is enough.
//!
//! Which run comes when is arithmetic on the plan, so shards of one campaign need no coordinator
//! and have no run in common.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::generate::{self, Preset, Profile, Size};
use crate::scenario::Scenario;
use lockstep_harness::choice::Seeded;

/// What a campaign does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The runs there are.
    pub cases: Cases,
    /// Which of them are this campaign's.
    pub shard: Shard,
    /// What all of them are about.
    pub preset: Preset,
    /// When it ends, if the runs do not end before.
    pub enough: Enough,
    /// Added to the hash seed of every run. No result depends on it.
    pub hash_seed: u64,
    /// Every so many runs one is done twice and compared, the first one included.
    pub twice_every: u64,
    /// It also ends with so many findings.
    pub most_findings: usize,
}

/// One run: everything that it draws depends on these two and the preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// The seed.
    pub seed: u64,
    /// Which of the streams of choices that the seed has.
    pub run: u64,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {} of seed {}", self.run, self.seed)
    }
}

/// The runs there are, one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cases {
    /// Every run of one seed, without end.
    OfSeed(u64),
    /// The first run of every seed.
    Seeds(Range<u64>),
    /// This one, chosen by hand.
    One(Case),
}

/// Every `of`th run, from the one with this index on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which shard, below `of`.
    pub index: u64,
    /// How many shards there are, at least 1.
    pub of: u64,
}

impl Shard {
    /// The only one.
    pub const WHOLE: Shard = Shard { index: 0, of: 1 };
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// When a campaign is long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enough {
    /// All shards together have taken at least so much, each its part.
    Taken {
        /// Blocks.
        blocks: u64,
        /// Transactions in them.
        transactions: u64,
    },
    /// It has been going on for so long.
    Time(Duration),
    /// There are no more runs.
    AllCases,
}

impl Plan {
    /// The run with this index, counted from 0 within this shard; `None` where there are no more.
    #[must_use]
    pub fn case(&self, index: u64) -> Option<Case> {
        let at = index
            .checked_mul(self.shard.of)?
            .checked_add(self.shard.index)?;
        match &self.cases {
            Cases::OfSeed(seed) => Some(Case {
                seed: *seed,
                run: at,
            }),
            Cases::Seeds(seeds) => {
                let seed = seeds.start.checked_add(at)?;
                (seed < seeds.end).then_some(Case { seed, run: 0 })
            }
            Cases::One(case) => (at == 0).then_some(*case),
        }
    }

    /// Whether the run with this index is done twice.
    #[must_use]
    pub const fn is_twice(&self, index: u64) -> bool {
        match self.twice_every {
            0 => false,
            every => index.is_multiple_of(every),
        }
    }

    /// What a run is like, without drawing the rest of it.
    #[must_use]
    pub fn profile(&self, case: Case) -> Profile {
        let mut choices = Seeded::new(case.seed, case.run);
        generate::profile_bent(&mut choices, Size::CAMPAIGN, self.preset)
    }

    /// The scenario of a run.
    #[must_use]
    pub fn scenario(&self, case: Case) -> Scenario {
        let mut choices = Seeded::new(case.seed, case.run);
        let (_, mut scenario) = generate::scenario_bent(&mut choices, Size::CAMPAIGN, self.preset);
        scenario.hash_seed ^= self.hash_seed;
        scenario
    }

    /// Whether it is asked for everything that must be reached. A run that was chosen by hand is
    /// not, and neither is a shard: all shards are together.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.shard.of == 1 && !matches!(self.cases, Cases::One(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(cases: Cases, index: u64, of: u64) -> Plan {
        Plan {
            cases,
            shard: Shard { index, of },
            preset: Preset::Default,
            enough: Enough::AllCases,
            hash_seed: 0,
            twice_every: 8,
            most_findings: 1,
        }
    }

    #[test]
    fn shards_have_every_run_once_between_them() {
        for of in 1..=7 {
            let mut seeds: Vec<u64> = (0..of)
                .flat_map(|index| {
                    let plan = plan(Cases::Seeds(10..33), index, of);
                    (0..).map_while(move |index| plan.case(index))
                })
                .map(|case| case.seed)
                .collect();
            seeds.sort_unstable();
            assert_eq!(seeds, (10..33).collect::<Vec<_>>(), "{of} shards");
        }
    }

    #[test]
    fn a_shard_of_one_seed_has_every_nth_run() {
        let plan = plan(Cases::OfSeed(9), 2, 5);
        let runs: Vec<Case> = (0..3).filter_map(|index| plan.case(index)).collect();
        let expected = [2, 7, 12].map(|run| Case { seed: 9, run });
        assert_eq!(runs, expected);
    }

    #[test]
    fn the_last_run_there_could_be_is_the_last() {
        let plan = plan(Cases::Seeds(u64::MAX - 1..u64::MAX), 0, 1);
        assert!(plan.case(0).is_some());
        assert_eq!(plan.case(1), None);
        assert_eq!(plan.case(u64::MAX), None);
    }

    #[test]
    fn the_profile_alone_is_that_of_the_scenario() {
        for preset in Preset::ALL {
            let plan = Plan {
                preset,
                ..plan(Cases::OfSeed(3), 0, 1)
            };
            let case = Case { seed: 3, run: 1 };
            let (profile, scenario) =
                generate::scenario_bent(&mut Seeded::new(3, 1), Size::CAMPAIGN, preset);
            assert_eq!(plan.profile(case), profile);
            assert_eq!(plan.scenario(case), scenario);
        }
    }
}

//! Plan of a campaign: its runs, and the condition that ends it.
//!
//! The order of runs is arithmetic on the plan, so shards of one campaign need no coordinator and
//! have no run in common.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::watchdog::RUN_TIMEOUT;

/// Runs, shard and end of a campaign; the content of its runs is the workload's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The runs of all shards together.
    pub runs: Runs,
    /// The share of them that is this campaign's.
    pub shard: Shard,
    /// The condition that ends it, if the runs do not end before.
    pub enough: Enough,
    /// Every `repeat_every`th run is executed twice and compared, the first one included; 0 for none.
    pub repeat_every: u64,
    /// It also ends with this many findings, those of one kind counted each; at least 1.
    pub most_findings: usize,
    /// True if the workload's self-check comes first.
    pub is_self_checked: bool,
    /// A run that is silent for longer does not end, which is a finding.
    pub run_timeout: Duration,
}

/// Name of one run: everything that it draws depends on these two and on the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId {
    /// The seed.
    pub seed: u64,
    /// Index of the stream of choices of that seed.
    pub run: u64,
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {} of seed {}", self.run, self.seed)
    }
}

/// The runs there are, one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runs {
    /// Every run of one seed, without end.
    OfSeed(u64),
    /// The first run of every seed.
    Seeds(Range<u64>),
    /// This one, chosen by hand.
    One(RunId),
}

impl fmt::Display for Runs {
    /// As records name them: `7`, `0..200`, `7 run 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Runs::OfSeed(seed) => write!(f, "{seed}"),
            Runs::Seeds(seeds) => write!(f, "{}..{}", seeds.start, seeds.end),
            Runs::One(run) => write!(f, "{} run {}", run.seed, run.run),
        }
    }
}

/// Every `of`th run, from the one with this index on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Index of the shard, below `of`.
    pub index: u64,
    /// Number of shards, at least 1.
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

/// Condition under which a campaign is long enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enough {
    /// All shards together have at least this much of each of these quantities, each its part.
    Totals(Vec<(&'static str, u64)>),
    /// It has been going on for this long.
    Time(Duration),
    /// There are no more runs.
    AllRuns,
}

impl Plan {
    /// A plan of these runs and no others, each executed once, after a self-check.
    #[must_use]
    pub const fn of(runs: Runs) -> Self {
        Plan {
            runs,
            shard: Shard::WHOLE,
            enough: Enough::AllRuns,
            repeat_every: 0,
            most_findings: 1,
            is_self_checked: true,
            run_timeout: RUN_TIMEOUT,
        }
    }

    /// The run with this index, counted from 0 within this shard; `None` where there are no more.
    #[must_use]
    pub fn run(&self, index: u64) -> Option<RunId> {
        let at = index
            .checked_mul(self.shard.of)?
            .checked_add(self.shard.index)?;
        match &self.runs {
            Runs::OfSeed(seed) => Some(RunId {
                seed: *seed,
                run: at,
            }),
            Runs::Seeds(seeds) => {
                let seed = seeds.start.checked_add(at)?;
                (seed < seeds.end).then_some(RunId { seed, run: 0 })
            }
            Runs::One(run) => (at == 0).then_some(*run),
        }
    }

    /// True if the run with this index is executed twice.
    #[must_use]
    pub const fn is_repeated(&self, index: u64) -> bool {
        match self.repeat_every {
            0 => false,
            every => index.is_multiple_of(every),
        }
    }

    /// True if the campaign must reach every required coverage point by itself. A run that was chosen by
    /// hand need not, and neither need a shard: all shards must together.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.shard.of == 1 && !matches!(self.runs, Runs::One(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(runs: Runs, index: u64, of: u64) -> Plan {
        Plan {
            shard: Shard { index, of },
            ..Plan::of(runs)
        }
    }

    #[test]
    fn shards_have_every_run_once_between_them() {
        for of in 1..=7 {
            let mut seeds: Vec<u64> = (0..of)
                .flat_map(|index| {
                    let plan = plan(Runs::Seeds(10..33), index, of);
                    (0..).map_while(move |index| plan.run(index))
                })
                .map(|run| run.seed)
                .collect();
            seeds.sort_unstable();
            assert_eq!(seeds, (10..33).collect::<Vec<_>>(), "{of} shards");
        }
    }

    #[test]
    fn a_shard_of_one_seed_has_every_nth_run() {
        let plan = plan(Runs::OfSeed(9), 2, 5);
        let runs: Vec<RunId> = (0..3).filter_map(|index| plan.run(index)).collect();
        let expected = [2, 7, 12].map(|run| RunId { seed: 9, run });
        assert_eq!(runs, expected);
    }

    #[test]
    fn the_last_run_there_could_be_is_the_last() {
        let plan = plan(Runs::Seeds(u64::MAX - 1..u64::MAX), 0, 1);
        assert!(plan.run(0).is_some());
        assert_eq!(plan.run(1), None);
        assert_eq!(plan.run(u64::MAX), None);
    }
}

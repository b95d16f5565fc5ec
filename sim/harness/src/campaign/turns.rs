//! Turns of the runs of a campaign: what is too rare to be left to chance follows one after another.

use super::plan::RunId;

/// Turns of values among the runs of a campaign: one run of `every` is one.
///
/// With two primes, `every` and the number of turns, every shard gets its share of each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turns<T: 'static> {
    /// One run of this many is a turn.
    pub every: u64,
    /// The first run of seed 0 that is one.
    pub first: u64,
    /// The values in the order of their turns; one that stands here twice has two turns of each round.
    pub of: &'static [T],
}

/// A run that is the turn of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn<T> {
    /// The value.
    pub value: T,
    /// Number of rounds of all values before it.
    pub round: u64,
    /// Number of turns that the value had before it.
    pub before: u64,
}

impl<T: Copy + PartialEq> Turns<T> {
    /// Returns the turn that a run is; `None` for most runs.
    #[must_use]
    pub fn of_run(&self, run: RunId) -> Option<Turn<T>> {
        let at = run.seed.wrapping_add(run.run);
        if at % self.every != self.first {
            return None;
        }
        let turns = self.of.len() as u64;
        let turn = usize::try_from(at / self.every % turns).expect("turns are few");
        let value = self.of[turn];
        let count = |of: &[T]| of.iter().filter(|other| **other == value).count() as u64;
        let round = at / self.every / turns;
        Some(Turn {
            value,
            round,
            before: round * count(self.of) + count(&self.of[..turn]),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const VALUES: [u8; 13] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

    #[test]
    fn every_value_has_its_turn_in_one_round_of_any_seed_and_any_shard() {
        for of in [&VALUES[..7], &VALUES[..11], &VALUES] {
            let turns = Turns {
                every: 7,
                first: 4,
                of,
            };
            for (seed, shards) in
                (0..20).flat_map(|seed| [1, 2, 3, 4, 5, 6, 8].map(|of| (seed, of)))
            {
                for index in 0..shards {
                    let runs = (0..7 * of.len() as u64).map(|at| at * shards + index);
                    let seen: BTreeSet<u8> = runs
                        .filter_map(|run| turns.of_run(RunId { seed, run }))
                        .map(|turn| turn.value)
                        .collect();
                    assert_eq!(seen.len(), of.len(), "shard {index}/{shards}");
                }
            }
        }
    }

    #[test]
    fn turns_of_a_value_are_counted() {
        let turns = Turns {
            every: 2,
            first: 1,
            of: &["a", "b", "a"],
        };
        let of_runs: Vec<_> = (0..10)
            .filter_map(|run| turns.of_run(RunId { seed: 0, run }))
            .map(|turn| (turn.value, turn.round, turn.before))
            .collect();
        let expected = [
            ("a", 0, 0),
            ("b", 0, 0),
            ("a", 0, 1),
            ("a", 1, 2),
            ("b", 1, 1),
        ];
        assert_eq!(of_runs, expected);
    }
}

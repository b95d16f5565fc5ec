//! Role pools: a few names, from which every role of a case picks.
//!
//! A sender that is also the fee receiver, a receiver that is created in the same block, a contract that is
//! destroyed after it was paid: such aliases find what patterns of conflicts never find, and they arise by
//! themselves where every role (sender, receiver, fee receiver, contract, to be created, destroyed, never
//! seen) picks from the same few names.

use crate::choice::Choices;

/// The names of one case, as numbers from 0. Each case draws how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RolePool {
    names: u8,
}

/// Largest number of names of a case.
pub const MOST_NAMES: u8 = 8;

impl RolePool {
    /// A pool of `names` names, at least 1.
    #[must_use]
    pub fn of(names: u8) -> Self {
        RolePool {
            names: names.max(1),
        }
    }

    /// Draws the pool of a case: 2 to [`MOST_NAMES`] names, mostly few.
    pub fn draw(choices: &mut impl Choices) -> Self {
        let few = choices.between(2, 4);
        let many = choices.between(2, u64::from(MOST_NAMES));
        let names = if choices.chance(3, 4) { few } else { many };
        RolePool::of(u8::try_from(names).expect("names are at most MOST_NAMES"))
    }

    /// Number of names.
    #[must_use]
    pub const fn names(self) -> u8 {
        self.names
    }

    /// Picks the name of a role. The first names are picked more often than the last.
    pub fn pick(self, choices: &mut impl Choices) -> u8 {
        let [one, other] = [0, 0].map(|_: u8| choices.below(u64::from(self.names)));
        u8::try_from(one.min(other)).expect("a name is below the number of names")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::Seeded;

    #[test]
    fn every_name_is_picked_and_the_first_most() {
        let mut choices = Seeded::new(1, 0);
        let pool = RolePool::of(4);
        let mut picked = [0; 4];
        for _ in 0..400 {
            picked[usize::from(pool.pick(&mut choices))] += 1;
        }
        assert!(picked.is_sorted_by(|one, next| one > next), "{picked:?}");
        assert!(picked[3] > 0);
    }

    #[test]
    fn pools_have_two_to_eight_names() {
        let mut sizes = [0; 10];
        for run in 0..400 {
            sizes[usize::from(RolePool::draw(&mut Seeded::new(2, run)).names())] += 1;
        }
        assert_eq!((sizes[0], sizes[1], sizes[9]), (0, 0, 0));
        assert!(sizes[2..=8].iter().all(|count| *count > 0), "{sizes:?}");
        assert_eq!(RolePool::of(0).names(), 1);
    }
}

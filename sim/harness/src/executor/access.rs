//! Ready-made conflict patterns: blocks of symbolic accesses that an adapter maps onto its intents.
//!
//! They are for bugs of schedules: a chain of dependencies, one hot name, readers behind a writer, names that are
//! created, deleted and read while they are absent. An adapter that maps none of them has blocks of its own
//! drawn transactions alone.

use crate::choice::Choices;

use super::roles::RolePool;

/// One symbolic transaction over the names of a [`RolePool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Reads `from` and writes what depends on it to `to`.
    Copy {
        /// The name that is read.
        from: u8,
        /// The name that is written.
        to: u8,
    },
    /// Adds to a name without depending on its value.
    Add {
        /// The name.
        to: u8,
    },
    /// Reads a name, and fails.
    Fail {
        /// The name.
        at: u8,
    },
    /// Creates a name that may be absent.
    Create {
        /// The name.
        at: u8,
    },
    /// Deletes a name that may be there.
    Delete {
        /// The name.
        at: u8,
    },
    /// Reads a name that no other role has, and writes what depends on its absence to `to`.
    ReadAbsent {
        /// The name that is written.
        to: u8,
    },
}

/// The order of conflicts in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pattern {
    /// Each transaction reads what the one before it wrote.
    Chain,
    /// All write one name.
    Hot,
    /// Many read what one of them writes.
    ReadersOfOne,
    /// Names appear, are read, and disappear.
    Lifetimes,
    /// Accesses without an order.
    Mixed,
}

const PATTERNS: [Pattern; 5] = [
    Pattern::Chain,
    Pattern::Hot,
    Pattern::ReadersOfOne,
    Pattern::Lifetimes,
    Pattern::Mixed,
];

/// Draws the accesses of a block of `count` transactions with one conflict pattern.
pub fn draw(roles: RolePool, count: usize, choices: &mut impl Choices) -> Vec<Access> {
    let pattern = choices.pick(&PATTERNS);
    let hot = roles.pick(choices);
    let step = |index: usize| u8::try_from(index % usize::from(roles.names())).unwrap_or_default();
    (0..count)
        .map(|index| match pattern {
            Pattern::Chain => Access::Copy {
                from: step(index),
                to: step(index + 1),
            },
            Pattern::Hot => match choices.below(4) {
                0 => Access::Copy { from: hot, to: hot },
                1 => Access::Fail { at: hot },
                _ => Access::Add { to: hot },
            },
            Pattern::ReadersOfOne => match choices.chance(1, 4) {
                true => Access::Add { to: hot },
                false => Access::Copy {
                    from: hot,
                    to: roles.pick(choices),
                },
            },
            Pattern::Lifetimes => match choices.below(4) {
                0 => Access::Create { at: hot },
                1 => Access::Delete { at: hot },
                2 => Access::Copy {
                    from: hot,
                    to: roles.pick(choices),
                },
                _ => Access::Add { to: hot },
            },
            Pattern::Mixed => mixed(roles, choices),
        })
        .collect()
}

fn mixed(roles: RolePool, choices: &mut impl Choices) -> Access {
    let at = roles.pick(choices);
    match choices.below(6) {
        0 => Access::Add { to: at },
        1 => Access::Fail { at },
        2 => Access::Create { at },
        3 => Access::Delete { at },
        4 => Access::ReadAbsent { to: at },
        _ => Access::Copy {
            from: at,
            to: roles.pick(choices),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::choice::Seeded;

    #[test]
    fn every_access_is_drawn_and_a_chain_is_a_chain() {
        let mut kinds = BTreeSet::new();
        let mut chains = 0;
        for run in 0..200 {
            let accesses = draw(RolePool::of(4), 6, &mut Seeded::new(1, run));
            assert_eq!(accesses.len(), 6);
            let is_link = |pair: &[Access]| match pair {
                [Access::Copy { to, .. }, Access::Copy { from, .. }] => to == from,
                _ => false,
            };
            chains += u32::from(accesses.windows(2).all(is_link));
            kinds.extend(
                accesses
                    .iter()
                    .map(std::mem::discriminant)
                    .map(|kind| format!("{kind:?}")),
            );
        }
        assert_eq!(kinds.len(), 6, "{kinds:?}");
        assert!(chains > 20, "{chains}");
    }
}

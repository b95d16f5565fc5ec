//! Rules of the machine: registers with numbers, operations on them, blocks in order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::executor::observation::{Observation, Part};

/// The registers that exist, by name.
pub(super) type Registers = BTreeMap<u8, u64>;

/// Everything of a case but its operations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The registers before the first block.
    pub registers: BTreeMap<u8, u64>,
    /// Largest number of transactions of a block.
    pub most_transactions: u64,
}

impl Environment {
    /// Admits a block of this many transactions.
    ///
    /// # Errors
    ///
    /// The kind of refusal.
    pub(super) fn admits(&self, transactions: usize) -> Result<(), &'static str> {
        match transactions as u64 <= self.most_transactions {
            true => Ok(()),
            false => Err("too many transactions"),
        }
    }
}

/// An operation, which is a transaction of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Moves an amount from one register to another, which it creates if need be.
    Move {
        /// The register that loses it.
        from: u8,
        /// The register that gets it.
        to: u8,
        /// The amount.
        amount: u64,
    },
    /// Sets a register to a number that depends on another.
    Copy {
        /// The register that is read.
        from: u8,
        /// The register that is set.
        to: u8,
    },
    /// Adds to a register that exists.
    Add {
        /// The register.
        to: u8,
        /// The number.
        amount: u64,
    },
    /// Reads a register, and fails.
    Fail {
        /// The register.
        at: u8,
    },
    /// Creates a register that is absent, with 0.
    Create {
        /// The register.
        at: u8,
    },
    /// Deletes a register.
    Delete {
        /// The register.
        at: u8,
    },
}

/// Result of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) outcome: &'static str,
    pub(super) cost: u64,
    /// The registers that it sets or deletes, in order.
    pub(super) writes: Vec<(u8, Option<u64>)>,
}

/// Executes an operation on what `read` gives. `mints`: a move to the same register adds.
pub(super) fn effect(
    operation: Operation,
    mints: bool,
    mut read: impl FnMut(u8) -> Option<u64>,
) -> Effect {
    let of = |outcome, writes: Vec<(u8, Option<u64>)>| Effect {
        outcome,
        cost: 1 + writes.len() as u64,
        writes,
    };
    let failed = |outcome| of(outcome, Vec::new());
    match operation {
        Operation::Move { from, to, amount } => {
            let Some(left) = read(from).and_then(|value| value.checked_sub(amount)) else {
                return failed("insufficient");
            };
            if from == to && !mints {
                return of("applied", vec![(from, Some(left + amount))]);
            }
            let before = if from == to {
                Some(left + amount)
            } else {
                read(to)
            };
            match before.unwrap_or(0).checked_add(amount) {
                Some(sum) => of("applied", vec![(from, Some(left)), (to, Some(sum))]),
                None => failed("overflow"),
            }
        }
        Operation::Copy { from, to } => match read(from) {
            Some(value) => of("applied", vec![(to, Some(value.wrapping_mul(3) % 1_009))]),
            None => failed("absent"),
        },
        Operation::Add { to, amount } => match read(to).map(|value| value.checked_add(amount)) {
            Some(Some(sum)) => of("applied", vec![(to, Some(sum))]),
            Some(None) => failed("overflow"),
            None => failed("absent"),
        },
        Operation::Fail { at } => match read(at) {
            Some(_) => failed("failed"),
            None => failed("absent"),
        },
        Operation::Create { at } => match read(at) {
            Some(_) => failed("failed"),
            None => of("applied", vec![(at, Some(0))]),
        },
        Operation::Delete { at } => match read(at) {
            Some(_) => of("applied", vec![(at, None)]),
            None => failed("absent"),
        },
    }
}

/// Applies the writes of an operation.
pub(super) fn apply(registers: &mut Registers, writes: &[(u8, Option<u64>)]) {
    for (name, value) in writes {
        match value {
            Some(value) => registers.insert(*name, *value),
            None => registers.remove(name),
        };
    }
}

/// Executes a block, one operation after another.
pub(super) fn block_in_order(
    registers: &mut Registers,
    block: &[Operation],
    mints: bool,
) -> Observation {
    let before = registers.clone();
    let mut effects = Vec::new();
    for operation in block {
        let effect = effect(*operation, mints, |name| registers.get(&name).copied());
        apply(registers, &effect.writes);
        effects.push(effect);
    }
    observation(&before, registers, &effects)
}

/// The observation of an executed block.
pub(super) fn observation(
    before: &Registers,
    after: &Registers,
    effects: &[Effect],
) -> Observation {
    let mut observation = Observation::default();
    for (index, effect) in effects.iter().enumerate() {
        observation.note(Part::Outcome, index, effect.outcome);
        observation.note(Part::Gas, index, effect.cost);
    }
    let names: std::collections::BTreeSet<u8> =
        before.keys().chain(after.keys()).copied().collect();
    for name in names {
        let (before, after) = (before.get(&name), after.get(&name));
        if before != after {
            let value = after.map_or_else(|| "deleted".to_owned(), u64::to_string);
            observation.note(Part::Change, in_words(name), value);
        }
        if let Some(after) = after {
            observation.note(Part::State, in_words(name), after);
        }
    }
    observation.sorted()
}

/// The name of a register, in the order of its number.
fn in_words(name: u8) -> String {
    format!("register {name:03}")
}

/// The sum of all registers.
pub(super) fn total(registers: &Registers) -> u128 {
    registers.values().copied().map(u128::from).sum()
}

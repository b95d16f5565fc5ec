//! The canary of executor trials: a machine of registers with a small parallel executor, right but for one
//! seeded bug at a time.
//!
//! A campaign of trials detects some of its bugs first: a judge that lets them pass detects nothing. It is also
//! an adapter of ordinary size, with every optional method.

mod machine;
mod parallel;
mod seeded_bugs;
mod self_check;

pub use machine::{Environment, Operation};
pub use seeded_bugs::RegisterBug;
pub use self_check::{SELF_CHECKS, self_check};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::choice::Choices;
use crate::coverage::Coverage;
use crate::executor::access::Access;
use crate::executor::adapter::{Adapter, Broken, Size};
use crate::executor::observation::{Executed, Observation, Part};
use crate::executor::roles::RolePool;

use machine::{Registers, block_in_order, total};

/// The machine of registers, with a seeded bug or without one.
#[derive(Debug, Default)]
pub struct RegisterMachine {
    bug: Option<RegisterBug>,
    /// Executions of a block so far, for the bugs that depend on more than their arguments.
    executions: AtomicU64,
}

impl RegisterMachine {
    /// A machine with this bug, or the right one.
    #[must_use]
    pub fn new(bug: Option<RegisterBug>) -> Self {
        RegisterMachine {
            bug,
            ..RegisterMachine::default()
        }
    }

    fn has(&self, bug: RegisterBug) -> bool {
        self.bug == Some(bug)
    }

    /// True in every fifth call: no case has five blocks, so another execution of it differs.
    fn is_fifth_execution(&self) -> bool {
        self.executions.fetch_add(1, Ordering::Relaxed) % 5 == 4
    }
}

impl Adapter for RegisterMachine {
    type Environment = Environment;
    type Intent = Operation;
    type State = Registers;
    type Transaction = Operation;

    const NAME: &'static str = "register machine";

    const SIZE: Size = Size {
        most_blocks: 3,
        ..Size::DEFAULT
    };

    fn environment(&self, roles: RolePool, choices: &mut impl Choices) -> Environment {
        let mut registers = BTreeMap::new();
        for name in 0..roles.names() {
            if choices.chance(3, 4) {
                registers.insert(name, choices.between(0, 100));
            }
        }
        Environment {
            registers,
            most_transactions: choices.between(1, 30),
        }
    }

    fn intent(&self, roles: RolePool, _: &Environment, choices: &mut impl Choices) -> Operation {
        let at = roles.pick(choices);
        if self.has(RegisterBug::NothingConflicts) {
            return Operation::Fail { at };
        }
        if self.has(RegisterBug::DrawForgets) && self.is_fifth_execution() {
            return Operation::Fail { at };
        }
        let other = roles.pick(choices);
        match choices.below(8) {
            0 => Operation::Copy {
                from: at,
                to: other,
            },
            1 => Operation::Add {
                to: at,
                amount: choices.between(0, 100),
            },
            2 => Operation::Fail { at },
            3 => Operation::Create { at },
            4 => Operation::Delete { at },
            _ => Operation::Move {
                from: at,
                to: other,
                amount: choices.between(0, 60),
            },
        }
    }

    fn state(&self, environment: &Environment) -> Registers {
        environment.registers.clone()
    }

    // An operation is its own transaction: registers have no nonces.
    fn lower(&self, _: &Registers, _: &Environment, intents: &[Operation]) -> Vec<Operation> {
        intents.to_vec()
    }

    fn reference(
        &self,
        registers: &mut Registers,
        environment: &Environment,
        block: &[Operation],
    ) -> Observation {
        if self.has(RegisterBug::ReferencePanics) && block.len() > 3 {
            panic!(
                "the reference has room for 3 transactions, and {} came",
                block.len()
            );
        }
        if self.has(RegisterBug::ReferenceWaits) && block.len() > 3 {
            wait_for_ever();
        }
        if let Err(refusal) = environment.admits(block.len()) {
            return Observation::refused(refusal);
        }
        let mints = self.has(RegisterBug::UnitMintedByBoth);
        let mut observation = block_in_order(registers, block, mints);
        if self.has(RegisterBug::ReferenceForgets) && self.is_fifth_execution() {
            observation = Observation::refused("forgotten");
        }
        observation
    }

    fn contender(
        &self,
        registers: &mut Registers,
        environment: &Environment,
        block: &[Operation],
        workers: usize,
    ) -> Executed {
        parallel::execute(self, registers, environment, block, workers)
    }

    fn access(&self, access: Access) -> Option<Operation> {
        if self.has(RegisterBug::NothingConflicts) {
            return None;
        }
        Some(match access {
            Access::Copy { from, to } => Operation::Copy { from, to },
            Access::Add { to } => Operation::Add { to, amount: 1 },
            Access::Fail { at } => Operation::Fail { at },
            Access::Create { at } => Operation::Create { at },
            Access::Delete { at } => Operation::Delete { at },
            Access::ReadAbsent { to } => Operation::Copy { from: u8::MAX, to },
        })
    }

    /// Moves conserve the total.
    fn check(
        &self,
        before: &Registers,
        _: &Environment,
        block: &[Operation],
        observation: &Observation,
    ) -> Result<(), Broken> {
        let only_moves = block
            .iter()
            .all(|operation| matches!(operation, Operation::Move { .. } | Operation::Fail { .. }));
        if !only_moves || matches!(observation, Observation::Refused(_)) {
            return Ok(());
        }
        let after: u128 = observation
            .part(Part::State)
            .filter_map(|(_, value)| value.parse::<u128>().ok())
            .sum();
        match (total(before), after) {
            (before, after) if before == after => Ok(()),
            (before, after) => Err(Broken {
                invariant: "moves-conserve-the-total",
                detail: format!("total after moves: got {after}, expected {before}"),
            }),
        }
    }

    fn cover(&self, _: &[Operation], by_reference: &Observation, coverage: &mut Coverage) {
        for (_, outcome) in by_reference.part(Part::Outcome) {
            coverage.count(match outcome {
                "applied" => crate::point!("executor", "register machine: applied", rare),
                "insufficient" => crate::point!("executor", "register machine: insufficient", rare),
                "absent" => crate::point!("executor", "register machine: absent", rare),
                _ => crate::point!("executor", "register machine: failed", rare),
            });
        }
    }

    fn simpler(operation: &Operation) -> Vec<Operation> {
        match *operation {
            Operation::Copy { to, .. } => vec![Operation::Add { to, amount: 0 }],
            _ => Vec::new(),
        }
    }
}

/// Waits for a message that is never sent.
fn wait_for_ever() {
    let (never, waits) = std::sync::mpsc::channel::<()>();
    let _ = waits.recv();
    drop(never);
}

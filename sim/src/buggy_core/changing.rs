//! Core that changes a cell which no block names: the seeded bug of the comparison of what a step may have
//! changed.

use std::collections::BTreeSet;

use lockstep_core::model::{
    Amount, Block, Cell, Genesis, Height, Payload, PublicKey, Value, Version,
};
use lockstep_core::storage::MemoryStorage;

use super::methods_of_inner;
use crate::invariants::{REJECTED_LEAVES_NO_TRACE, SUPPLY_IS_CONSERVED};
use crate::reads::{Answer, Question};
use crate::subject::{Core, Subject, SubjectError};
use crate::world::{BlockResult, Newest, World};

lockstep_harness::seeded_bugs! {
    /// A seeded bug of the state of core.
    pub enum ChangeBug in "core changing":
        "core in memory, whose state changes where no block touches it"
    {
        StrangerCredited = "stranger-credited" in Invented:
            "a block adds a unit to the balance of an account that it does not name",
            named by [REJECTED_LEAVES_NO_TRACE, SUPPLY_IS_CONSERVED];
    }
}

/// Core in memory, executed serially, with this bug.
struct Changing {
    inner: Core<MemoryStorage>,
    bug: ChangeBug,
    /// The balance with a unit too much.
    changed: Option<Cell>,
}

impl ChangeBug {
    /// Creates a ledger with this bug.
    ///
    /// # Errors
    ///
    /// As [`Core::in_memory`].
    pub fn subject(
        self,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Box<dyn Subject>, SubjectError> {
        Ok(Box::new(Changing {
            inner: Core::in_memory(genesis, hash_seed)?,
            bug: self,
            changed: None,
        }))
    }
}

impl Changing {
    fn change(&self, version: &mut Version) {
        let ChangeBug::StrangerCredited = self.bug;
        if let Value::Balance(amount) = &mut version.value {
            *amount = amount.checked_add(Amount(1)).unwrap_or(Amount::ZERO);
        }
    }
}

/// Returns the accounts that a block names.
fn accounts_of(block: &Block) -> BTreeSet<PublicKey> {
    let mut accounts = BTreeSet::from([block.header.miner]);
    for transaction in &block.transactions {
        accounts.insert(transaction.source);
        if let Payload::Transfers(transfers) = &transaction.payload {
            accounts.extend(transfers.iter().map(|transfer| transfer.destination));
        }
    }
    accounts
}

impl Subject for Changing {
    methods_of_inner!();

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let result = self.inner.add_block(block)?;
        if self.changed.is_none() {
            let accounts = accounts_of(block);
            let is_stranger =
                |cell: &Cell| matches!(cell, Cell::Balance(one, _) if !accounts.contains(one));
            self.changed = self.inner.world()?.cells.into_keys().find(is_stranger);
        }
        Ok(result)
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.inner.rewind_to(height)
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.inner.reopen()
    }

    fn world(&self) -> Result<World, SubjectError> {
        let mut world = self.inner.world()?;
        let versions = self.changed.and_then(|cell| world.cells.get_mut(&cell));
        if let Some(newest) = versions.and_then(|versions| versions.last_mut()) {
            self.change(newest);
        }
        Ok(world)
    }

    fn newest(&self, cells: &[Cell]) -> Result<Option<Newest>, SubjectError> {
        let mut newest = self.inner.newest(cells)?;
        let versions = newest.iter_mut().flat_map(|newest| &mut newest.versions);
        for (cell, version) in versions {
            if let Some(version) = version.as_mut().filter(|_| Some(*cell) == self.changed) {
                self.change(version);
            }
        }
        Ok(newest)
    }

    fn answer(&self, question: &Question) -> Result<Option<Answer>, SubjectError> {
        self.inner.answer(question)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{
        Action, BlockRecipe, GenesisRecipe, Holding, NetworkName, Scenario, Sending, Step,
        TransactionRecipe,
    };
    use crate::trial;
    use crate::verdicts::is_verified_everywhere;
    use lockstep_harness::coverage::Coverage;
    use lockstep_harness::violation::Failure;

    /// Blocks of transfers between two accounts, beside a third that has money as well.
    fn scenario(hash_seed: u64, blocks: u64) -> Scenario {
        let block = |nonce| {
            let transaction = |nonce| TransactionRecipe {
                from: 0,
                nonce,
                fee: 0,
                action: Action::Send(vec![Sending(1, 0, 1)]),
                cosigners: Vec::new(),
                flaw: None,
            };
            Step::Block(BlockRecipe {
                miner: 1,
                later_ms: 1,
                flaw: None,
                transactions: (nonce..nonce + 3).map(transaction).collect(),
            })
        };
        Scenario {
            genesis: GenesisRecipe {
                network: NetworkName::Devnet,
                reward: 0,
                native_limit: u64::MAX,
                max_block_bytes: 1 << 20,
                balances: vec![Holding(0, 0, 1_000), Holding(2, 0, 1_000)],
            },
            hash_seed,
            workers: None,
            steps: (0..blocks).map(|index| block(index * 3)).collect(),
        }
    }

    fn run(
        scenario: &Scenario,
        subject: impl Fn(&Genesis, u64) -> Result<Box<dyn Subject>, SubjectError>,
    ) -> (Result<(), (usize, &'static str)>, Coverage) {
        let mut coverage = Coverage::default();
        let setup = |genesis: &Genesis, seed: u64| Ok(vec![subject(genesis, seed)?]);
        let outcome = match trial::run(scenario, &setup, &mut coverage) {
            Ok(_) => Ok(()),
            Err(Failure::Violation(found)) => Err((found.step, found.invariant.name)),
            Err(Failure::Infrastructure(reason)) => panic!("{reason}"),
        };
        (outcome, coverage)
    }

    /// Returns how often a coverage point was counted.
    fn count(coverage: &Coverage, point: &str) -> u64 {
        let mut all = coverage.events();
        all.find(|(name, _)| *name == point)
            .map_or(0, |(_, count)| count)
    }

    #[test]
    fn a_change_that_no_block_names_is_found_within_the_run() {
        let (mut early, mut at_the_end) = (0, 0);
        for hash_seed in 1..40 {
            let scenario = scenario(hash_seed, 6);
            if is_verified_everywhere(&scenario) {
                continue;
            }
            let bug = ChangeBug::StrangerCredited;
            let (outcome, _) = run(&scenario, |genesis, seed| bug.subject(genesis, seed));
            let (step, invariant) = outcome.expect_err("it is found in every run");
            let named_by = bug.seeding().named_by;
            assert!(
                named_by.iter().any(|one| one.name == invariant),
                "{invariant}"
            );
            match invariant == SUPPLY_IS_CONSERVED.name {
                true => at_the_end += u64::from(step == 5),
                false => early += 1,
            }
        }
        assert!(
            early > 0 && at_the_end > 0,
            "{early} early, {at_the_end} late"
        );
    }

    #[test]
    fn a_correct_subject_is_read_in_part_and_in_drawn_steps_whole() {
        let (mut in_part, mut whole) = (0, 0);
        for hash_seed in 1..40 {
            let scenario = scenario(hash_seed, 6);
            let (outcome, coverage) = run(&scenario, |genesis, seed| {
                Ok(Box::new(Core::in_memory(genesis, seed)?) as Box<dyn Subject>)
            });
            assert_eq!(outcome, Ok(()));
            in_part += count(&coverage, "compared: what a block may change");
            whole += count(&coverage, "compared: everything");
        }
        assert!(
            in_part > 100 && whole > 40,
            "{in_part} in part, {whole} whole"
        );
    }
}

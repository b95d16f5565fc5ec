//! The trait that makes an executor a system under test.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::choice::Choices;
use crate::coverage::Coverage;

use super::access::Access;
use super::observation::{Executed, Observation};
use super::roles::RolePool;

/// An executor of blocks and the reference that it must equal.
///
/// Everything must depend on the arguments alone. What is not, such as the order of a hash map, is found
/// (`adapter-agrees-with-itself`) and ends a campaign with the exit code 13.
pub trait Adapter {
    /// Everything of a case but its transactions: balances before the block, fee receiver, limits, fork.
    ///
    /// Plain data. Its JSON form has to read back, so keys of its maps are texts or numbers.
    type Environment: Clone + Debug + PartialEq + Serialize + DeserializeOwned;
    /// A symbolic transaction: names, and nonces *relative* to the transactions before it, so that
    /// removing one keeps the others valid. Plain data, as the environment.
    type Intent: Clone + Debug + PartialEq + Serialize + DeserializeOwned;
    /// The state before a block.
    type State: Clone;
    /// A transaction as the executors take it.
    type Transaction: Debug + PartialEq;

    /// The executor's name, as reproducers and reports spell it.
    const NAME: &'static str;

    /// The relation of the reference to the contender.
    const REFERENCE: Independence = Independence::OwnSerialPath;

    /// Sizes of the cases that are drawn.
    const SIZE: Size = Size::DEFAULT;

    /// Draws an environment.
    fn environment(&self, roles: RolePool, choices: &mut impl Choices) -> Self::Environment;

    /// Draws an intent.
    fn intent(
        &self,
        roles: RolePool,
        environment: &Self::Environment,
        choices: &mut impl Choices,
    ) -> Self::Intent;

    /// Makes the state before the first block.
    fn state(&self, environment: &Self::Environment) -> Self::State;

    /// Makes the transactions of a block from its intents, on top of a state: absolute nonces,
    /// signatures.
    fn lower(
        &self,
        state: &Self::State,
        environment: &Self::Environment,
        intents: &[Self::Intent],
    ) -> Vec<Self::Transaction>;

    /// Executes a block by the reference, one transaction after another, and leaves the state after it.
    fn reference(
        &self,
        state: &mut Self::State,
        environment: &Self::Environment,
        block: &[Self::Transaction],
    ) -> Observation;

    /// Executes a block by the contender on `workers` workers, and leaves the state after it.
    fn contender(
        &self,
        state: &mut Self::State,
        environment: &Self::Environment,
        block: &[Self::Transaction],
        workers: usize,
    ) -> Executed;

    /// Maps a symbolic access of a conflict pattern onto an intent; `None` where there is none like it.
    fn access(&self, _: Access) -> Option<Self::Intent> {
        None
    }

    /// Checks the invariants of one's own on what the reference and the contender agree on: what both get
    /// wrong is found by nothing else.
    ///
    /// # Errors
    ///
    /// The first that does not hold.
    fn check(
        &self,
        _before: &Self::State,
        _environment: &Self::Environment,
        _block: &[Self::Transaction],
        _observation: &Observation,
    ) -> Result<(), Broken> {
        Ok(())
    }

    /// Counts coverage points of one's own, registered with [`point!`](crate::point!) for the system
    /// `"executor"`; a campaign that misses a required one is vacuous.
    fn cover(&self, _block: &[Self::Transaction], _by_reference: &Observation, _: &mut Coverage) {}

    /// Simpler intents that shrinking tries in place of one, beside smaller numbers and shorter lists,
    /// which it tries by itself.
    fn simpler(_: &Self::Intent) -> Vec<Self::Intent> {
        Vec::new()
    }

    /// Simpler environments that shrinking tries, likewise.
    fn simpler_environment(_: &Self::Environment) -> Vec<Self::Environment> {
        Vec::new()
    }
}

/// The relation of a reference to its contender: how much both can get wrong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Independence {
    /// The executor's own serial path: only what is wrong about parallelism shows as a difference.
    OwnSerialPath,
    /// Another implementation of the same rules.
    AnotherImplementation,
}

impl Independence {
    /// A sentence for reports.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Independence::OwnSerialPath => {
                "the executor's own serial path; a bug of both is found by own invariants alone"
            }
            Independence::AnotherImplementation => "another implementation of the same rules",
        }
    }
}

/// Sizes of the cases that are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Smallest number of transactions of a block; above the threshold of an executor that is serial
    /// below one.
    pub fewest_transactions: u64,
    /// Largest number of transactions of a block. Most blocks have few.
    pub most_transactions: u64,
    /// Largest number of blocks of a case.
    pub most_blocks: u64,
    /// Largest number of workers.
    pub most_workers: u64,
}

impl Size {
    /// 1 to 24 transactions in one block, on 1 to 8 workers.
    pub const DEFAULT: Size = Size {
        fewest_transactions: 1,
        most_transactions: 24,
        most_blocks: 1,
        most_workers: 8,
    };
}

/// An invariant of an adapter's own that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its name, in words joined by hyphens.
    pub invariant: &'static str,
    /// The evidence, in numbers.
    pub detail: String,
}

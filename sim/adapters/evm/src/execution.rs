//! The results of executing a block, and executors as a trait.

use std::fmt;

use alloy_primitives::{Address, Bytes, Log};

use crate::block::Block;
use crate::state::State;

/// The way in which the execution of a transaction ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Status {
    /// It ended by itself.
    Succeeded,
    /// It undid itself and gave the rest of the gas back.
    Reverted,
    /// It was ended, for the reason named, and used all its gas.
    Halted(String),
}

/// The outcome of one transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was executed and paid for.
    Executed {
        /// The way in which it ended.
        status: Status,
        /// Gas, less refunds.
        gas_used: u64,
        /// Its events in order.
        logs: Vec<Log>,
        /// Bytes that it returned, or the code that it deployed.
        output: Bytes,
        /// The contract that it created.
        created: Option<Address>,
    },
    /// It is invalid and left no trace; the kind is a name, not a text.
    Rejected(String),
}

impl Outcome {
    /// The gas that counts against the limit of the block.
    pub fn gas_used(&self) -> u64 {
        match self {
            Self::Executed { gas_used, .. } => *gas_used,
            Self::Rejected(_) => 0,
        }
    }
}

/// A block after its execution.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Execution {
    /// The outcomes of its transactions in order.
    pub outcomes: Vec<Outcome>,
    /// The state after it.
    pub state: State,
    /// Its requests to the consensus layer: a byte of the kind and the content, without empty ones.
    pub requests: Vec<Bytes>,
}

impl Execution {
    /// The first difference from `expected` in a sentence, outcomes before the state.
    pub fn first_difference(&self, expected: &Self) -> Option<String> {
        let mut pairs = self.outcomes.iter().zip(&expected.outcomes).enumerate();
        let outcome = pairs.find(|(_, (found, expected))| found != expected);
        if let Some((index, (found, expected))) = outcome {
            return Some(format!(
                "transaction {index}: {found:?}, expected {expected:?}"
            ));
        }
        let counts = (self.outcomes.len(), expected.outcomes.len());
        if counts.0 != counts.1 {
            return Some(format!("{} outcomes, expected {}", counts.0, counts.1));
        }
        let state = self.state.first_difference(&expected.state);
        state.or_else(|| {
            (self.requests != expected.requests).then(|| "the requests differ".to_owned())
        })
    }
}

/// The failure of an executor to execute a block at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// Every worker waits for another one.
    Stuck,
    /// It executes again and again without an end.
    Endless,
    /// A worker panicked.
    Panic(String),
    /// A system call did not succeed, or the virtual machine failed.
    Machine(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stuck => out.write_str("every worker waits for another one"),
            Self::Endless => out.write_str("transactions are executed again without an end"),
            Self::Panic(message) => write!(out, "a worker panicked: {message}"),
            Self::Machine(reason) => write!(out, "the virtual machine failed: {reason}"),
        }
    }
}

/// An executor of blocks on several workers.
pub trait Contender: Sync {
    /// Its name in reports.
    fn name(&self) -> String;

    /// Executes `block` on `before` with `workers` threads, the caller's included.
    ///
    /// # Errors
    /// The failure, if there is no result.
    fn execute(&self, before: &State, block: &Block, workers: usize) -> Result<Execution, Failure>;
}

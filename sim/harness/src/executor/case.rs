//! A case: one environment and the intents of its blocks, as plain data.

use std::fmt;

use arbitrary::{Arbitrary, Unstructured};
use serde::{Deserialize, Serialize};

use crate::choice::{Choices, FromBytes};
use crate::reproducer::{LayoutError, Payload, lines, pretty};
use crate::shrink::counted;

use super::access;
use super::adapter::Adapter;
use super::roles::RolePool;

/// Everything that one trial of an executor depends on.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Case<A: Adapter> {
    /// Number of workers of the contender, at least 1.
    pub workers: usize,
    /// Everything but the transactions.
    pub environment: A::Environment,
    /// The blocks, executed one after another, each on the state that the one before it left.
    pub blocks: Vec<Vec<A::Intent>>,
}

impl<A: Adapter> Case<A> {
    /// Draws a case.
    pub fn draw(adapter: &A, choices: &mut impl Choices) -> Self {
        let size = A::SIZE;
        let roles = RolePool::draw(choices);
        let environment = adapter.environment(roles, choices);
        let workers = choices.between(1, size.most_workers.max(1));
        let blocks = choices.between(1, size.most_blocks.max(1));
        let blocks = (0..blocks)
            .map(|_| {
                let count = transactions(size.fewest_transactions, size.most_transactions, choices);
                block(adapter, roles, &environment, count, choices)
            })
            .collect();
        Case {
            workers: usize::try_from(workers).unwrap_or(1),
            environment,
            blocks,
        }
    }

    /// The case that a fuzzer's bytes make.
    #[must_use]
    pub fn from_bytes(adapter: &A, bytes: &[u8]) -> Self {
        Case::draw(adapter, &mut FromBytes(bytes))
    }

    /// Number of transactions of all blocks.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    /// Its JSON form, if that reads back as the same case.
    ///
    /// # Errors
    ///
    /// A sentence that says what does not survive.
    pub fn to_json(&self) -> Result<String, String> {
        let text = serde_json::to_string(self).map_err(|error| {
            format!("a case has no JSON form: {error}; keys of maps must be texts or numbers")
        })?;
        match serde_json::from_str::<Case<A>>(&text) {
            Ok(read) if read == *self => Ok(text),
            Ok(read) => Err(format!(
                "the JSON form of a case reads back as another case: got {read:?}, expected {self:?}"
            )),
            Err(error) => Err(format!(
                "the JSON form of a case does not read back: {error}"
            )),
        }
    }
}

/// Draws a number of transactions: mostly few.
fn transactions(fewest: u64, most: u64, choices: &mut impl Choices) -> usize {
    let most = most.max(fewest);
    let few = most.min(fewest.saturating_add(7));
    let most = if choices.chance(1, 4) { most } else { few };
    usize::try_from(choices.between(fewest, most)).unwrap_or(usize::MAX)
}

/// Draws the intents of a block; those of one block in four follow a conflict pattern.
fn block<A: Adapter>(
    adapter: &A,
    roles: RolePool,
    environment: &A::Environment,
    count: usize,
    choices: &mut impl Choices,
) -> Vec<A::Intent> {
    let mut patterned = match choices.chance(1, 4) {
        true => access::draw(roles, count, choices),
        false => Vec::new(),
    };
    patterned.reverse();
    (0..count)
        .map(|_| {
            let of_pattern = patterned.pop().and_then(|access| adapter.access(access));
            of_pattern.unwrap_or_else(|| adapter.intent(roles, environment, choices))
        })
        .collect()
}

/// The case that the rest of an input makes; zeros follow it.
impl<'a, A: Adapter + Default> Arbitrary<'a> for Case<A> {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Case::draw(&A::default(), input))
    }
}

impl<A: Adapter> Clone for Case<A> {
    fn clone(&self) -> Self {
        Case {
            workers: self.workers,
            environment: self.environment.clone(),
            blocks: self.blocks.clone(),
        }
    }
}

impl<A: Adapter> PartialEq for Case<A> {
    fn eq(&self, other: &Self) -> bool {
        self.workers == other.workers
            && self.environment == other.environment
            && self.blocks == other.blocks
    }
}

impl<A: Adapter> fmt::Debug for Case<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("workers", &self.workers)
            .field("environment", &self.environment)
            .field("blocks", &self.blocks)
            .finish()
    }
}

impl<A: Adapter> fmt::Display for Case<A> {
    /// Its size: `3 transactions in 1 block on 2 workers`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} in {} on {}",
            counted(self.transactions(), "transaction"),
            counted(self.blocks.len(), "block"),
            counted(self.workers, "worker")
        )
    }
}

/// The kind of the files of cases, of whichever executor.
pub const KIND: &str = "executor";

/// A case in a file, with the class of its finding.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct CaseRun<A: Adapter> {
    /// [`Adapter::NAME`].
    pub executor: String,
    /// The class of the finding in words; empty where it shows nothing.
    #[serde(default)]
    pub class: String,
    /// Number of workers.
    pub workers: usize,
    /// The environment.
    pub environment: A::Environment,
    /// The intents.
    pub blocks: Vec<Vec<A::Intent>>,
}

impl<A: Adapter> CaseRun<A> {
    /// The file of a case that shows a finding of this class.
    #[must_use]
    pub fn new(case: Case<A>, class: &str) -> Self {
        CaseRun {
            executor: A::NAME.to_owned(),
            class: class.to_owned(),
            workers: case.workers,
            environment: case.environment,
            blocks: case.blocks,
        }
    }

    /// The case.
    #[must_use]
    pub fn case(&self) -> Case<A> {
        Case {
            workers: self.workers,
            environment: self.environment.clone(),
            blocks: self.blocks.clone(),
        }
    }
}

impl<A: Adapter> Payload for CaseRun<A> {
    const KIND: &'static str = KIND;

    fn fields(&self) -> Result<Vec<(&'static str, String)>, LayoutError> {
        let blocks: Result<Vec<String>, LayoutError> =
            self.blocks.iter().map(|block| lines(block, 0)).collect();
        let blocks = blocks?
            .iter()
            .map(|block| format!("\n  {},", block.replace('\n', "\n  ")))
            .collect::<String>();
        Ok(vec![
            ("executor", pretty(&self.executor, 0)?),
            ("class", pretty(&self.class, 0)?),
            ("workers", pretty(&self.workers, 0)?),
            ("environment", pretty(&self.environment, 0)?),
            ("blocks", format!("[{blocks}\n]")),
        ])
    }

    fn check(&self) -> Result<(), String> {
        if self.executor != A::NAME {
            return Err(format!(
                "this is a case of the executor {:?}, and this program tests {:?}; replay it with the \
                 program that wrote it",
                self.executor,
                A::NAME
            ));
        }
        match self.workers {
            0 => Err("workers: 0 execute nothing; give at least 1".to_owned()),
            _ => Ok(()),
        }
    }
}

//! One block, as large as is asked for, on every path of core: against the oracle and the clock.
//!
//! What is timed depends on the machine and is for people to read; nothing judges it. What is judged
//! is whether a block of that size comes out as the oracle has it.

mod known_verdicts;
mod phases;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lockstep_core::model::{Block, Genesis, Payload};
use lockstep_core::schedule::Graph;

use crate::conflict_pattern::{self, ConflictPattern, Workload};
use crate::invariants::{self, Event, Evidence, SAME_AS_SERIAL};
use crate::oracle::Oracle;
use crate::subject::{Core, Execution, Subject, SubjectError};
use crate::trial::{MAKES_SENSE, Setup, catch_panic};
use crate::world::{BlockResult, World};
use lockstep_harness::violation::{Failure, Violation};

pub use phases::Phase;

/// Together, all rounds of a path execute about so many transactions where one block is smaller.
const TRANSACTIONS_OF_ALL_ROUNDS: usize = 65_535;
/// The most rounds: the median of so many is steady enough to be read.
const MOST_ROUNDS: usize = 5;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Who pays whom.
    pub pattern: ConflictPattern,
    /// How many transactions the block has.
    pub transactions: u16,
    /// Among how many accounts; at least [`ConflictPattern::least_accounts`].
    pub accounts: u32,
    /// On how many threads.
    pub workers: usize,
    /// Decides everything that is drawn.
    pub seed: u64,
    /// What becomes of the signatures.
    pub signatures: Signatures,
}

/// What becomes of the signatures while the clock runs. They are valid either way: no path executes
/// a transaction without a verdict on its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// They are verified: a whole block, from the first check to the commit.
    Verified,
    /// They were verified before: only the stateful part, in block order and over the graph.
    KnownToHold,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many accounts are a party to a transaction.
    pub parties: usize,
    /// How many levels the conflicts make.
    pub levels: usize,
    /// How many transactions are in the widest level.
    pub widest: usize,
    /// How many transactions were applied, by the oracle.
    pub applied: usize,
    /// How often each path was taken.
    pub rounds: usize,
    /// What each path took, the serial one first; or why that says nothing.
    pub outcome: Result<Vec<Timing>, NotTimed>,
}

/// The reason why a block has no times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTimed {
    /// A path came to another result, or the machine failed.
    Failed(Failure),
    /// The block has transactions that are rejected: its times would say nothing.
    Vacuous(String),
}

/// What one path took for the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How it is called.
    pub path: String,
    /// From the block to its result, in the median of the rounds.
    pub took: Duration,
    /// What was recorded of its parts in that round, in the order of the first recording.
    pub phases: Vec<Phase>,
}

/// Executes the block on core's three paths, or without its stateless part in two ways.
///
/// Costs some 30 microseconds a transaction to sign the block and as much for the oracle and for
/// each path, in release.
///
/// # Panics
///
/// Where there are fewer accounts than the pattern can do with.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    let workers = plan.workers;
    match plan.signatures {
        Signatures::Verified => run_on(plan, &|genesis, hash_seed| {
            [
                Execution::Serial,
                Execution::ParallelValidation(workers),
                Execution::Graph(workers),
            ]
            .into_iter()
            .map(|execution| {
                let core = Core::executed(execution, genesis, hash_seed)?;
                Ok(Box::new(core) as Box<dyn Subject>)
            })
            .collect()
        }),
        Signatures::KnownToHold => {
            let prepared = Prepared::new(plan);
            prepared.report(prepared.rounds(|| known_verdicts::round(&prepared, workers)))
        }
    }
}

/// Executes the block on these subjects, each of which takes the whole block.
///
/// # Panics
///
/// As [`run`].
#[must_use]
pub fn run_on(plan: &Plan, setup: &Setup<'_>) -> Report {
    let prepared = Prepared::new(plan);
    prepared.report(prepared.rounds(|| {
        setup(&prepared.genesis, plan.seed)
            .map_err(|error| failed("the subjects", &error))?
            .into_iter()
            .map(|subject| prepared.time(subject))
            .collect()
    }))
}

/// A block, and what the oracle makes of it.
struct Prepared {
    genesis: Genesis,
    block: Block,
    before: World,
    expected: BlockResult,
    after: World,
}

impl Prepared {
    fn new(plan: &Plan) -> Self {
        let Workload {
            genesis,
            mut blocks,
        } = conflict_pattern::workload_among(
            plan.accounts,
            plan.pattern,
            plan.seed,
            1,
            plan.transactions,
        );
        let block = blocks.remove(0);
        let mut oracle = Oracle::new(&genesis).expect("a pattern's genesis is possible");
        let before = oracle.world().clone();
        let expected = oracle
            .add_block(&block)
            .expect("a pattern's block extends its genesis");
        Prepared {
            genesis,
            block,
            before,
            expected,
            after: oracle.world().clone(),
        }
    }

    /// How long a subject takes for the block, if what comes out is right.
    fn time(&self, mut subject: Box<dyn Subject>) -> Result<Timing, Failure> {
        let path = subject.name().to_owned();
        let ((added, took), phases) = catch_panic(0, &path, || {
            phases::recorded(|| {
                let begun = Instant::now();
                let added = subject.add_block(&self.block);
                (added, begun.elapsed())
            })
        })?;
        let got = match added {
            Ok(result) => Ok(result),
            Err(SubjectError::Refused(refusal)) => Err(refusal),
            Err(error) => return Err(failed(&path, &error)),
        };
        let after =
            catch_panic(0, &path, || subject.world())?.map_err(|error| failed(&path, &error))?;
        let evidence = Evidence {
            rules: &self.genesis.rules,
            before: &self.before,
            after: &after,
            expected: &self.after,
            event: Event::Block {
                block: &self.block,
                got: got.as_ref(),
                expected: Ok(&self.expected),
                stored: None,
                at_work: None,
            },
        };
        match invariants::differs_from_serial(&evidence) {
            None => Ok(Timing { path, took, phases }),
            Some(detail) => Err(differs(&path, detail)),
        }
    }

    fn how_many_rounds(&self) -> usize {
        let transactions = self.block.transactions.len().max(1);
        (TRANSACTIONS_OF_ALL_ROUNDS / transactions).clamp(1, MOST_ROUNDS)
    }

    /// All paths in turn, so many times; of each path the median.
    fn rounds(
        &self,
        round: impl Fn() -> Result<Vec<Timing>, Failure>,
    ) -> Result<Vec<Timing>, Failure> {
        let mut by_path: Vec<Vec<Timing>> = Vec::new();
        for _ in 0..self.how_many_rounds() {
            let timings = round()?;
            by_path.resize_with(timings.len(), Vec::new);
            for (path, timing) in by_path.iter_mut().zip(timings) {
                path.push(timing);
            }
        }
        let median = |mut path: Vec<Timing>| {
            path.sort_by_key(|timing| timing.took);
            path.swap_remove(path.len() / 2)
        };
        Ok(by_path.into_iter().map(median).collect())
    }

    fn report(&self, outcome: Result<Vec<Timing>, Failure>) -> Report {
        let receipts = &self.expected.receipts;
        let applied = receipts.iter().filter(|one| one.is_applied()).count();
        let all_applied = || match receipts.len() - applied {
            0 => Ok(()),
            rejected => Err(NotTimed::Vacuous(format!(
                "{rejected} of {} transactions are rejected",
                receipts.len()
            ))),
        };
        let mut by_level: BTreeMap<u32, usize> = BTreeMap::new();
        let graph = Graph::of(&self.block.transactions, hasher());
        for level in graph.levels() {
            *by_level.entry(*level).or_default() += 1;
        }
        Report {
            parties: self.parties(),
            levels: graph.depth(),
            widest: by_level.into_values().max().unwrap_or(0),
            applied,
            rounds: self.how_many_rounds(),
            outcome: outcome
                .map_err(NotTimed::Failed)
                .and_then(|timings| all_applied().map(|()| timings)),
        }
    }

    fn parties(&self) -> usize {
        let mut parties = BTreeSet::new();
        for transaction in &self.block.transactions {
            parties.insert(transaction.source);
            if let Payload::Transfers(transfers) = &transaction.payload {
                parties.extend(transfers.iter().map(|transfer| transfer.destination));
            }
        }
        parties.len()
    }
}

/// No result depends on it; keys that collide are nobody's choice here.
fn hasher() -> ahash::RandomState {
    ahash::RandomState::with_seed(0)
}

fn differs(path: &str, detail: String) -> Failure {
    Violation::of(&SAME_AS_SERIAL, 0, path, detail).into()
}

fn failed(path: &str, error: &SubjectError) -> Failure {
    match error {
        SubjectError::Failed(reason) => Failure::Infrastructure(reason.clone()),
        error => Violation::of(&MAKES_SENSE, 0, path, error.to_string()).into(),
    }
}

//! One block of any size, in every execution mode of core: compared with the oracle, and timed. Then a block
//! of every kind of transaction behind it, with a rewind, [judged](run_mixed) and not timed.
//!
//! Times depend on the machine, and no verdict depends on them. The verdict is whether the result
//! of a block of that size equals the oracle's.

mod known_verdicts;
mod mixed;
mod phases;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lockstep_core::model::{Block, Genesis, Payload};
use lockstep_core::schedule::Graph;

use crate::conflict_pattern::{self, ConflictPattern, Workload};
use crate::invariants::{self, Event, Evidence, SAME_AS_SERIAL};
use crate::oracle::Oracle;
use crate::scenario::Scenario;
use crate::subject::{Core, Execution, Subject, SubjectError};
use crate::trial::{self, Setup, catch_panic};
use crate::world::{BlockResult, World};
use lockstep_harness::violation::{Failure, Violation};

pub use mixed::{Mixed, run_mixed};
pub use phases::Phase;

/// Approximate number of transactions that all rounds of a mode execute together, if one block has
/// fewer.
const TRANSACTIONS_OF_ALL_ROUNDS: usize = 65_535;
/// Maximum number of rounds: their median is steady enough to be read.
const MOST_ROUNDS: usize = 5;

/// Parameters of one block and its execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StressPlan {
    /// Pattern of the transfers.
    pub pattern: ConflictPattern,
    /// Number of transactions of the block.
    pub transactions: u16,
    /// Number of accounts, at least [`ConflictPattern::least_accounts`].
    pub accounts: u32,
    /// Number of worker threads.
    pub workers: usize,
    /// Seed of the block.
    pub seed: u64,
    /// Treatment of the signatures.
    pub signatures: Signatures,
}

impl StressPlan {
    /// The run of the same block as plain data, to be replayed and shrunk: it has no times.
    #[must_use]
    pub fn scenario(&self) -> Scenario {
        let mut scenario = conflict_pattern::scenario_among(
            self.accounts,
            self.pattern,
            self.seed,
            1,
            self.transactions,
        );
        scenario.workers = u32::try_from(self.workers).ok();
        scenario
    }
}

/// Treatment of the signatures while the clock runs. They are valid either way: no mode executes a
/// transaction without a verdict on its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// Verified: the whole addition of a block is timed, from the first check to the commit.
    Verified,
    /// Verified before: only the stateful part is timed, in block order and over the graph.
    KnownToHold,
}

/// Report of a stress run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Number of accounts that are a party to a transaction.
    pub parties: usize,
    /// Number of levels of the dependency graph.
    pub levels: usize,
    /// Number of transactions in the widest level.
    pub widest: usize,
    /// Number of transactions that the oracle applied.
    pub applied: usize,
    /// Number of executions in each mode.
    pub rounds: usize,
    /// Timings of each mode, the serial one first; or the reason why there are none.
    pub outcome: Result<Vec<Timing>, NotTimed>,
}

/// The reason why a block has no times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTimed {
    /// A mode came to another result, or the machine failed.
    Failed(Failure),
    /// The block has rejected transactions: its times would be meaningless.
    Vacuous(String),
}

/// Timing of the block in one execution mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Name of the mode.
    pub path: String,
    /// Time from the block to its result, the median of the rounds.
    pub took: Duration,
    /// Phases recorded in that round, in the order of their first recording.
    pub phases: Vec<Phase>,
}

/// Executes the block in three modes of core, or its stateful part alone in three ways.
///
/// Costs some 30 microseconds a transaction to sign the block and as much for the oracle and for
/// each path, in release.
///
/// # Panics
///
/// Panics if there are fewer accounts than [`ConflictPattern::least_accounts`].
#[must_use]
pub fn run(plan: &StressPlan) -> Report {
    let workers = plan.workers;
    match plan.signatures {
        Signatures::Verified => run_on(plan, &|genesis, hash_seed| {
            on_every_mode(workers, genesis, hash_seed)
        }),
        Signatures::KnownToHold => {
            let prepared = Prepared::new(plan);
            prepared.report(prepared.rounds(|| known_verdicts::round(&prepared, workers)))
        }
    }
}

/// Creates core in memory in the three execution modes that are timed.
///
/// # Errors
///
/// As [`Core::executed`].
pub fn on_every_mode(
    workers: usize,
    genesis: &Genesis,
    hash_seed: u64,
) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
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
}

/// Executes the whole block on each of these subjects.
///
/// # Panics
///
/// As [`run`].
#[must_use]
pub fn run_on(plan: &StressPlan, setup: &Setup<'_>) -> Report {
    let prepared = Prepared::new(plan);
    prepared.report(prepared.rounds(|| {
        setup(&prepared.genesis, plan.seed)
            .map_err(|error| failed("the subjects", &error))?
            .into_iter()
            .map(|subject| prepared.time(subject))
            .collect()
    }))
}

/// A block and its result by the oracle.
struct Prepared {
    genesis: Genesis,
    block: Block,
    before: World,
    expected: BlockResult,
    after: World,
}

impl Prepared {
    fn new(plan: &StressPlan) -> Self {
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

    /// Times the block on a subject, if its result is correct.
    fn time(&self, mut subject: Box<dyn Subject>) -> Result<Timing, Failure> {
        let path = subject.name().to_owned();
        let ((added, took), phases) = catch_panic(0, &path, || {
            phases::recorded(|| {
                let begun = Instant::now();
                let added = subject.add_block(&self.block);
                (added, begun.elapsed())
            })
        })?;
        trial::recovers_from_nothing(0, &mut *subject)?;
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

    /// Executes all modes in turn, in every round; returns the median of each.
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

/// Hasher with a fixed seed: no result depends on it, and no input here is chosen to collide.
fn hasher() -> ahash::RandomState {
    ahash::RandomState::with_seed(0)
}

fn differs(path: &str, detail: String) -> Failure {
    Violation::of(&SAME_AS_SERIAL, 0, path, detail).into()
}

fn failed(path: &str, error: &SubjectError) -> Failure {
    // The ledgers are in memory.
    trial::unexplained(0, path, false, error)
}

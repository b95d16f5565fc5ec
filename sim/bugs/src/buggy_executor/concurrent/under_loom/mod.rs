//! The buggy executor over loom's primitives: every interleaving of the last block of a tiny scenario.

#[path = "../shared/mod.rs"]
mod shared;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lockstep_core::codec;
use lockstep_core::model::{Block, Refusal, Rules};
use lockstep_harness::invariant::{self, ALWAYS_ENDS, Invariant, NEVER_PANICS};
use lockstep_sync::loom as sync;
use loom::model::Builder;

use self::shared::{Ledger, Settings};
use super::checked::Checked;
use super::panics::Panics;
use super::{Added, ThreadBug, can_be_concurrent, native};
use crate::buggy_executor::CommittedState;
use lockstep_harness::panic::catch_panic;
use lockstep_harness::schedule::is_deadlock;
use lockstep_sim::faulty::ConcurrentAct;
use lockstep_sim::invariants::{Event, Evidence, Order, first_violation};
use lockstep_sim::oracle::Oracle;
use lockstep_sim::scenario::build::{self, Keys};
use lockstep_sim::scenario::{Fault, Scenario, Step};
use lockstep_sim::subject::SubjectError;
use lockstep_sim::trial::MAKES_SENSE;
use lockstep_sim::trial::faults::order;
use lockstep_sim::world::{BlockResult, World};

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searched {
    /// How many interleavings were run, the one that shows something included.
    pub interleavings: u64,
    /// The invariant that does not hold in one, and in which way.
    pub found: Option<(String, String)>,
    /// Whether these were all there are, where nothing was found.
    pub extent: Extent,
}

/// How much of what there is was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every interleaving.
    Complete,
    /// Every one with at most so many preemptions.
    Bounded(usize),
    /// Whoever asked lost patience.
    CutShort,
}

const LOST_PATIENCE: &str = "whoever asked lost patience";

/// Executes the last block of a scenario in every interleaving of its workers, or in every one with
/// a few preemptions, until something does not hold. What comes before is executed alone; `goes_on`
/// is asked before each interleaving, with how many there were.
///
/// # Errors
///
/// Where the last step is no block that is added, or what comes before it is more than blocks.
///
/// # Panics
///
/// Where a bound is below 2: most defects need two preemptions.
pub fn search(
    scenario: &Scenario,
    workers: usize,
    bug: Option<ThreadBug>,
    preemptions: Option<usize>,
    goes_on: impl Fn(u64) -> bool + Send + Sync + 'static,
) -> Result<Searched, String> {
    assert!(preemptions.is_none_or(|bound| bound >= 2));
    let case = Arc::new(Case::of(scenario)?);
    let settings = Settings {
        workers,
        hash_seed: scenario.hash_seed,
        bug,
    };
    let mut builder = Builder::new();
    // Each of these four cuts a search and calls it a success, and the environment can set them.
    builder.preemption_bound = preemptions;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.checkpoint_file = None;
    // This one panics.
    builder.max_branches = 20_000;
    let interleavings = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&interleavings);
    let ended = catch_panic(|| {
        builder.check(move || {
            let before = counted.fetch_add(1, Ordering::Relaxed);
            assert!(goes_on(before), "{LOST_PATIENCE}");
            let ledger = Ledger::new(case.committed.clone(), settings);
            let panics = Arc::new(Panics::planned(None));
            let added = ledger.add(&case.checked, case.concurrent.clone(), &panics);
            let after = ledger.committed();
            if let Some((invariant, detail)) = case.violation(&added, &after) {
                panic!("{invariant}: {detail}");
            }
        });
    });
    let mut extent = preemptions.map_or(Extent::Complete, Extent::Bounded);
    let found = match ended {
        Ok(()) => None,
        Err(message) => match message.split_once(": ") {
            _ if message == LOST_PATIENCE => {
                extent = Extent::CutShort;
                None
            }
            _ if is_deadlock(&message) => Some((ALWAYS_ENDS.name.to_owned(), message)),
            Some((name, detail)) if invariant::named(name).is_some() => {
                Some((name.to_owned(), detail.to_owned()))
            }
            _ => Some((NEVER_PANICS.name.to_owned(), message)),
        },
    };
    Ok(Searched {
        interleavings: interleavings.load(Ordering::Relaxed),
        found,
        extent,
    })
}

/// A block that is to be executed, and what comes of it serially: computed once, outside of a model.
struct Case {
    rules: Rules,
    committed: CommittedState,
    checked: Arc<Checked>,
    concurrent: Option<ConcurrentAct>,
    before: World,
    expected: World,
    result: Result<BlockResult, Refusal>,
    /// The block first, and last.
    orders: [Order; 2],
}

impl Case {
    fn of(scenario: &Scenario) -> Result<Self, String> {
        let mut keys = Keys::default();
        let genesis = build::genesis(&scenario.genesis, &mut keys);
        let mut oracle = Oracle::new(&genesis)?;
        let mut committed =
            CommittedState::at_genesis(&genesis, None).map_err(|error| error.to_string())?;
        let mut concurrent = None;
        let mut last: Option<Block> = None;
        for step in &scenario.steps {
            match step {
                Step::Block(recipe) => {
                    if let Some(block) = last.take() {
                        let _ = oracle.add_block(&block);
                        committed = native::alone(committed, &block).1;
                    }
                    let bytes = build::block(recipe, &genesis.rules, oracle.world(), &mut keys);
                    let block = codec::decode_block(&bytes, u64::MAX);
                    last = Some(block.map_err(|error| error.to_string())?);
                }
                Step::Fault(fault @ Fault::ConcurrentRequest(_, wants))
                    if can_be_concurrent(*fault) =>
                {
                    concurrent = Some(*wants);
                }
                _ => {
                    return Err(
                        "only blocks and concurrent requests are explored exhaustively".to_owned(),
                    );
                }
            }
        }
        let block = last.ok_or("there is a block at the end")?;
        // The concurrent request comes beside the last block, and the one before is not executed yet.
        let concurrent =
            concurrent.map(|wants| ConcurrentAct::of(wants, committed.height(), &block));
        let orders = match &concurrent {
            Some(act) => [true, false].map(|first| order(&oracle, &block, act, first)),
            None => [true, false].map(|first| order(&oracle, &block, &ConcurrentAct::Read, first)),
        };
        let before = oracle.world().clone();
        let result = oracle.add_block(&block);
        Ok(Case {
            rules: genesis.rules,
            committed,
            checked: Arc::new(Checked::new(&block)),
            concurrent,
            before,
            expected: oracle.world().clone(),
            result,
            orders,
        })
    }

    /// What does not hold of what came of it.
    fn violation(
        &self,
        added: &Added,
        after: &CommittedState,
    ) -> Option<(&'static Invariant, String)> {
        let block = &self.checked.block;
        let stored = after.block(block.header.height);
        let after = after.as_world();
        let evidence = |expected, event| Evidence {
            rules: &self.rules,
            before: &self.before,
            after: &after,
            expected,
            event,
        };
        if let Some(concurrent) = &added.concurrent {
            let event = Event::ConcurrentRequest {
                answer: added.result.as_ref(),
                concurrent,
                orders: &self.orders,
            };
            return first_violation(&evidence(&self.orders[0].world, event));
        }
        let got = match &added.result {
            Ok(result) => Ok(result),
            Err(SubjectError::Refused(refusal)) => Err(refusal),
            Err(error) => return Some((&MAKES_SENSE, error.to_string())),
        };
        let event = Event::Block {
            block,
            got,
            expected: self.result.as_ref(),
            stored: stored.as_ref(),
            at_work: Some(added.at_work),
        };
        first_violation(&evidence(&self.expected, event))
    }
}

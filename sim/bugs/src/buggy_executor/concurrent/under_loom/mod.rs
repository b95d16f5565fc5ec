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
use super::injection::Injection;
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

/// The result of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searched {
    /// Number of interleavings that were executed, the violating one included.
    pub interleavings: u64,
    /// The name of the violated invariant and the details, if one was violated.
    pub found: Option<(String, String)>,
    /// Extent of the search if no violation was found.
    pub extent: Extent,
}

/// The part of all interleavings that was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every interleaving.
    Complete,
    /// Every interleaving with at most this number of preemptions.
    Bounded(usize),
    /// Some of them: the caller ended the search.
    CutShort,
}

const ENDED_BY_CALLER: &str = "the caller ended the search";

/// Executes the last block of a scenario in every interleaving of its workers, or in every one with a
/// bounded number of preemptions, until an invariant is violated. The blocks before it are executed by
/// one worker; `goes_on` is called before each interleaving, with the number of those before.
///
/// # Errors
///
/// If the scenario is not a list of blocks, and concurrent requests that the executor supports, with a
/// valid block at its end; the message says why.
///
/// # Panics
///
/// If a bound is below 2: most bugs need two preemptions.
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
    // Each of these four cuts a search short as a success, and the environment can set them.
    builder.preemption_bound = preemptions;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.checkpoint_file = None;
    // This limit panics.
    builder.max_branches = 20_000;
    let interleavings = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&interleavings);
    let ended = catch_panic(|| {
        builder.check(move || {
            let before = counted.fetch_add(1, Ordering::Relaxed);
            assert!(goes_on(before), "{ENDED_BY_CALLER}");
            let ledger = Ledger::new(case.committed.clone(), settings);
            let injection = Arc::new(Injection::none());
            let added = ledger.add(&case.checked, case.concurrent.clone(), &injection);
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
            _ if message == ENDED_BY_CALLER => {
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

/// A block to execute, with its serial result: computed once, outside of a model.
struct Case {
    rules: Rules,
    committed: CommittedState,
    checked: Arc<Checked>,
    concurrent: Option<ConcurrentAct>,
    before: World,
    expected: World,
    result: Result<BlockResult, Refusal>,
    /// The expected states with the concurrent request after the block, and before it.
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
        // The request is concurrent with the last block, which is not executed yet.
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

    /// Returns the violated invariant and the details, if the result violates one.
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

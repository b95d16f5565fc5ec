//! The judge of nodes: every step of every node against the oracle, and their stored bytes against each
//! other.
//!
//! The oracle's answer to a block on its branch is the only one allowed, so two nodes that differ cannot
//! both pass. Stored bytes are compared between nodes, because the oracle stores none. The judge does not
//! know how a node is built, except that a failing file may be the machine's fault.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep_core::codec;
use lockstep_core::model::{Block, Hash, Height, Refusal};

use super::invariants::{BEFORE_OR_AFTER, NODES_CONVERGE};
use super::scenario::{NodeRecipe, StorageKind};
use super::tree::{Answered, Tree, of_bytes};
use lockstep_harness::invariant::Invariant;
use lockstep_harness::violation::{Failure, Violation};
use lockstep_sim::invariants::{Event, Evidence, READS_BACK, first_violation};
use lockstep_sim::subject::{Subject, SubjectError};
use lockstep_sim::trial::{self, SAME_ON_EVERY_STORAGE, difference_from_rebuilt};
use lockstep_sim::world::{BlockResult, World};

/// Judges every step of every node.
pub(super) struct Judge<'t> {
    tree: &'t Tree,
    /// The hash of the bytes stored at each tip, and the node that stored them first.
    bytes: BTreeMap<Hash, (String, blake3::Hash)>,
    /// The node that answered each block first, by the hash of its bytes.
    takers: BTreeMap<Hash, String>,
    /// Number of the current event, for reports.
    pub(super) step: usize,
}

impl<'t> Judge<'t> {
    pub(super) fn new(tree: &'t Tree) -> Self {
        Judge {
            tree,
            bytes: BTreeMap::new(),
            takers: BTreeMap::new(),
            step: 0,
        }
    }

    /// Runs a call whose panic is a finding.
    pub(super) fn catch_panic<T>(
        &self,
        recipe: &NodeRecipe,
        question: impl FnOnce() -> T,
    ) -> Result<T, Failure> {
        trial::catch_panic(self.step, &recipe.to_string(), question)
    }

    /// Runs a call that must not fail.
    pub(super) fn ask<T>(
        &self,
        recipe: &NodeRecipe,
        question: impl FnOnce() -> Result<T, SubjectError>,
    ) -> Result<T, Failure> {
        self.catch_panic(recipe, question)?
            .map_err(|error| self.unexplained(recipe, &error))
    }

    /// Judges an error that no fault explains.
    fn unexplained(&self, recipe: &NodeRecipe, error: &SubjectError) -> Failure {
        trial::unexplained(
            self.step,
            &recipe.to_string(),
            may_be_the_machine(recipe),
            error,
        )
    }

    /// Judges the panic from which the last operation recovered, if there is one. None is injected.
    pub(super) fn recovers_from_nothing(&self, subject: &mut dyn Subject) -> Result<(), Failure> {
        trial::recovers_from_nothing(self.step, subject)
    }

    pub(super) fn look(
        &self,
        recipe: &NodeRecipe,
        subject: &dyn Subject,
    ) -> Result<World, Failure> {
        self.ask(recipe, || subject.world())
    }

    /// Judges a block that was added or refused.
    #[expect(clippy::too_many_arguments, reason = "all of it is evidence")]
    pub(super) fn added(
        &mut self,
        recipe: &NodeRecipe,
        answered: &Answered,
        block: &Block,
        before: &World,
        after: &World,
        got: Result<&BlockResult, &Refusal>,
        subject: &dyn Subject,
    ) -> Result<(), Failure> {
        let stored = self.ask(recipe, || subject.stored(block.header.height))?;
        let expected = answered.accepted.as_ref().map(|accepted| &accepted.result);
        let expected = match (expected, &answered.refusal) {
            (Some(result), _) => Ok(result),
            (None, Some(refusal)) => Err(refusal),
            (None, None) => unreachable!("what is no block is never offered to a ledger"),
        };
        let world = answered
            .accepted
            .as_ref()
            .map_or(before, |accepted| &accepted.world);
        let event = Event::Block {
            block,
            got,
            expected,
            stored: stored.as_ref(),
            at_work: None,
        };
        let who = of_bytes(&answered.bytes);
        let judged = self.judge(recipe, before, after, world, event);
        match (judged, self.takers.get(&who)) {
            (Err(Failure::Violation(mut violation)), Some(other)) => {
                violation.detail = format!(
                    "block {}: {}; as expected for {other}",
                    answered.name, violation.detail
                );
                Err(Failure::Violation(violation))
            }
            (judged, _) => {
                judged?;
                self.takers.entry(who).or_insert_with(|| recipe.to_string());
                Ok(())
            }
        }
    }

    /// Judges the answer to a block at or below the height of the ledger, which must be refused.
    pub(super) fn added_again(
        &self,
        recipe: &NodeRecipe,
        block: &Block,
        before: &World,
        after: &World,
        got: Result<&BlockResult, &Refusal>,
        subject: &dyn Subject,
    ) -> Result<(), Failure> {
        let stored = self.ask(recipe, || subject.stored(block.header.height))?;
        let refusal = Refusal::Height {
            expected: Height(before.height.0 + 1),
            got: block.header.height,
        };
        let event = Event::Block {
            block,
            got,
            expected: Err(&refusal),
            stored: stored.as_ref(),
            at_work: None,
        };
        self.judge(recipe, before, after, before, event)
    }

    /// Judges a rewind.
    pub(super) fn rewound(
        &self,
        recipe: &NodeRecipe,
        before: &World,
        after: &World,
        recorded: &World,
    ) -> Result<(), Failure> {
        self.judge(recipe, before, after, recorded, Event::Rewound { recorded })
    }

    /// Judges a ledger that was created, or closed and opened.
    pub(super) fn reopened(
        &self,
        recipe: &NodeRecipe,
        before: &World,
        after: &World,
        subject: &dyn Subject,
    ) -> Result<(), Failure> {
        self.judge(recipe, before, after, before, Event::Reopened)?;
        // The blocks of the chain are read back by `chain`.
        let above = Height(after.height.0 + 1);
        match self.ask(recipe, || subject.stored(above))? {
            None => Ok(()),
            Some(_) => Err(self.violation(
                recipe,
                &BEFORE_OR_AFTER,
                format!("there is a block at {above}, above the tip"),
            )),
        }
    }

    fn judge(
        &self,
        recipe: &NodeRecipe,
        before: &World,
        after: &World,
        expected: &World,
        event: Event<'_>,
    ) -> Result<(), Failure> {
        let evidence = Evidence {
            rules: &self.tree.genesis.rules,
            before,
            after,
            expected,
            event,
        };
        match first_violation(&evidence) {
            None => Ok(()),
            Some((invariant, detail)) => Err(self.violation(recipe, invariant, detail)),
        }
    }

    /// Judges a failed operation: allowed if its storage was told to fail, and an infrastructure failure
    /// if it is on a file.
    pub(super) fn may_fail(
        &self,
        recipe: &NodeRecipe,
        error: SubjectError,
        was_told_to: bool,
    ) -> Result<(), Failure> {
        match error {
            SubjectError::Failed(_) if was_told_to => Ok(()),
            error => Err(self.unexplained(recipe, &error)),
        }
    }

    /// Judges the attempt to open a ledger again.
    pub(super) fn opened(
        &self,
        recipe: &NodeRecipe,
        opened: Result<(), SubjectError>,
        has_crashed: bool,
    ) -> Result<(), Failure> {
        match opened {
            Ok(()) => Ok(()),
            Err(SubjectError::Failed(reason)) if !has_crashed && may_be_the_machine(recipe) => {
                Err(Failure::Infrastructure(reason))
            }
            Err(error) => Err(self.violation(
                recipe,
                &BEFORE_OR_AFTER,
                format!("it cannot be opened again: {error}"),
            )),
        }
    }

    /// Judges a ledger after a failure or a crash: it must be at one of these tips, with every version.
    pub(super) fn before_or_after(
        &self,
        recipe: &NodeRecipe,
        world: &World,
        tips: &[Hash],
    ) -> Result<(), Failure> {
        let expected = tips.iter().filter_map(|tip| self.tree.world(*tip));
        if expected.clone().any(|expected| expected == world) {
            return Ok(());
        }
        let allowed: Vec<String> = expected
            .map(|world| format!("height {} with digest {}", world.height, world.digest))
            .collect();
        Err(self.violation(
            recipe,
            &BEFORE_OR_AFTER,
            format!(
                "it is at height {} with digest {}; expected {}, with every version",
                world.height,
                world.digest,
                allowed.join(" or ")
            ),
        ))
    }

    /// Reads back the blocks of a ledger's chain, which must be the bytes that were sent, with the
    /// receipts of the oracle.
    pub(super) fn chain(
        &self,
        recipe: &NodeRecipe,
        world: &World,
        subject: &dyn Subject,
    ) -> Result<Vec<Arc<[u8]>>, Failure> {
        let mut chain = Vec::new();
        for height in (1..=world.height.0).map(Height) {
            let stored = self.ask(recipe, || subject.stored(height))?;
            let bytes = stored.as_ref().map(|(block, _)| codec::encode(block));
            let answered = bytes.as_ref().and_then(|bytes| self.tree.sent_as(bytes));
            match (answered, stored) {
                (Some(answered), Some((_, receipts)))
                    if answered
                        .accepted
                        .as_ref()
                        .is_some_and(|accepted| accepted.result.receipts == receipts) =>
                {
                    chain.push(Arc::clone(&answered.bytes));
                }
                (answered, _) => {
                    let what = match answered {
                        Some(answered) => format!("block {} with other receipts", answered.name),
                        None => "no block that was ever sent".to_owned(),
                    };
                    return Err(self.violation(
                        recipe,
                        &READS_BACK,
                        format!("after a restart there is {what} at height {height}"),
                    ));
                }
            }
        }
        Ok(chain)
    }

    /// Compares the bytes that a node stores at a tip with those of every node that was ever at it.
    pub(super) fn same_bytes(
        &mut self,
        recipe: &NodeRecipe,
        subject: &dyn Subject,
        tip: Hash,
    ) -> Result<blake3::Hash, Failure> {
        let bytes = self.ask(recipe, || subject.bytes_kept())?;
        let (first, expected) = self
            .bytes
            .entry(tip)
            .or_insert_with(|| (recipe.to_string(), bytes))
            .clone();
        if expected == bytes {
            return Ok(bytes);
        }
        let height = self.look(recipe, subject)?.height;
        let genesis = &self.tree.genesis;
        let difference = self.ask(recipe, || difference_from_rebuilt(subject, genesis, height))?;
        let difference = difference.map_or_else(
            || format!("it has the entries that its blocks give, and {first} has not\n"),
            |difference| format!("{difference}\n"),
        );
        let detail = format!(
            "{difference}at block {} what is kept hashes to {bytes}, that of {first} to {expected}",
            self.tree.name(tip).unwrap_or(u32::MAX)
        );
        Err(self.violation(recipe, &SAME_ON_EVERY_STORAGE, detail))
    }

    /// The failure of nodes that are not at one tip long after the last fault.
    pub(super) fn not_converged(&self, events: u64, tips: String) -> Failure {
        Violation::of(
            &NODES_CONVERGE,
            self.step,
            "the network",
            format!("{events} events after the last fault: {tips}"),
        )
        .into()
    }

    fn violation(
        &self,
        recipe: &NodeRecipe,
        invariant: &'static Invariant,
        detail: String,
    ) -> Failure {
        Violation::of(invariant, self.step, recipe.to_string(), detail).into()
    }
}

/// True if a storage failure may be the machine's: memory and a simulated disk fail only when told to, a
/// file may fail by itself.
fn may_be_the_machine(recipe: &NodeRecipe) -> bool {
    recipe.storage == StorageKind::File && recipe.seeded_bug.is_none()
}

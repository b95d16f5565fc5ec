//! The stored bytes of a ledger against those of one that is built anew from the blocks of its chain.

use std::sync::Arc;

use lockstep_core::model::{Genesis, Height};
use lockstep_harness::violation::Failure;

use super::Trial;
use crate::coverage::point;
use crate::entries;
use crate::invariants::{BYTES_DEPEND_ON_BLOCKS_ALONE, Event};
use crate::scenario::{Scenario, Step};
use crate::subject::{Core, Subject, SubjectError};
use crate::verdicts::{Verdicts, is_verified_everywhere};

/// Largest number of transactions of a chain that is always built anew.
const FEW_TRANSACTIONS: usize = 48;

/// One of N longer chains is built anew. Seed 0 is one of them, because shrinking prefers it.
const ONE_OF: u64 = 4;

/// Returns whether a scenario does anything but adding blocks that extend the chain.
pub(super) fn leaves_the_straight_path(scenario: &Scenario) -> bool {
    let is_straight = |step: &Step| matches!(step, Step::Block(block) if block.flaw.is_none());
    !scenario.steps.iter().all(is_straight)
}

impl Trial<'_> {
    /// Builds a ledger of core from the genesis by the blocks of the chain, and compares the bytes.
    ///
    /// One subject is compared: all subjects are compared with each other.
    pub(super) fn compare_with_rebuilt(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        let transactions: usize = self.blocks.iter().map(|one| one.transactions.len()).sum();
        let is_chosen = transactions <= FEW_TRANSACTIONS || self.judge_seed.is_multiple_of(ONE_OF);
        let mut checks = self.checks.iter();
        let is_judged = checks.any(|check| *check.invariant == BYTES_DEPEND_ON_BLOCKS_ALONE);
        if !is_chosen || !is_judged {
            return Ok(());
        }
        let mut subjects = self.subjects.iter();
        let Some(one) = subjects.find(|one| one.subject.stores_as_core()) else {
            return Ok(());
        };
        let name = one.subject.name();
        let got = self.ask(name, || one.subject.bytes_kept())?;
        let anew = self.ask("core, built anew", || {
            let mut anew = Core::in_memory(&self.genesis, self.hash_seed)?;
            if !is_verified_everywhere(scenario) {
                anew.take_verdicts(Arc::new(Verdicts::of_this_thread()));
            }
            for block in &self.blocks {
                anew.add_block(block)?;
            }
            Ok(anew)
        })?;
        let rebuilt = self.ask("core, built anew", || anew.bytes_kept())?;
        let difference = match got == rebuilt {
            true => None,
            false => {
                let [got, expected] = [&*one.subject, &anew].map(|one: &dyn Subject| one.entries());
                let both = got.ok().flatten().zip(expected.ok().flatten());
                both.and_then(|(got, expected)| entries::difference(&got, &expected))
            }
        };
        let event = Event::Kept {
            got: &got,
            rebuilt: &rebuilt,
            difference: difference.as_deref(),
        };
        self.judge(name, &one.world, &one.world, event)?;
        self.coverage
            .count(point!("bytes: compared with a ledger built anew", rare));
        Ok(())
    }
}

/// Describes the first entry that differs from that of a ledger of core which is built anew from the
/// genesis by the blocks that the subject stores up to this height; `None` where the subject does not
/// tell its entries, or has the same.
///
/// # Errors
///
/// That of the subject, or of the new ledger where it does not take a stored block.
pub fn difference_from_rebuilt(
    subject: &dyn Subject,
    genesis: &Genesis,
    height: Height,
) -> Result<Option<String>, SubjectError> {
    let Some(got) = subject.entries()? else {
        return Ok(None);
    };
    let mut anew = Core::in_memory(genesis, 0)?;
    for below in 1..=height.0 {
        if let Some((block, _)) = subject.stored(Height(below))? {
            anew.add_block(&block)?;
        }
    }
    let expected = anew.entries()?.unwrap_or_default();
    Ok(entries::difference(&got, &expected))
}

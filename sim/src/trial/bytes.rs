//! The stored bytes of a ledger against those of one that is built anew from the blocks of its chain.
//!
//! They are compared at the end of a run, and within it after drawn steps, because a later block may heal what
//! a rewind has left: after each rewind and each restart where the chain is short, after some of them where it
//! is long, and after a few of all other steps. The new ledger costs as much as one more subject for a part of
//! the run, so these shares cost about a hundredth of a campaign.

use std::sync::Arc;

use lockstep_core::model::{Genesis, Height};
use lockstep_harness::choice::{Choices, Seeded};
use lockstep_harness::violation::Failure;

use super::Trial;
use crate::coverage::point;
use crate::entries;
use crate::invariants::{BYTES_DEPEND_ON_BLOCKS_ALONE, Event};
use crate::scenario::{Scenario, Step};
use crate::subject::{Core, Subject, SubjectError};
use crate::verdicts::Verdicts;

/// Largest number of transactions of a chain that is always built anew.
const FEW_TRANSACTIONS: usize = 48;

/// One of N longer chains is built anew. Seed 0 is one of them, because shrinking prefers it.
const ONE_OF: u64 = 4;

/// Mixed into the seed of the steps after which a ledger is built anew.
const OF_REBUILDS: u64 = 0x6275_696c_745f_616e;

/// After one rewind or restart of N, and after one of N other steps, a long chain is built anew.
const AFTER_REWINDS_ONE_IN: u64 = 8;
const AFTER_OTHERS_ONE_IN: u64 = 64;

/// Returns whether a scenario does anything but adding blocks that extend the chain.
pub(super) fn leaves_the_straight_path(scenario: &Scenario) -> bool {
    let is_straight = |step: &Step| matches!(step, Step::Block(block) if block.flaw.is_none());
    !scenario.steps.iter().all(is_straight)
}

impl Trial<'_> {
    /// Compares the bytes with those of a ledger built anew, at the end of a run.
    pub(super) fn compare_with_rebuilt_at_the_end(&mut self) -> Result<(), Failure> {
        let is_chosen = self.is_of_few_transactions() || self.judge_seed.is_multiple_of(ONE_OF);
        match is_chosen {
            true => self.compare_with_rebuilt(),
            false => Ok(()),
        }
    }

    /// Compares the bytes with those of a ledger built anew, if this step was drawn for it.
    pub(super) fn compare_with_rebuilt_after(&mut self, step: &Step) -> Result<(), Failure> {
        let mut choices = Seeded::new(self.judge_seed ^ OF_REBUILDS, self.step as u64);
        let is_chosen = match step {
            Step::Rewind(_) | Step::Reopen => {
                self.is_of_few_transactions() || choices.chance(1, AFTER_REWINDS_ONE_IN)
            }
            _ => choices.chance(1, AFTER_OTHERS_ONE_IN),
        };
        if !is_chosen {
            return Ok(());
        }
        self.compare_with_rebuilt()?;
        self.coverage.count(point!(
            "bytes: compared with a ledger built anew within a run",
            rare
        ));
        Ok(())
    }

    fn is_of_few_transactions(&self) -> bool {
        let transactions: usize = self.blocks.iter().map(|one| one.transactions.len()).sum();
        transactions <= FEW_TRANSACTIONS
    }

    /// Builds a ledger of core from the genesis by the blocks of the chain, and compares the bytes.
    ///
    /// One subject is compared: all subjects are compared with each other.
    fn compare_with_rebuilt(&mut self) -> Result<(), Failure> {
        let mut checks = self.checks.iter();
        let is_judged = checks.any(|check| *check.invariant == BYTES_DEPEND_ON_BLOCKS_ALONE);
        if !is_judged {
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
            if !self.is_thorough {
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

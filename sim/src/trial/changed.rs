//! The world of a subject after a step: what the step may have changed is read, or everything.
//!
//! **Algorithm.** After a block, the newest versions of all cells that the block names and of those that the
//! oracle changed are read of each subject, with the tip, and compared with the oracle's. A subject that
//! agrees, whose answer is the oracle's, and that had the oracle's world before, is taken to have the
//! oracle's world now. Everything is read in a drawn share of the steps, in every step that has a fault,
//! rewinds or opens the ledger, of each subject that disagrees, and of each at the end of the run. Where all
//! signatures are verified everywhere ([`crate::verdicts`]), everything is read after every step.
//!
//! **Correctness.** A subject that disagrees is judged on a whole world, as if nothing else were ever read. The
//! evidence of subjects that agree is one and the same, so it is judged once. A subject that changes
//! another cell silently is found later: at the next drawn step, or at the end.
//!
//! **Cost.** One read a cell that the block names, in place of one a version of every cell of the ledger.
//!
//! **Not covered.** A silent change that the subject takes back before the next whole read.

use std::collections::BTreeSet;
use std::rc::Rc;

use lockstep_core::model::{Asset, Block, Cell, Payload, Refusal};
use lockstep_harness::choice::{Choices, Seeded};
use lockstep_harness::violation::Failure;

use super::{SubjectHistory, Trial};
use crate::coverage::point;
use crate::invariants::Event;
use crate::subject::Subject;
use crate::world::{BlockResult, Newest, World};

/// Mixed into the seed of the steps after which everything is read.
const OF_STEPS: u64 = 0x6368_616e_6765_6400;

/// Everything is read after one step of N, on average.
const WHOLE_ONE_IN: u64 = 16;

/// The oracle's worlds before and after a step, which subjects that agree with it share.
pub(super) struct Agreed {
    pub(super) before: Rc<World>,
    pub(super) after: Rc<World>,
    /// The cells that are read, and what they must be; `None` where everything is read.
    named: Option<(Vec<Cell>, Newest)>,
    /// True once the evidence that all agreeing subjects have was judged.
    pub(super) is_judged: bool,
}

impl Agreed {
    /// Creates the worlds of a step after which everything is read.
    pub(super) fn whole(before: Rc<World>, after: Rc<World>) -> Self {
        Agreed {
            before,
            after,
            named: None,
            is_judged: false,
        }
    }

    /// Creates the worlds of a block after which only what it may have changed is read.
    pub(super) fn of_block(
        before: Rc<World>,
        after: Rc<World>,
        block: &Block,
        expected: Result<&BlockResult, &Refusal>,
    ) -> Self {
        let cells = named(block, expected);
        let newest = after.newest_of(&cells);
        Agreed {
            named: Some((cells, newest)),
            ..Agreed::whole(before, after)
        }
    }
}

impl Trial<'_> {
    /// Returns the oracle's world at its tip, shared with those before if nothing has changed.
    pub(super) fn oracle_world(&self) -> Rc<World> {
        let world = self.oracle.world();
        match self.recorded.last() {
            Some(last) if last.height == world.height && last.hash == world.hash => Rc::clone(last),
            _ => Rc::new(world.clone()),
        }
    }

    /// Returns whether everything is read after this step.
    pub(super) fn is_read_whole(&self) -> bool {
        let mut choices = Seeded::new(self.judge_seed ^ OF_STEPS, self.step as u64);
        self.is_thorough || choices.chance(1, WHOLE_ONE_IN)
    }

    /// Reads what a step may have changed of a subject whose answer was the oracle's, or everything;
    /// returns its world.
    pub(super) fn world_after(
        &mut self,
        one: &mut SubjectHistory,
        agreed: &Agreed,
        is_answer_expected: bool,
    ) -> Result<Rc<World>, Failure> {
        if let Some((cells, expected)) = &agreed.named
            && is_answer_expected
            && Rc::ptr_eq(&one.world, &agreed.before)
        {
            let subject: &dyn Subject = &*one.subject;
            let newest = self.ask(subject.name(), || subject.newest(cells))?;
            if newest.as_ref() == Some(expected) {
                one.is_read_in_part = true;
                self.coverage
                    .count(point!("compared: what a block may change", rare));
                return Ok(Rc::clone(&agreed.after));
            }
        }
        one.is_read_in_part = false;
        self.coverage.count(point!("compared: everything"));
        let after = self.look(&*one.subject)?;
        Ok(match after == *agreed.after {
            true => Rc::clone(&agreed.after),
            false => Rc::new(after),
        })
    }

    /// Reads everything of the subjects of which the last step read a part.
    pub(super) fn read_the_rest(&mut self) -> Result<(), Failure> {
        let mut subjects = std::mem::take(&mut self.subjects);
        let agreed = Agreed::whole(self.oracle_world(), self.oracle_world());
        for one in &mut subjects {
            if one.is_read_in_part {
                let after = self.world_after(one, &agreed, true)?;
                if !Rc::ptr_eq(&after, &one.world) {
                    self.judge(one.subject.name(), &one.world, &after, Event::ReadAgain)?;
                }
                one.note(after);
            }
        }
        self.subjects = subjects;
        Ok(())
    }
}

/// Returns the cells that a block names, and those that it changed by the oracle, in order.
fn named(block: &Block, expected: Result<&BlockResult, &Refusal>) -> Vec<Cell> {
    // The miner is credited in the native asset; a block names few accounts and assets many times.
    let mut named = BTreeSet::from([(block.header.miner, Asset::NATIVE)]);
    for transaction in &block.transactions {
        let source = transaction.source;
        named.insert((source, Asset::NATIVE));
        match &transaction.payload {
            Payload::Transfers(transfers) => {
                for transfer in transfers {
                    named.insert((source, transfer.asset));
                    named.insert((transfer.destination, transfer.asset));
                }
            }
            Payload::Burn { asset, .. } => {
                named.insert((source, *asset));
            }
            Payload::Multisig(_) => {}
        }
    }
    let mut cells: Vec<Cell> = named
        .into_iter()
        .flat_map(|(account, asset)| {
            [
                Cell::Nonce(account),
                Cell::Multisig(account),
                Cell::Balance(account, Asset::NATIVE),
                Cell::Balance(account, asset),
                Cell::Supply(Asset::NATIVE),
                Cell::Supply(asset),
            ]
        })
        .collect();
    if let Ok(result) = expected {
        cells.extend(result.state_diff.iter().map(|(cell, _)| *cell));
    }
    cells.sort_unstable();
    cells.dedup();
    cells
}

//! Core with wrong public answers: the seeded bugs of reads.

use lockstep_core::model::{Block, Cell, Genesis, Height, Nonce, PublicKey, Value};
use lockstep_core::storage::MemoryStorage;

use super::methods_of_inner;
use crate::invariants::{BODIES_ARE_KEPT_BY_RULE, LEVELS_FOLLOW_CONFLICTS, READS_AGREE};
use crate::reads::bodies::{BodyAnswer, BodyScript};
use crate::reads::conflicts::ConflictOrder;
use crate::reads::{Answer, Question};
use crate::subject::{Core, Subject, SubjectError};
use crate::world::{BlockResult, World};

lockstep_harness::seeded_bugs! {
    /// A seeded bug of the public answers of core.
    pub enum AnswerBug in "core answering":
        "core in memory, with one public answer that is wrong beside its whole state"
    {
        ValueOfNextHeight = "value-of-next-height" in Invented:
            "the value at a height is that of the height above it",
            named by [READS_AGREE];
        NothingAboveTip = "nothing-above-tip" in Invented:
            "a cell has no value at a height above the tip",
            named by [READS_AGREE];
        LastBlockAboveTip = "last-block-above-tip" in Invented:
            "the block above the tip is the newest one",
            named by [READS_AGREE];
        LastOfPageLost = "last-of-page-lost" in Invented:
            "a page of cells that ends before its limit lacks its last cell",
            named by [READS_AGREE];
        PageOnlyAfterACell = "page-only-after-a-cell" in Invented:
            "a page of cells that begins after an absent cell is empty",
            named by [READS_AGREE];
        HistoryCutShort = "history-cut-short" in Invented:
            "a history has at most the two newest versions",
            named by [READS_AGREE];
        DrainedBalanceStale = "drained-balance-stale" in Invented:
            "the balance of an account that has nothing left is the one before",
            named by [READS_AGREE];
        StrangerRegistered = "stranger-registered" in Invented:
            "an account that does not exist has the nonce 0",
            named by [READS_AGREE];
        /// The level of a transaction that conflicts with an earlier one is too low.
        LevelOfTheOneBefore = "level-of-the-one-before" in Invented:
            "the level of a transaction follows from the one before it alone",
            named by [LEVELS_FOLLOW_CONFLICTS];
        EvictedBodyFound = "evicted-body-found" in Invented:
            "a body that gave way is found as the one that displaced it",
            named by [BODIES_ARE_KEPT_BY_RULE];
        EvictedBytesCounted = "evicted-bytes-counted" in Invented:
            "the bytes of a body that gave way are still counted",
            named by [BODIES_ARE_KEPT_BY_RULE];
    }
}

/// Core in memory, executed serially, with this bug.
struct Answering {
    inner: Core<MemoryStorage>,
    bug: AnswerBug,
}

impl AnswerBug {
    /// Creates a ledger with this bug.
    ///
    /// # Errors
    ///
    /// As [`Core::in_memory`].
    pub fn subject(
        self,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Box<dyn Subject>, SubjectError> {
        let inner = Core::in_memory(genesis, hash_seed)?;
        Ok(Box::new(Answering { inner, bug: self }))
    }
}

impl Answering {
    fn ask(&self, question: &Question) -> Result<Option<Answer>, SubjectError> {
        self.inner.answer(question)
    }

    /// Returns whether a cell has a value.
    fn exists(&self, cell: Cell) -> Result<bool, SubjectError> {
        let history = self.ask(&Question::History(cell))?;
        Ok(history != Some(Answer::History(Vec::new())))
    }

    fn height(&self) -> Result<Height, SubjectError> {
        match self.ask(&Question::Tip)? {
            Some(Answer::Tip(tip)) => Ok(tip.height),
            _ => Ok(Height::GENESIS),
        }
    }

    fn registered(&self, account: PublicKey) -> Result<bool, SubjectError> {
        self.exists(Cell::Nonce(account))
    }
}

impl Subject for Answering {
    methods_of_inner!();

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        self.inner.add_block(block)
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.inner.rewind_to(height)
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.inner.reopen()
    }

    fn world(&self) -> Result<World, SubjectError> {
        self.inner.world()
    }

    fn answer(&self, question: &Question) -> Result<Option<Answer>, SubjectError> {
        match (self.bug, question) {
            (AnswerBug::ValueOfNextHeight, Question::ValueAt(cell, height)) => {
                let next = Height(height.0.saturating_add(1));
                self.ask(&Question::ValueAt(*cell, next))
            }
            (AnswerBug::NothingAboveTip, Question::ValueAt(_, height))
                if *height > self.height()? =>
            {
                Ok(Some(Answer::ValueAt(None)))
            }
            (AnswerBug::LastBlockAboveTip, Question::Block(height)) => {
                let tip = self.height()?;
                match height.0 == tip.0 + 1 {
                    true => self.ask(&Question::Block(tip)),
                    false => self.ask(question),
                }
            }
            (
                AnswerBug::PageOnlyAfterACell,
                Question::Cells {
                    after: Some(after), ..
                },
            ) if !self.exists(*after)? => Ok(Some(Answer::Cells(Vec::new()))),
            (AnswerBug::StrangerRegistered, Question::Nonce(account))
                if !self.registered(*account)? =>
            {
                Ok(Some(Answer::Nonce(Some(Nonce(0)))))
            }
            (AnswerBug::DrainedBalanceStale, Question::Balance(account, asset)) => {
                let cell = Cell::Balance(*account, *asset);
                match self.ask(&Question::History(cell))? {
                    Some(Answer::History(versions)) if versions.len() > 1 => {
                        let mut amounts = versions.iter().filter_map(|one| match &one.value {
                            Value::Balance(amount) if !amount.is_zero() => Some(*amount),
                            _ => None,
                        });
                        Ok(Some(Answer::Balance(amounts.next().unwrap_or_default())))
                    }
                    _ => self.ask(question),
                }
            }
            _ => {
                let answer = self.ask(question)?;
                Ok(answer.map(|answer| self.spoiled(question, answer)))
            }
        }
    }
}

impl Answering {
    /// Returns the answer with the bug, if it is one of answers like this.
    fn spoiled(&self, question: &Question, answer: Answer) -> Answer {
        match (self.bug, question, answer) {
            (
                AnswerBug::LastOfPageLost,
                Question::Cells { limit, .. },
                Answer::Cells(mut cells),
            ) => {
                if cells.len() < *limit {
                    cells.pop();
                }
                Answer::Cells(cells)
            }
            (AnswerBug::HistoryCutShort, _, Answer::History(mut versions)) => {
                versions.truncate(2);
                Answer::History(versions)
            }
            (
                AnswerBug::LevelOfTheOneBefore,
                Question::Conflicts(transactions),
                Answer::Conflicts(order),
            ) => {
                let mut levels = vec![0; transactions.len()];
                for (index, pair) in transactions.windows(2).enumerate() {
                    let follows = ConflictOrder::of(pair).levels == [0, 1];
                    levels[index + 1] = if follows { levels[index] + 1 } else { 0 };
                }
                Answer::Conflicts(ConflictOrder { levels, ..order })
            }
            (
                AnswerBug::EvictedBodyFound | AnswerBug::EvictedBytesCounted,
                Question::Bodies(script),
                Answer::Bodies(answers),
            ) => Answer::Bodies(self.spoiled_bodies(script, answers)),
            (_, _, answer) => answer,
        }
    }

    fn spoiled_bodies(&self, script: &BodyScript, answers: Vec<BodyAnswer>) -> Vec<BodyAnswer> {
        let all_bytes: u64 = script.bodies.iter().map(|body| body.len() as u64).sum();
        let last = script.bodies.len() - 1;
        let spoil = |answer| match (self.bug, answer) {
            (AnswerBug::EvictedBodyFound, BodyAnswer::Found(None)) => BodyAnswer::Found(Some(last)),
            (AnswerBug::EvictedBytesCounted, BodyAnswer::Size(count, bytes))
                if count < script.bodies.len() =>
            {
                BodyAnswer::Size(count, bytes + all_bytes)
            }
            _ => answer,
        };
        answers.into_iter().map(spoil).collect()
    }
}

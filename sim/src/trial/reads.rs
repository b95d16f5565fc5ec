//! Questions about public reads after a step, and the judgement of their answers.

use lockstep_harness::choice::{Choices, Seeded};
use lockstep_harness::violation::Failure;

use super::Trial;
use crate::coverage::point;
use crate::invariants::{Event, Evidence, OF_READS, first_violation_of};
use crate::reads::bodies::BodyAnswer;
use crate::reads::drawn::{self, Scope};
use crate::reads::{Answer, Question, Recorded};

/// Mixed into the seed of the questions, so that they are independent of all other choices.
const OF_QUESTIONS: u64 = 0x7265_6164_735f_6173;

impl Trial<'_> {
    /// Asks every subject questions about its public reads, and compares the answers with those of
    /// the oracle's history.
    ///
    /// The questions are a function of the scenario: subjects and their order decide nothing, except
    /// that a question of no ledger is put to one subject alone, and after most steps one for a block or
    /// for receipts too, to one after the other: to read them takes as long as to execute them, and the
    /// newest are read of every subject anyway.
    pub(super) fn ask_public_reads(&mut self, is_last: bool) -> Result<(), Failure> {
        let is_asked = |check: &&crate::invariants::Check| {
            OF_READS.iter().any(|one| one.invariant == check.invariant)
        };
        let checks: Vec<_> = self.checks.iter().filter(is_asked).copied().collect();
        if checks.is_empty() || self.subjects.is_empty() {
            return Ok(());
        }
        let known = Recorded {
            rules: &self.genesis.rules,
            oracle: &self.oracle,
            blocks: &self.blocks,
        };
        let mut choices = Seeded::new(self.judge_seed ^ OF_QUESTIONS, self.step as u64);
        let scope = match is_last || choices.chance(1, 16) {
            true => Scope::Many,
            false => Scope::Few,
        };
        let asked: Vec<(Question, Answer)> = drawn::questions(&known, &mut choices, scope)
            .into_iter()
            .map(|question| {
                let expected = known.answer(&question);
                (question, expected)
            })
            .collect();
        let of_no_ledger = self.step % self.subjects.len();
        for (index, one) in self.subjects.iter().enumerate() {
            let name = one.subject.name();
            for (question, expected) in &asked {
                let is_put_to_one =
                    !question.is_of_a_ledger() || (scope == Scope::Few && is_long(question));
                if is_put_to_one && index != of_no_ledger {
                    continue;
                }
                let Some(got) = self.ask(name, || one.subject.answer(question))? else {
                    continue;
                };
                let evidence = Evidence {
                    rules: &self.genesis.rules,
                    before: &one.world,
                    after: &one.world,
                    expected: self.oracle.world(),
                    event: Event::Read {
                        question,
                        got: &got,
                        expected,
                    },
                };
                if let Some((invariant, detail)) = first_violation_of(&checks, &evidence) {
                    return Err(super::violation(invariant, self.step, name, detail));
                }
            }
        }
        for (question, expected) in &asked {
            self.count_question(question, expected);
        }
        Ok(())
    }

    /// Counts the arguments that are worth asking for.
    fn count_question(&mut self, question: &Question, expected: &Answer) {
        let tip = self.oracle.world().height;
        let exists = |cell| self.oracle.world().cells.contains_key(cell);
        let point = match (question, expected) {
            (Question::ValueAt(_, height), _) if *height > tip => {
                point!("asked: value above the tip")
            }
            (Question::ValueAt(cell, _), Answer::ValueAt(value)) => {
                let is_newest = self.oracle.world().newest(*cell) == value.as_ref();
                match (exists(cell), value) {
                    (false, _) => point!("asked: value of an absent cell"),
                    (true, None) => point!("asked: value before the first version"),
                    (true, Some(_)) if !is_newest => point!("asked: value of an older version"),
                    (true, Some(_)) => return,
                }
            }
            (
                Question::Cells {
                    after: Some(cell), ..
                },
                Answer::Cells(page),
            ) => match (exists(cell), page.is_empty()) {
                (false, _) => point!("asked: page after an absent cell"),
                (true, true) => point!("asked: page after the last cell"),
                (true, false) => return,
            },
            (Question::Block(height), _) if *height > tip => point!("asked: block above the tip"),
            (Question::Balance(account, asset), Answer::Balance(amount))
                if amount.is_zero()
                    && exists(&lockstep_core::model::Cell::Balance(*account, *asset)) =>
            {
                point!("asked: balance of a drained account", rare)
            }
            (Question::Conflicts(_), Answer::Conflicts(order)) => match order.groups.len() {
                0..=1 => point!("asked: transactions without a conflict"),
                2 => return,
                _ => point!("asked: three levels of conflicts or more"),
            },
            (Question::Bodies(script), Answer::Bodies(answers)) => {
                let is_lost = |act, answer: &BodyAnswer| {
                    matches!(act, &crate::reads::bodies::BodyAct::Find(..))
                        && *answer == BodyAnswer::Found(None)
                };
                let mut all = script.acts.iter().zip(answers);
                match all.any(|(act, answer)| is_lost(act, answer)) {
                    true => point!("asked: body that the cache has dropped"),
                    false => return,
                }
            }
            _ => return,
        };
        self.coverage.count(point);
    }
}

/// Returns whether the answer has all transactions of a block, or all receipts.
fn is_long(question: &Question) -> bool {
    matches!(question, Question::Block(_) | Question::Receipts(_))
}

//! Draws the steps of a mempool around the blocks of a scenario.
//!
//! The blocks stay as they were drawn. Before some of them a few of their transactions are offered, so
//! that the mempool holds what a block then takes; behind the last one come rounds of offers and
//! templates: ties of fees, replacements, gaps, floods of one source, transactions too large for the
//! room that is left.

use lockstep_harness::choice::Choices;

use super::Profile;
use super::wallet::Wallet;
use crate::scenario::{
    Action, PoolRecipe, Scenario, Sending, Step, TemplateRecipe, TransactionFlaw, TransactionRecipe,
};

/// Inserts the steps of a mempool into a scenario.
pub(super) fn add_steps(scenario: &mut Scenario, profile: &Profile, choices: &mut impl Choices) {
    let mut wallet = Wallet::new(&scenario.genesis);
    let mut undone = Vec::new();
    let mut steps = vec![Step::Pool(limits(choices))];
    for step in std::mem::take(&mut scenario.steps) {
        match &step {
            Step::Block(block) => {
                if !block.transactions.is_empty() && choices.chance(1, 2) {
                    let some = some_of(&block.transactions, choices);
                    // In front of the faults that are to strike during the block.
                    let faults = steps.iter().rev();
                    let faults = faults
                        .take_while(|step| matches!(step, Step::Fault(_)))
                        .count();
                    steps.insert(steps.len() - faults, Step::Submit(some));
                }
                let height = wallet.height();
                block.transactions.iter().for_each(|one| wallet.follow(one));
                wallet.close_block(block);
                if wallet.height() > height {
                    undone.clear();
                }
            }
            Step::Rewind(depth) => undone = wallet.rewind(*depth),
            Step::Reapply => {
                for after in std::mem::take(&mut undone) {
                    wallet.reapply(after);
                }
            }
            _ => {}
        }
        steps.push(step);
    }
    let mut drawn = Rounds {
        choices,
        accounts: profile.accounts.max(2),
        wallet,
    };
    for _ in 0..drawn.choices.between(1, 3) {
        drawn.round(&mut steps);
    }
    scenario.steps = steps;
}

/// Limits that a few transactions reach, or that none do. A transfer takes some 200 bytes.
fn limits(choices: &mut impl Choices) -> PoolRecipe {
    let (transactions, bytes) = choices.pick(&[
        (3, 1 << 20),
        (8, 1 << 20),
        (100, 900),
        (100, 3_000),
        (1_000, 1 << 20),
        (0, 1 << 20),
    ]);
    PoolRecipe {
        transactions,
        bytes,
    }
}

/// A few transactions of a block, some of them changed.
fn some_of(block: &[TransactionRecipe], choices: &mut impl Choices) -> Vec<TransactionRecipe> {
    let count = choices.between(1, 4);
    let one = |choices: &mut dyn FnMut(u64) -> u64| {
        let index = choices(block.len() as u64);
        let mut recipe = block[usize::try_from(index).unwrap_or(0)].clone();
        match choices(6) {
            0 => recipe.fee = recipe.fee.saturating_add(1),
            1 => recipe.nonce = recipe.nonce.saturating_add(1),
            _ => {}
        }
        recipe
    };
    (0..count)
        .map(|_| one(&mut |bound| choices.below(bound)))
        .collect()
}

struct Rounds<'r, C> {
    choices: &'r mut C,
    accounts: u32,
    wallet: Wallet,
}

impl<C: Choices> Rounds<'_, C> {
    /// Offers, a template, and now and then a rewind of it and another template.
    fn round(&mut self, steps: &mut Vec<Step>) {
        let mut offered = Vec::new();
        for _ in 0..self.choices.between(1, 3) {
            self.offer(&mut offered);
        }
        if self.choices.chance(1, 2) {
            offered.reverse();
        }
        for recipe in &offered {
            self.wallet.follow(recipe);
        }
        steps.push(Step::Submit(offered));
        let template = self.template();
        steps.push(template);
        if self.choices.chance(1, 3) {
            steps.push(Step::Rewind(self.choices.between(1, 2)));
            let template = self.template();
            steps.push(template);
        }
    }

    fn template(&mut self) -> Step {
        Step::Template(TemplateRecipe {
            miner: self.account(),
            count: self.choices.pick(&[0, 1, 3, 1_000]),
            bytes: self.choices.pick(&[150, 450, 1_000, 1 << 20]),
        })
    }

    fn offer(&mut self, offered: &mut Vec<TransactionRecipe>) {
        let from = self.account();
        let next = self.wallet.current().nonce(from);
        match self.choices.below(12) {
            // A flood of one source. Hundreds are rare: each is verified.
            0 => {
                let length = self.choices.pick(&[9, 9, 9, 9, 9, 9, 9, 150]);
                let fee = self.choices.pick(&[0, 1, 7]);
                for index in 0..length {
                    offered.push(self.transfer(from, next + index, fee + index % 2));
                }
            }
            // One fee, several sources.
            1..=3 => {
                for _ in 0..self.choices.between(2, 5) {
                    let from = self.account();
                    let next = self.wallet.current().nonce(from);
                    offered.push(self.transfer(from, next, 2));
                }
            }
            // One nonce, several fees.
            4 | 5 => {
                for _ in 0..self.choices.between(2, 4) {
                    let fee = self.choices.below(3);
                    offered.push(self.transfer(from, next, fee));
                }
            }
            // A gap, which a later offer may close. The fee rises with the nonce.
            6 | 7 => {
                offered.push(self.transfer(from, next + 2, 5));
                offered.push(self.transfer(from, next + 1, 3));
                if self.choices.chance(1, 2) {
                    offered.push(self.transfer(from, next, 1));
                }
            }
            // One that takes the room of several, and a small one behind it.
            8 | 9 => {
                let mut large = self.transfer(from, next, 9);
                large.action = Action::Send(vec![Sending(0, 0, 1); 12]);
                offered.push(large);
                offered.push(self.transfer(from, next + 1, 9));
            }
            10 => {
                let mut forged = self.transfer(from, next, 1);
                forged.flaw = Some(TransactionFlaw::FeeChanged);
                offered.push(forged);
                let mut empty = self.transfer(from, next, 1);
                empty.action = Action::Send(Vec::new());
                offered.push(empty);
            }
            // The nonce before the next, and the last one that there is.
            _ => {
                offered.push(self.transfer(from, next.saturating_sub(1), 1));
                offered.push(self.transfer(from, u64::MAX, 1));
            }
        }
    }

    fn transfer(&mut self, from: u32, nonce: u64, fee: u64) -> TransactionRecipe {
        let to = self.account();
        TransactionRecipe {
            from,
            nonce,
            fee,
            action: Action::Send(vec![Sending(to, 0, 1)]),
            cosigners: self.wallet.current().cosigners(from),
            flaw: None,
        }
    }

    fn account(&mut self) -> u32 {
        let few = u64::from(self.accounts.min(5));
        u32::try_from(self.choices.below(few)).expect("accounts are few")
    }
}

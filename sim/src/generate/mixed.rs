//! A block of every kind of transaction behind blocks that were drawn otherwise.

use lockstep_harness::choice::Choices;

use super::wallet::Wallet;
use super::{FaultMix, Generator, Profile, Tail, TransactionKind, small};
use crate::scenario::{BlockRecipe, Scenario, Step};

/// Number of assets that its transactions are of.
pub const MIXED_ASSETS: u32 = 5;

/// Draws a block that extends the blocks of a scenario: one transaction of each kind first, exact edges and
/// those that are rejected included, then kinds by weight.
///
/// Its parties are the first `accounts` accounts and new ones. They should have money in the genesis, of
/// [`MIXED_ASSETS`] assets, or most of the block is rejected.
pub fn mixed_block(
    choices: &mut impl Choices,
    before: &Scenario,
    accounts: u32,
    transactions: u16,
) -> BlockRecipe {
    let mut wallet = Wallet::new(&before.genesis);
    let mut last_miner = None;
    for step in &before.steps {
        if let Step::Block(block) = step {
            for recipe in &block.transactions {
                wallet.follow(recipe);
            }
            wallet.close_block(block);
            last_miner = Some(block.miner);
        }
    }
    let profile = profile(accounts);
    let mut generator = Generator {
        wallet,
        undone: Vec::new(),
        next_new_account: first_unused(before),
        blocks: 0,
        last_miner,
        profile: &profile,
        choices,
    };
    let miner = generator.account();
    let mut body = Vec::new();
    for (kind, _) in &profile.weights {
        generator.of_kind(*kind, miner, &mut body);
    }
    let count = usize::from(transactions);
    while body.len() < count {
        generator.one_kind(miner, &mut body);
    }
    body.truncate(count);
    BlockRecipe {
        miner,
        later_ms: 1_000,
        flaw: None,
        transactions: body,
    }
}

/// Every kind, a plain transfer most often.
fn profile(accounts: u32) -> Profile {
    let kinds = TransactionKind::ALL
        .into_iter()
        .chain(TransactionKind::EDGES);
    let weight = |kind| match kind {
        TransactionKind::Plain => 16,
        _ => 1,
    };
    Profile {
        blocks: 1,
        transactions: 0,
        accounts,
        assets: MIXED_ASSETS,
        max_block_bytes: u64::MAX,
        is_huge: false,
        rewinds: 0,
        reopens: 0,
        block_flaws: 0,
        weights: kinds.map(|kind| (kind, weight(kind))).collect(),
        faults: FaultMix::none(),
        tail: Tail::NONE,
        fault_turn: None,
        extra_blocks: 0,
    }
}

/// Returns the first account beyond those of the genesis and the miners.
fn first_unused(before: &Scenario) -> u32 {
    let miners = before.steps.iter().filter_map(|step| match step {
        Step::Block(block) => Some(block.miner),
        _ => None,
    });
    let holders = before.genesis.balances.iter().map(|holding| holding.0);
    let last = miners.chain(holders).max();
    last.map_or(0, |last| small(u64::from(last) + 1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lockstep_harness::choice::Seeded;

    use super::*;
    use crate::conflict_pattern::{self, ConflictPattern};
    use crate::scenario::Action;

    fn block(seed: u64, transactions: u16) -> BlockRecipe {
        let before = conflict_pattern::scenario(ConflictPattern::Zipf, 1, 1, 60);
        mixed_block(&mut Seeded::new(seed, 0), &before, 40, transactions)
    }

    #[test]
    fn the_same_choices_give_the_same_block_of_that_length() {
        assert_eq!(block(1, 200), block(1, 200));
        assert_ne!(block(1, 200), block(2, 200));
        for transactions in [0, 1, 23, 200] {
            assert_eq!(
                block(3, transactions).transactions.len(),
                usize::from(transactions)
            );
        }
    }

    #[test]
    fn nonces_continue_those_of_the_blocks_before() {
        let before = conflict_pattern::scenario(ConflictPattern::OneSender, 1, 1, 60);
        let drawn = mixed_block(&mut Seeded::new(1, 0), &before, 1, 200);
        let nonces: BTreeSet<u64> = drawn.transactions.iter().map(|one| one.nonce).collect();
        assert!(nonces.contains(&60), "account 0 has sent 60 transactions");
    }

    #[test]
    fn a_block_has_every_action_flaws_and_cosigners() {
        let drawn = block(1, 100).transactions;
        let has =
            |claim: &dyn Fn(&crate::scenario::TransactionRecipe) -> bool| drawn.iter().any(claim);
        assert!(has(
            &|one| matches!(&one.action, Action::Send(sendings) if sendings.len() > 1)
        ));
        assert!(has(&|one| matches!(one.action, Action::Burn(..))));
        assert!(has(&|one| matches!(one.action, Action::Multisig(..))));
        assert!(has(&|one| one.flaw.is_some()));
        assert!(has(&|one| !one.cosigners.is_empty()));
    }
}

//! Exact edges: transactions at both ends of what an amount, a fee or a balance can be, and miners who
//! get nothing or spend at once.
//!
//! Ordinary transactions take a part of a balance, so these cases would come by chance only. They are
//! drawn from the stream of extras, in blocks behind those of an ordinary run and within the runs with a
//! tail.

use lockstep_harness::choice::Choices;

use super::wallet::Wallet;
use super::{FaultMix, Generator, Preset, Profile, Tail, TransactionKind};
use crate::scenario::{Action, BlockRecipe, Sending, Step, TransactionRecipe};

/// Gives the kinds of edges a weight in a profile, as far as they fit its preset.
pub(super) fn weigh(profile: &mut Profile, preset: Preset, weight: u64) {
    let kinds: &[TransactionKind] = match preset {
        // Its transactions are nearly all applied.
        Preset::Calm => &[TransactionKind::Drained, TransactionKind::MinerDrained],
        _ => &TransactionKind::EDGES,
    };
    profile
        .weights
        .extend(kinds.iter().map(|kind| (*kind, weight)));
}

/// The state of a generator behind the last step of an ordinary run.
pub(super) struct Progress {
    pub(super) wallet: Wallet,
    pub(super) next_new_account: u32,
    pub(super) last_miner: Option<u32>,
}

/// Appends the extra blocks of a profile.
pub(super) fn append(
    choices: &mut impl Choices,
    profile: &Profile,
    preset: Preset,
    progress: Progress,
    steps: &mut Vec<Step>,
) {
    let mut of_edges = Profile {
        transactions: 10,
        block_flaws: 0,
        faults: FaultMix::none(),
        tail: Tail::NONE,
        weights: vec![
            (TransactionKind::Plain, 2),
            (TransactionKind::NewAccount, 1),
        ],
        ..profile.clone()
    };
    weigh(&mut of_edges, preset, 4);
    let mut generator = Generator {
        wallet: progress.wallet,
        undone: Vec::new(),
        next_new_account: progress.next_new_account,
        last_miner: progress.last_miner,
        blocks: 0,
        profile: &of_edges,
        choices,
    };
    for _ in 0..profile.extra_blocks {
        let block = match generator.choices.below(3) {
            0 => generator.block_without_fees(),
            _ => generator.block(),
        };
        steps.push(Step::Block(block));
    }
}

impl<C: Choices> Generator<'_, C> {
    /// A block of a miner never seen, whose transactions pay nothing. Where the reward is nothing too,
    /// the miner stays unknown.
    fn block_without_fees(&mut self) -> BlockRecipe {
        let miner = self.new_account();
        let mut transactions = Vec::new();
        for _ in 0..self.choices.below(3) {
            let from = self.rich();
            let to = self.account();
            let amount = self.affordable(from, 0);
            let mut recipe = self.recipe(from, Action::Send(vec![Sending(to, 0, amount)]));
            recipe.fee = 0;
            self.push(recipe, &mut transactions);
        }
        let block = BlockRecipe {
            miner,
            later_ms: 1,
            flaw: None,
            transactions,
        };
        self.wallet.close_block(&block);
        block
    }

    /// Takes exactly all that an account has of an asset.
    pub(super) fn drained(&mut self, body: &mut Vec<TransactionRecipe>) {
        let from = self.rich();
        let asset = match self.choices.below(2) {
            0 => 0,
            _ => self.asset_of(from),
        };
        let to = match self.choices.below(4) {
            0 => self.new_account(),
            _ => self.account(),
        };
        let has = self.wallet.current().balance(from, asset);
        let fee = match asset {
            0 => self.choices.pick(&[0, 0, 1, 7]).min(has),
            _ => 0,
        };
        let action = match self.choices.below(5) {
            0 | 1 => Action::Burn(asset, has - fee),
            // The fee alone takes it all.
            2 if asset == 0 => Action::Multisig(0, Vec::new()),
            _ => Action::Send(vec![Sending(to, asset, has - fee)]),
        };
        let takes_nothing_else = matches!(action, Action::Multisig(..));
        let mut recipe = self.recipe(from, action);
        recipe.fee = if takes_nothing_else { has } else { fee };
        self.push(recipe, body);
    }

    /// The miner of this block spends what the block will give it.
    pub(super) fn miner_ahead(&mut self, miner: u32, body: &mut Vec<TransactionRecipe>) {
        let has = self.wallet.current().balance(miner, 0);
        let gets = self
            .wallet
            .reward()
            .saturating_add(self.wallet.current().fees());
        let more = match self.choices.below(2) {
            0 => 1,
            _ => gets.max(1),
        };
        let to = self.account();
        let amount = has.saturating_add(more);
        let mut recipe = self.recipe(miner, Action::Send(vec![Sending(to, 0, amount)]));
        recipe.fee = 0;
        self.push(recipe, body);
    }

    /// The miner of the block before spends all that it has.
    pub(super) fn miner_drained(&mut self, miner: u32, body: &mut Vec<TransactionRecipe>) {
        let from = match self.choices.below(2) {
            0 => miner,
            _ => self.last_miner.unwrap_or(miner),
        };
        let has = self.wallet.current().balance(from, 0);
        let to = self.account();
        let mut recipe = self.recipe(from, Action::Send(vec![Sending(to, 0, has.max(1))]));
        recipe.fee = 0;
        self.push(recipe, body);
    }

    /// An amount, a fee or a nonce at one of its ends.
    pub(super) fn amount_end(&mut self, body: &mut Vec<TransactionRecipe>) {
        let from = self.rich();
        let asset = self.asset_of(from);
        let to = self.account();
        let native = self.wallet.current().balance(from, 0);
        let has = self.wallet.current().balance(from, asset);
        let fee = self.choices.pick(&[0, 1, 7]);
        let amount = self.choices.pick(&[
            1,
            has.saturating_sub(1),
            has,
            has.saturating_add(1),
            u64::MAX - 1,
            u64::MAX,
            u64::MAX - fee,
            (u64::MAX - fee).saturating_add(1),
        ]);
        let action = match self.choices.below(3) {
            0 => Action::Burn(asset, amount),
            _ => Action::Send(vec![Sending(to, asset, amount)]),
        };
        let mut recipe = self.recipe(from, action);
        let of_native = if asset == 0 { amount } else { 0 };
        recipe.fee = match self.choices.below(8) {
            0 => native,
            1 => native.saturating_add(1),
            2 => native.saturating_sub(of_native),
            3 => native.saturating_sub(of_native).saturating_add(1),
            4 => u64::MAX,
            _ => fee,
        };
        recipe.nonce = match self.choices.below(16) {
            0 => 0,
            1 => u64::MAX,
            _ => recipe.nonce,
        };
        self.push(recipe, body);
    }
}

//! Draws scenarios from a stream of choices, biased towards edge cases.
//!
//! Swarm testing (Groce et al., ISSTA 2012): every scenario first draws its [`Profile`], the weight
//! of each kind of transaction and of fault, so that some kinds are absent and others dominate. The
//! wallet follows the balances and nonces that should result, so that most transactions meant to be
//! applied are; it judges nothing, and an error of it changes only the mix.

mod dimension;
mod edges;
mod failures;
mod fault_turns;
pub(crate) mod faults;
mod mempool;
mod mixed;
mod preset;
mod profile;
mod runs;
mod tails;
mod tree;
mod wallet;

pub use dimension::{Dimension, Tail};
pub use failures::add_failures;
pub use faults::{FaultKind, FaultMix, FaultTurn};
pub use mixed::{MIXED_ASSETS, mixed_block};
pub use preset::Preset;
pub use profile::{Profile, Size, TransactionKind};
pub use runs::{of_run, profile_of_run, with_edges, with_tail};
pub use tree::{Grown, tree, tree_of};

use edges::Progress;
use wallet::{Beliefs, Wallet};

use crate::scenario::{
    Action, BlockFlaw, BlockRecipe, GenesisRecipe, Holding, NetworkName, Scenario, Sending, Step,
    TransactionFlaw, TransactionRecipe,
};
use lockstep_harness::choice::Choices;

/// Draws a profile, and a scenario of that profile without faults.
pub fn scenario(choices: &mut impl Choices, size: Size) -> (Profile, Scenario) {
    let profile = Profile::draw(choices, size);
    of_profile(choices, profile)
}

/// Draws as [`scenario`] does, with the steps of a mempool.
pub fn scenario_with_mempool(choices: &mut impl Choices, size: Size) -> (Profile, Scenario) {
    let (profile, mut scenario) = scenario(choices, size);
    mempool::add_steps(&mut scenario, &profile, choices);
    (profile, scenario)
}

/// Draws as [`scenario`] does, with faults.
pub fn scenario_with_faults(choices: &mut impl Choices, size: Size) -> (Profile, Scenario) {
    scenario_with_preset(choices, size, Preset::Default)
}

/// Draws a profile with faults, applies a preset to it, and draws a scenario of the result.
pub fn scenario_with_preset(
    choices: &mut impl Choices,
    size: Size,
    preset: Preset,
) -> (Profile, Scenario) {
    let profile = profile_with_preset(choices, size, preset);
    of_profile(choices, profile)
}

fn of_profile(choices: &mut impl Choices, profile: Profile) -> (Profile, Scenario) {
    let (profile, scenario, _) = of_profile_so_far(choices, profile);
    (profile, scenario)
}

/// Draws a scenario, and returns how far its generator has come.
fn of_profile_so_far(
    choices: &mut impl Choices,
    profile: Profile,
) -> (Profile, Scenario, Progress) {
    let genesis = genesis(choices, &profile);
    let mut generator = Generator::new(&genesis, &profile, choices);
    let mut steps = Vec::new();
    for _ in 0..profile.blocks {
        // Bounded: a stream that always makes the same choice would never reach a block.
        for _ in 0..2 {
            let step = generator.between_blocks();
            generator.push_step(step, &mut steps);
        }
        let block = generator.block();
        generator.push_step(Some(Step::Block(block)), &mut steps);
    }
    if let Some(dimension) = profile.tail.dimension {
        generator.last_of_tail(dimension, &mut steps);
    }
    let hash_seed = generator.choices.below(1 << 32);
    let progress = Progress {
        wallet: generator.wallet,
        next_new_account: generator.next_new_account,
        last_miner: generator.last_miner,
    };
    let mut scenario = Scenario {
        genesis,
        hash_seed,
        workers: profile.tail.workers,
        steps,
    };
    if let Some(less) = profile.tail.bytes_below_block {
        tails::limit_bytes(&mut scenario, less, choices);
    }
    (profile, scenario, progress)
}

/// Draws the profile alone: that of [`scenario_with_preset`] for the same choices.
pub fn profile_with_preset(choices: &mut impl Choices, size: Size, preset: Preset) -> Profile {
    let mut profile = Profile::draw(choices, size);
    profile.faults = FaultMix::draw(choices);
    preset.apply_to(&mut profile);
    profile
}

fn genesis(choices: &mut impl Choices, profile: &Profile) -> GenesisRecipe {
    let mut balances = Vec::new();
    let mut of_asset = vec![0u64; profile.assets as usize];
    for account in 0..profile.accounts {
        for asset in 0..profile.assets {
            if asset > 0 && choices.chance(1, 2) {
                continue;
            }
            let left = u64::MAX - of_asset[asset as usize];
            let amount = match choices.below(8) {
                0 => 0,
                1 => choices.between(1, 20),
                // Once an asset nearly exhausts u64, so that sums in the ledger reach its end, and
                // those of one account that has most of it.
                2 if profile.is_huge => left / 2,
                3 | 4 if profile.is_huge => left / 8 * 7,
                _ => choices.between(1_000, 100_000),
            };
            let amount = amount.min(left);
            of_asset[asset as usize] += amount;
            balances.push(Holding(account, asset, amount));
        }
    }
    let reward = choices.pick(&[0, 1, 50, 1_000_000]);
    let allocated = of_asset[0];
    GenesisRecipe {
        network: choices.pick(&[
            NetworkName::Mainnet,
            NetworkName::Testnet,
            NetworkName::Stagenet,
            NetworkName::Devnet,
        ]),
        reward,
        // Issued up within the run, or at once, or never, or not used up.
        native_limit: match choices.below(4) {
            0 => allocated,
            1 => allocated.saturating_add(reward / 2),
            2 => allocated.saturating_add(reward.saturating_mul(3)),
            _ => u64::MAX,
        },
        max_block_bytes: profile.max_block_bytes,
        balances,
    }
}

struct Generator<'g, C> {
    choices: &'g mut C,
    profile: &'g Profile,
    wallet: Wallet,
    /// Beliefs after each block that the last rewind undid, the lowest first.
    undone: Vec<Beliefs>,
    next_new_account: u32,
    /// Number of blocks so far.
    blocks: usize,
    /// Miner of the last block that should have been accepted.
    last_miner: Option<u32>,
}

impl<'g, C: Choices> Generator<'g, C> {
    fn new(genesis: &GenesisRecipe, profile: &'g Profile, choices: &'g mut C) -> Self {
        Generator {
            wallet: Wallet::new(genesis),
            undone: Vec::new(),
            next_new_account: profile.accounts,
            blocks: 0,
            last_miner: None,
            profile,
            choices,
        }
    }

    fn between_blocks(&mut self) -> Option<Step> {
        let profile = self.profile;
        if !self.undone.is_empty() && self.choices.chance(1, 2) {
            for after in std::mem::take(&mut self.undone) {
                self.wallet.reapply(after);
            }
            return Some(Step::Reapply);
        }
        if self.wallet.height() > 0 && self.choices.chance(profile.rewinds, 100) {
            // Sometimes more than there are blocks.
            let depth = self.choices.between(1, profile.tail.depth);
            self.undone = self.wallet.rewind(depth);
            return Some(Step::Rewind(depth));
        }
        self.choices
            .chance(profile.reopens, 100)
            .then_some(Step::Reopen)
    }

    /// Appends a step, preceded by the faults that are to strike during it.
    fn push_step(&mut self, step: Option<Step>, steps: &mut Vec<Step>) {
        if let Some(step) = step {
            steps.extend(self.profile.faults.before(&step, self.choices));
            steps.push(step);
        }
    }

    fn block(&mut self) -> BlockRecipe {
        let flaw = self
            .choices
            .chance(self.profile.block_flaws, 100)
            .then(|| self.block_flaw());
        let miner = self.account();
        // A block that is refused needs no long body.
        let most = if flaw.is_some() {
            4
        } else {
            self.profile.transactions
        };
        let exact = self.profile.tail.lengths.get(self.blocks).copied();
        self.blocks += 1;
        let count = exact.unwrap_or_else(|| self.choices.between(0, most));
        let mut transactions = Vec::new();
        while (transactions.len() as u64) < count {
            self.one_kind(miner, &mut transactions);
        }
        if let Some(exact) = exact {
            transactions.truncate(usize::try_from(exact).unwrap_or(usize::MAX));
        }
        let block = BlockRecipe {
            miner,
            later_ms: self.choices.pick(&[0, 1, 1_000, 15_000]),
            flaw,
            transactions,
        };
        let height = self.wallet.height();
        self.wallet.close_block(&block);
        if self.wallet.height() > height {
            self.undone.clear();
            self.last_miner = Some(miner);
        }
        block
    }

    fn block_flaw(&mut self) -> BlockFlaw {
        match self.choices.below(11) {
            0 => BlockFlaw::Version(self.choices.pick(&[0, 2, u16::MAX])),
            1 => BlockFlaw::Network(self.other_network()),
            2 => BlockFlaw::Height(self.choices.pick(&[0, 1, 1_000, u64::MAX])),
            3 => BlockFlaw::Parent,
            4 => BlockFlaw::Earlier,
            5 => BlockFlaw::Count,
            6 => BlockFlaw::MerkleRoot,
            7 => BlockFlaw::RepeatedLast,
            8 => BlockFlaw::Truncated(self.choices.below(1 << 20)),
            9 => BlockFlaw::Extended,
            _ => BlockFlaw::FlippedBit(self.choices.below(1 << 20)),
        }
    }

    /// Draws one transaction, or a few that belong together, of a kind drawn by weight.
    fn one_kind(&mut self, miner: u32, body: &mut Vec<TransactionRecipe>) {
        let kind = self
            .choices
            .weighted(&self.profile.weights)
            .unwrap_or(TransactionKind::Plain);
        self.of_kind(kind, miner, body);
    }

    fn of_kind(&mut self, kind: TransactionKind, miner: u32, body: &mut Vec<TransactionRecipe>) {
        match kind {
            TransactionKind::Plain => self.plain(body),
            TransactionKind::ManyTransfers => self.many_transfers(body),
            TransactionKind::SelfTransfer => self.self_transfer(body),
            TransactionKind::Chain => self.chain(body),
            TransactionKind::HotAccount => {
                let from = self.rich();
                let amount = self.affordable(from, 0);
                self.send(from, vec![Sending(0, 0, amount)], body);
            }
            TransactionKind::NewAccount => {
                let from = self.rich();
                let to = self.new_account();
                let amount = self.affordable(from, 0);
                self.send(from, vec![Sending(to, 0, amount)], body);
            }
            TransactionKind::Miner => {
                let amount = self.affordable(miner, 0);
                let to = self.account();
                self.send(miner, vec![Sending(to, 0, amount)], body);
                let from = self.rich();
                let amount = self.affordable(from, 0);
                self.send(from, vec![Sending(miner, 0, amount)], body);
            }
            TransactionKind::InAndOut => self.in_and_out(body),
            TransactionKind::Burn => {
                let from = self.rich();
                let asset = self.asset_of(from);
                let amount = self.affordable(from, asset);
                self.act(from, Action::Burn(asset, amount), body);
            }
            TransactionKind::Multisig => self.multisig(body),
            TransactionKind::MissingCosigner => self.missing_cosigner(body),
            TransactionKind::Nonce => self.wrong_nonce(body),
            TransactionKind::Duplicate => {
                if let Some(earlier) = self.one_of(body) {
                    self.push(earlier, body);
                } else {
                    self.plain(body);
                }
            }
            TransactionKind::Overspend => self.overspend(body),
            TransactionKind::PartialFailure => self.partial_failure(body),
            TransactionKind::SumOverflow => self.sum_overflow(body),
            TransactionKind::Malformed => self.malformed(body),
            TransactionKind::Forged => self.forged(body),
            TransactionKind::Drained => self.drained(body),
            TransactionKind::MinerAhead => self.miner_ahead(miner, body),
            TransactionKind::MinerDrained => self.miner_drained(miner, body),
            TransactionKind::AmountEnd => self.amount_end(body),
            TransactionKind::UnknownSender => {
                let stranger = self.new_account();
                let action = match self.choices.below(2) {
                    0 => Action::Send(vec![Sending(0, 0, 1)]),
                    _ => Action::Multisig(1, vec![0]),
                };
                let recipe = self.recipe(stranger, action);
                self.push(recipe, body);
            }
        }
    }

    fn plain(&mut self, body: &mut Vec<TransactionRecipe>) {
        let from = self.rich();
        let asset = self.asset_of(from);
        let to = self.account();
        let amount = self.affordable(from, asset);
        self.send(from, vec![Sending(to, asset, amount)], body);
    }

    fn self_transfer(&mut self, body: &mut Vec<TransactionRecipe>) {
        let from = self.rich();
        let asset = self.asset_of(from);
        let mut amount = self.affordable(from, asset);
        if self.choices.chance(1, 2) {
            // The whole balance, or all but the largest fee.
            let has = self.wallet.current().balance(from, asset);
            amount = has.saturating_sub(self.choices.pick(&[0, 7])).max(1);
        }
        self.send(from, vec![Sending(from, asset, amount)], body);
    }

    fn many_transfers(&mut self, body: &mut Vec<TransactionRecipe>) {
        let from = self.rich();
        let count = match self.profile.tail.dimension {
            Some(Dimension::Transfers) => self.profile.tail.most,
            Some(Dimension::Assets) => self.choices.pick(&[16, 64, 255]),
            _ => {
                let most = self.choices.pick(&[2, 4, 16, 255]);
                self.choices.between(2, most)
            }
        };
        let sendings = (0..count)
            .map(|_| {
                let asset = self.asset_of(from);
                let to = self.account();
                Sending(to, asset, self.choices.between(1, 3))
            })
            .collect();
        self.send(from, sendings, body);
    }

    /// A pays B, and B spends what it could not have spent before.
    fn chain(&mut self, body: &mut Vec<TransactionRecipe>) {
        let mut from = self.rich();
        for _ in 0..self.choices.between(2, 5) {
            let to = self.account();
            let amount = self.wallet.current().balance(from, 0).saturating_sub(3);
            self.send(from, vec![Sending(to, 0, amount.max(1))], body);
            from = to;
        }
    }

    /// A new account receives an amount and sends all of it on in the same block.
    fn in_and_out(&mut self, body: &mut Vec<TransactionRecipe>) {
        let from = self.rich();
        let asset = self.asset_of(from);
        let guest = self.new_account();
        let amount = self.affordable(from, asset);
        self.send(from, vec![Sending(guest, asset, amount)], body);
        let to = self.account();
        let mut back = self.recipe(guest, Action::Send(vec![Sending(to, asset, amount)]));
        back.fee = 0;
        self.push(back, body);
    }

    fn multisig(&mut self, body: &mut Vec<TransactionRecipe>) {
        let mut from = self.account();
        let earlier = self.wallet.current().any_multisig();
        let action = if let Some((account, _)) = earlier
            && self.choices.chance(1, 3)
        {
            from = account;
            Action::Multisig(0, Vec::new())
        } else {
            let first = self.choices.below(u64::from(self.profile.accounts));
            let (size, among, threshold) = self.participants();
            let participants: Vec<u32> = (first..first + size)
                .map(|number| small(number % among))
                .collect();
            Action::Multisig(u8::try_from(threshold).unwrap_or(1), participants)
        };
        self.act(from, action, body);
    }

    /// Draws the number of participants of a multisig, the number of accounts that they are among, and
    /// the threshold.
    fn participants(&mut self) -> (u64, u64, u64) {
        let accounts = u64::from(self.profile.accounts);
        let most = self.profile.tail.participants;
        if most == Tail::NONE.participants {
            let size = self.choices.between(1, most).min(accounts);
            return (size, accounts, self.choices.between(1, size));
        }
        // Participants beyond the accounts of the genesis have keys as well.
        let size = match self.choices.below(4) {
            0 => self.choices.between(1, most),
            _ => most,
        };
        let threshold = match self.choices.below(4) {
            0 => self.choices.between(1, size),
            _ => size,
        };
        (size, accounts.max(most), threshold)
    }

    fn missing_cosigner(&mut self, body: &mut Vec<TransactionRecipe>) {
        let Some((account, multisig)) = self.wallet.current().any_multisig() else {
            return self.multisig(body);
        };
        let to = self.account();
        let mut recipe = self.recipe(account, Action::Send(vec![Sending(to, 0, 1)]));
        recipe.cosigners.pop();
        if self.choices.chance(1, 2) {
            // The same participant twice, or an account that is none, does not satisfy it.
            let instead = recipe.cosigners.first().copied().unwrap_or(to);
            if !multisig.contains(&instead) || recipe.cosigners.contains(&instead) {
                recipe.cosigners.push(instead);
            }
        }
        self.push(recipe, body);
    }

    fn wrong_nonce(&mut self, body: &mut Vec<TransactionRecipe>) {
        let from = self.rich();
        let to = self.account();
        let mut recipe = self.recipe(from, Action::Send(vec![Sending(to, 0, 1)]));
        recipe.nonce = match self.choices.below(4) {
            0 => recipe.nonce.saturating_sub(1),
            1 => recipe.nonce + 1,
            2 => recipe.nonce + self.choices.between(2, 1_000),
            _ => u64::MAX,
        };
        self.push(recipe, body);
    }

    fn overspend(&mut self, body: &mut Vec<TransactionRecipe>) {
        let from = self.account();
        let asset = self.asset_of(from);
        let to = self.choices.pick(&[from, 0]);
        let has = self.wallet.current().balance(from, asset);
        let recipe = match self.choices.below(3) {
            // By one.
            0 => self.recipe(
                from,
                Action::Send(vec![Sending(to, asset, has.saturating_add(1))]),
            ),
            1 => self.recipe(from, Action::Burn(asset, has.saturating_add(1))),
            // By the fee alone.
            _ => {
                let native = self.wallet.current().balance(from, 0).max(1);
                let action = if self.choices.chance(1, 2) {
                    Action::Burn(0, native)
                } else {
                    Action::Send(vec![Sending(to, 0, native)])
                };
                let mut recipe = self.recipe(from, action);
                recipe.fee = recipe.fee.max(1);
                recipe
            }
        };
        self.push(recipe, body);
    }

    /// The first transfers are covered by the balance, a later one is not.
    fn partial_failure(&mut self, body: &mut Vec<TransactionRecipe>) {
        let from = self.rich();
        let first = self.account();
        let second = self.account();
        let asset = self.asset_of(from);
        let has = self.wallet.current().balance(from, asset);
        let recipe = self.recipe(
            from,
            Action::Send(vec![
                Sending(first, 0, 1),
                Sending(first, asset, 1),
                Sending(second, asset, has.max(1)),
            ]),
        );
        self.push(recipe, body);
    }

    fn sum_overflow(&mut self, body: &mut Vec<TransactionRecipe>) {
        let from = self.rich();
        let to = self.account();
        let asset = self.asset_of(from);
        let more = self.choices.pick(&[1, 2, u64::MAX]);
        let sendings = vec![Sending(to, asset, u64::MAX), Sending(from, asset, more)];
        let mut recipe = self.recipe(from, Action::Send(sendings));
        if self.choices.chance(1, 2) {
            recipe.action = Action::Send(vec![Sending(to, 0, u64::MAX)]);
            recipe.fee = self.choices.pick(&[1, u64::MAX]);
        }
        self.push(recipe, body);
    }

    fn malformed(&mut self, body: &mut Vec<TransactionRecipe>) {
        let from = self.account();
        let to = self.account();
        let mut cosigners = None;
        let action = match self.choices.below(10) {
            0 => Action::Send(Vec::new()),
            1 => Action::Send(vec![Sending(to, 0, 1); 256]),
            2 => Action::Send(vec![Sending(to, 0, 1), Sending(to, 0, 0)]),
            3 => Action::Burn(0, 0),
            4 => Action::Multisig(1, (0..256).collect()),
            5 => Action::Multisig(3, vec![from, to]),
            6 => Action::Multisig(self.choices.pick(&[0, 1]), vec![]),
            7 => Action::Multisig(0, vec![to]),
            8 => Action::Multisig(2, vec![from, to, from]),
            _ => {
                cosigners = Some(vec![to; 256]);
                Action::Send(vec![Sending(to, 0, 1)])
            }
        };
        let mut recipe = self.recipe(from, action);
        if let Some(cosigners) = cosigners {
            recipe.cosigners = cosigners;
        }
        self.push(recipe, body);
    }

    fn forged(&mut self, body: &mut Vec<TransactionRecipe>) {
        let from = self.rich();
        let to = self.account();
        let mut recipe = self.recipe(from, Action::Send(vec![Sending(to, 0, 1)]));
        recipe.flaw = Some(match self.choices.below(7) {
            0 => TransactionFlaw::Network(self.other_network()),
            1 => TransactionFlaw::SignedBy(to.wrapping_add(1)),
            2 => TransactionFlaw::FlippedBit(u16::try_from(self.choices.below(512)).unwrap_or(0)),
            3 => TransactionFlaw::FeeChanged,
            4 => {
                recipe.cosigners.push(to);
                TransactionFlaw::ForgedCosignature
            }
            5 => TransactionFlaw::ScalarNotReduced,
            _ => {
                recipe.fee = 0;
                recipe.nonce = self.choices.below(3);
                recipe.action = Action::Multisig(0, Vec::new());
                recipe.cosigners.clear();
                TransactionFlaw::SmallOrder
            }
        });
        self.push(recipe, body);
    }

    fn send(&mut self, from: u32, sendings: Vec<Sending>, body: &mut Vec<TransactionRecipe>) {
        self.act(from, Action::Send(sendings), body);
    }

    fn act(&mut self, from: u32, action: Action, body: &mut Vec<TransactionRecipe>) {
        let recipe = self.recipe(from, action);
        self.push(recipe, body);
    }

    fn push(&mut self, recipe: TransactionRecipe, body: &mut Vec<TransactionRecipe>) {
        self.wallet.follow(&recipe);
        body.push(recipe);
    }

    /// A transaction with the next nonce, the cosigners that are required, and a drawn fee.
    fn recipe(&mut self, from: u32, action: Action) -> TransactionRecipe {
        let now = self.wallet.current();
        TransactionRecipe {
            from,
            nonce: now.nonce(from),
            fee: self.choices.pick(&[0, 0, 1, 2, 7]),
            action,
            cosigners: now.cosigners(from),
            flaw: None,
        }
    }

    fn account(&mut self) -> u32 {
        small(self.choices.below(u64::from(self.profile.accounts)))
    }

    /// An account with more than 100 of the native asset, if four tries find one.
    fn rich(&mut self) -> u32 {
        // Or few transactions would have many cosigners.
        if self.profile.tail.dimension == Some(Dimension::Participants)
            && let Some((account, _)) = self.wallet.current().any_multisig()
            && self.choices.chance(1, 2)
        {
            return account;
        }
        for _ in 0..4 {
            let account = self.account();
            if self.wallet.current().balance(account, 0) > 100 {
                return account;
            }
        }
        self.account()
    }

    fn new_account(&mut self) -> u32 {
        self.next_new_account += 1;
        self.next_new_account - 1
    }

    fn asset_of(&mut self, account: u32) -> u32 {
        let asset = small(self.choices.below(u64::from(self.profile.assets)));
        if self.wallet.current().balance(account, asset) > 0 {
            asset
        } else {
            0
        }
    }

    /// An amount of at most a third of the balance, which leaves room for the fee.
    fn affordable(&mut self, account: u32, asset: u32) -> u64 {
        let most = self.wallet.current().balance(account, asset) / 3;
        self.choices.between(1, most.clamp(1, 1 << 40))
    }

    fn other_network(&mut self) -> NetworkName {
        // May draw the same network, and then there is no flaw.
        self.choices.pick(&[
            NetworkName::Mainnet,
            NetworkName::Testnet,
            NetworkName::Stagenet,
            NetworkName::Devnet,
        ])
    }

    fn one_of(&mut self, body: &[TransactionRecipe]) -> Option<TransactionRecipe> {
        if body.is_empty() {
            return None;
        }
        let index = self.choices.below(body.len() as u64);
        body.get(usize::try_from(index).ok()?).cloned()
    }
}

fn small(number: u64) -> u32 {
    u32::try_from(number).expect("accounts and assets are few")
}

//! Blocks of any size with one pattern of conflicts, for measurements and for load.
//!
//! The generator mixes kinds of transactions. A block of a pattern has one kind, and each of its
//! transactions is applied, because a block of rejections measures nothing. The result is a
//! scenario, so a failure under load is replayed, edited and shrunk like every other.

use std::collections::BTreeMap;
use std::fmt;

use lockstep_core::codec;
use lockstep_core::model::{Block, Genesis, Hash, Height, Receipt};

use crate::scenario::build::{self, Keys};
use crate::scenario::{
    Action, BlockRecipe, GenesisRecipe, Holding, NetworkName, Scenario, Sending, Step,
    TransactionRecipe,
};
use crate::world::World;
use lockstep_harness::choice::{Choices, Seeded};

/// Pattern of the transfers of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConflictPattern {
    /// Pairs of accounts, each account in one transaction: nothing conflicts.
    Independent,
    /// Source and destination are drawn from as many accounts as there are transactions, the
    /// account of rank k with weight 1/k: a few accounts are in most transactions.
    Zipf,
    /// All accounts pay the same one, each once, so only credits conflict.
    Hot,
    /// A pays B, B pays C from that, and so on: no two transactions can change places.
    Chain,
    /// One account pays all others: consecutive nonces and one balance.
    OneSender,
    /// As [`ConflictPattern::Independent`], but [`TRANSFERS`] transfers in a transaction, of as
    /// many of [`ASSETS`] assets.
    MultiAsset,
    /// The worst cases of a scheduler at once: one account that many pay, in bursts from 1 to
    /// [`LONGEST_BURST`], and that pays after each burst, so that it waits for all of them and the
    /// next burst for it; a chain through everything, which makes as many levels as it has hops,
    /// most of them narrow; one sender that pays many; and in between transactions without
    /// conflicts.
    Adversarial,
}

/// Number of assets in [`ConflictPattern::MultiAsset`], the native one included.
pub const ASSETS: u32 = 8;

/// Number of transfers of a transaction of [`ConflictPattern::MultiAsset`], each of another
/// asset. The other patterns have one, of the native asset.
pub const TRANSFERS: u32 = 4;

/// Maximum number of payments to the account in the middle of [`ConflictPattern::Adversarial`]
/// before it pays itself.
pub const LONGEST_BURST: u64 = 1 << (BURSTS - 1);

/// Number of lengths of a burst: the powers of two from 1 on. Few and short, so that the block is
/// deep; with 7 of them the graph took about as long, measured on a busy machine.
const BURSTS: u64 = 3;
/// Maximum amount of a transfer.
const MAX_AMOUNT: u64 = 1_000;
/// Maximum fee.
const MAX_FEE: u64 = 10;
/// Block size limit, above any block of any pattern: a transaction takes less than 600 bytes.
const MAX_BLOCK_BYTES: u64 = 64 << 20;
/// Time of a block after its parent, in milliseconds.
const LATER_MS: u64 = 1_000;

impl ConflictPattern {
    /// All patterns.
    pub const ALL: [ConflictPattern; 7] = [
        ConflictPattern::Independent,
        ConflictPattern::Zipf,
        ConflictPattern::Hot,
        ConflictPattern::Chain,
        ConflictPattern::OneSender,
        ConflictPattern::MultiAsset,
        ConflictPattern::Adversarial,
    ];

    /// Name in command lines and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ConflictPattern::Independent => "independent",
            ConflictPattern::Zipf => "zipf",
            ConflictPattern::Hot => "hot",
            ConflictPattern::Chain => "chain",
            ConflictPattern::OneSender => "one-sender",
            ConflictPattern::MultiAsset => "multi-asset",
            ConflictPattern::Adversarial => "adversarial",
        }
    }

    /// Returns the pattern with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ConflictPattern::ALL
            .into_iter()
            .find(|pattern| pattern.name() == name)
    }

    /// Maximum number of accounts that are a party in a block of this many transactions.
    #[must_use]
    pub const fn most_accounts(self, transactions: u16) -> u32 {
        let transactions = transactions as u32;
        match self {
            ConflictPattern::Independent | ConflictPattern::MultiAsset => 2 * transactions,
            ConflictPattern::Zipf if transactions < 2 => 2,
            ConflictPattern::Zipf => transactions,
            ConflictPattern::Hot | ConflictPattern::Chain | ConflictPattern::OneSender => {
                transactions + 1
            }
            ConflictPattern::Adversarial => 2 * transactions + FIRST_STRANGER,
        }
    }

    /// Minimum number of accounts for a block.
    #[must_use]
    pub const fn least_accounts(self) -> u32 {
        match self {
            ConflictPattern::Adversarial => FIRST_STRANGER + 2,
            _ => 2,
        }
    }
}

impl fmt::Display for ConflictPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A genesis and blocks that extend it one after another.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The genesis.
    pub genesis: Genesis,
    /// The blocks from height 1 on, signed.
    pub blocks: Vec<Block>,
}

/// Builds signed blocks of one pattern. Equal arguments give equal bytes.
///
/// Costs one key for each account and one signature for each transaction, together some 30
/// microseconds a transaction in release.
#[must_use]
pub fn workload(pattern: ConflictPattern, seed: u64, blocks: u32, transactions: u16) -> Workload {
    signed(&scenario(pattern, seed, blocks, transactions))
}

/// Builds blocks as [`workload`] does among `accounts` accounts: if there are fewer than
/// [`ConflictPattern::most_accounts`], they repeat, and there are more conflicts than the pattern
/// has by itself.
///
/// # Panics
///
/// Panics if there are fewer than [`ConflictPattern::least_accounts`].
#[must_use]
pub fn workload_among(
    accounts: u32,
    pattern: ConflictPattern,
    seed: u64,
    blocks: u32,
    transactions: u16,
) -> Workload {
    assert!(
        accounts >= pattern.least_accounts(),
        "{pattern} is among {} accounts or more",
        pattern.least_accounts()
    );
    signed(&scenario_among(
        accounts,
        pattern,
        seed,
        blocks,
        transactions,
    ))
}

/// Draws the scenario of [`workload`].
#[must_use]
pub fn scenario(pattern: ConflictPattern, seed: u64, blocks: u32, transactions: u16) -> Scenario {
    let accounts = pattern.most_accounts(transactions);
    scenario_among(accounts, pattern, seed, blocks, transactions)
}

/// Draws the scenario of [`workload_among`].
#[must_use]
pub fn scenario_among(
    accounts: u32,
    pattern: ConflictPattern,
    seed: u64,
    blocks: u32,
    transactions: u16,
) -> Scenario {
    let choices = Seeded::new(seed, 0);
    let transactions = u32::from(transactions);
    let mut book = Book::default();
    let mut source = TransferSource::new(pattern, choices, accounts, blocks, transactions);
    for account in 0..source.accounts {
        book.register(account);
    }
    let steps = (0..blocks)
        .map(|_| {
            Step::Block(BlockRecipe {
                // Not a party to any transaction.
                miner: source.accounts,
                later_ms: LATER_MS,
                flaw: None,
                transactions: (0..transactions)
                    .map(|index| {
                        let (from, fee, sendings) = source.next(index);
                        book.pay(from, fee, sendings)
                    })
                    .collect(),
            })
        })
        .collect();
    Scenario {
        genesis: GenesisRecipe {
            network: NetworkName::Mainnet,
            reward: 50,
            native_limit: u64::MAX,
            max_block_bytes: MAX_BLOCK_BYTES,
            balances: book.allocations(),
        },
        hash_seed: seed,
        workers: None,
        steps,
    }
}

/// Share of applied transactions among receipts, 0 to 1; 0 without receipts.
#[must_use]
pub fn applied_share(receipts: &[Receipt]) -> f64 {
    let applied = receipts.iter().filter(|receipt| receipt.is_applied());
    let (applied, all) = (applied.count() as f64, receipts.len() as f64);
    if all == 0.0 { 0.0 } else { applied / all }
}

fn signed(scenario: &Scenario) -> Workload {
    let mut keys = Keys::default();
    let genesis = build::genesis(&scenario.genesis, &mut keys);
    let mut tip = World {
        height: Height::GENESIS,
        hash: codec::genesis_hash(&genesis),
        time: genesis.time,
        // Unknown before the blocks are executed, and no block depends on it.
        digest: Hash::ZERO,
        cells: BTreeMap::new(),
    };
    let mut signed = Vec::new();
    for step in &scenario.steps {
        let Step::Block(recipe) = step else {
            unreachable!("a pattern consists of blocks");
        };
        let bytes = build::block(recipe, &genesis.rules, &tip, &mut keys);
        let block: Block = codec::decode("a block", &bytes).expect("a block without a flaw");
        tip.height = block.header.height;
        tip.hash = codec::block_hash(&block.header);
        tip.time = block.header.time;
        signed.push(block);
    }
    Workload {
        genesis,
        blocks: signed,
    }
}

/// In [`ConflictPattern::Adversarial`], the account that many pay and that pays after each burst.
const MIDDLE: u32 = 0;
/// In [`ConflictPattern::Adversarial`], the sender that pays many.
const FAN: u32 = 1;
/// In [`ConflictPattern::Adversarial`], the first of all other accounts.
const FIRST_STRANGER: u32 = 2;

/// Draws the transfers of one transaction after another.
struct TransferSource {
    pattern: ConflictPattern,
    choices: Seeded,
    /// Number of accounts that may be a party: 0 up to this.
    accounts: u32,
    /// For [`ConflictPattern::Zipf`], the sum of the weights up to each account.
    cumulative_weights: Vec<u64>,
    /// End of the chain so far: account and amount.
    holder: (u32, u64),
    /// For [`ConflictPattern::Adversarial`], number of payments left before the account in the
    /// middle pays.
    left_of_burst: u64,
    /// For [`ConflictPattern::Adversarial`], next of the other accounts.
    turn: u32,
}

impl TransferSource {
    fn new(
        pattern: ConflictPattern,
        mut choices: Seeded,
        accounts: u32,
        blocks: u32,
        transactions: u32,
    ) -> Self {
        // In whole numbers: the last bit of a fraction could differ between machines.
        let cumulative_weights = (1..=u64::from(accounts))
            .scan(0, |sum, rank| {
                *sum += (1 << 32) / rank;
                Some(*sum)
            })
            .collect();
        // Enough that all the fees of a chain leave something.
        let fees = u64::from(blocks) * u64::from(transactions) * MAX_FEE;
        let first = match pattern {
            ConflictPattern::Adversarial => FIRST_STRANGER,
            _ => 0,
        };
        let holder = (first, fees + choices.between(1, MAX_AMOUNT));
        TransferSource {
            pattern,
            choices,
            accounts,
            cumulative_weights,
            holder,
            left_of_burst: 0,
            turn: 0,
        }
    }

    /// Source, fee and transfers of the transaction at this index of the next block.
    fn next(&mut self, index: u32) -> (u32, u64, Vec<Sending>) {
        let fee = self.choices.between(1, MAX_FEE);
        let (from, to) = match self.pattern {
            ConflictPattern::Independent | ConflictPattern::MultiAsset => {
                let pair = index % (self.accounts / 2);
                (2 * pair, 2 * pair + 1)
            }
            ConflictPattern::Zipf => self.two_by_rank(),
            ConflictPattern::Hot => (1 + index % (self.accounts - 1), 0),
            ConflictPattern::OneSender => (0, 1 + index % (self.accounts - 1)),
            ConflictPattern::Chain => {
                let to = (self.holder.0 + 1) % self.accounts;
                return self.hop(to, fee);
            }
            ConflictPattern::Adversarial => match index % 8 {
                0 | 2 | 4 | 6 => self.around_the_middle(),
                1 | 5 => {
                    let to = self.stranger_but(self.holder.0);
                    return self.hop(to, fee);
                }
                3 => (FAN, self.stranger()),
                _ => {
                    let from = self.stranger();
                    (from, self.stranger_but(from))
                }
            },
        };
        let assets = match self.pattern {
            ConflictPattern::MultiAsset => TRANSFERS,
            _ => 1,
        };
        let first = match self.pattern {
            ConflictPattern::MultiAsset => self.choices.below(u64::from(ASSETS)),
            _ => 0,
        };
        let first = u32::try_from(first).expect("the number of an asset");
        let sendings = (first..first + assets)
            .map(|asset| Sending(to, asset % ASSETS, self.choices.between(1, MAX_AMOUNT)))
            .collect();
        (from, fee, sendings)
    }

    /// The account at the end of the chain pays all of it on, but for the fee.
    fn hop(&mut self, to: u32, fee: u64) -> (u32, u64, Vec<Sending>) {
        let (from, amount) = self.holder;
        self.holder = (to, amount - fee);
        (from, fee, vec![Sending(to, 0, amount - fee)])
    }

    fn around_the_middle(&mut self) -> (u32, u32) {
        if self.left_of_burst == 0 {
            self.left_of_burst = 1 << self.choices.below(BURSTS);
            (MIDDLE, self.stranger())
        } else {
            self.left_of_burst -= 1;
            (self.stranger(), MIDDLE)
        }
    }

    /// Other accounts in turn, so that they repeat as late as their number allows.
    fn stranger(&mut self) -> u32 {
        let stranger = FIRST_STRANGER + self.turn % (self.accounts - FIRST_STRANGER);
        self.turn = self.turn.wrapping_add(1);
        stranger
    }

    fn stranger_but(&mut self, other: u32) -> u32 {
        let first = self.stranger();
        if first == other {
            self.stranger()
        } else {
            first
        }
    }

    fn two_by_rank(&mut self) -> (u32, u32) {
        let from = self.by_rank();
        loop {
            let to = self.by_rank();
            if to != from {
                return (from, to);
            }
        }
    }

    fn by_rank(&mut self) -> u32 {
        let weights = &self.cumulative_weights;
        let all = *weights.last().expect("there are at least two accounts");
        let drawn = self.choices.below(all);
        let rank = weights.partition_point(|sum| *sum <= drawn);
        u32::try_from(rank).expect("there are at most as many ranks as accounts")
    }
}

/// Balances and nonces while the blocks are drawn, and the genesis balances that they require.
#[derive(Default)]
struct Book {
    nonces: BTreeMap<u32, u64>,
    /// By account and asset: balance now, and balance at the genesis.
    balances: BTreeMap<(u32, u32), (u64, u64)>,
}

impl Book {
    /// Creates an account in the genesis: the costs of a first and of a later block shall not
    /// differ by new accounts.
    fn register(&mut self, account: u32) {
        self.balances.insert((account, 0), (1, 1));
    }

    /// Pays, and adds what the source lacks to its genesis balance.
    fn pay(&mut self, from: u32, fee: u64, sendings: Vec<Sending>) -> TransactionRecipe {
        self.take(from, 0, fee);
        for Sending(_, asset, amount) in &sendings {
            self.take(from, *asset, *amount);
        }
        for Sending(to, asset, amount) in &sendings {
            self.balances.entry((*to, *asset)).or_default().0 += amount;
        }
        let next = self.nonces.entry(from).or_default();
        let nonce = *next;
        *next += 1;
        TransactionRecipe {
            from,
            nonce,
            fee,
            action: Action::Send(sendings),
            cosigners: Vec::new(),
            flaw: None,
        }
    }

    fn take(&mut self, account: u32, asset: u32, amount: u64) {
        let (now, at_genesis) = self.balances.entry((account, asset)).or_default();
        let lacking = amount.saturating_sub(*now);
        *at_genesis += lacking;
        *now = *now + lacking - amount;
    }

    fn allocations(&self) -> Vec<Holding> {
        self.balances
            .iter()
            .filter(|(_, (_, at_genesis))| *at_genesis > 0)
            .map(|((account, asset), (_, at_genesis))| Holding(*account, *asset, *at_genesis))
            .collect()
    }
}

#[cfg(test)]
mod tests;

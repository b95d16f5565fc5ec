//! The system under test: a ledger in memory with a parallel executor. It knows nothing of the harness.
//!
//! A block is executed in rounds: transactions that do not conflict run in parallel on two threads,
//! then the next round follows. The effects of one transaction come from `lockstep_core::transition`;
//! an executor of your own may compute them itself.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::thread;

use lockstep_core::model::*;
use lockstep_core::{codec, merkle, schedule, transition};

/// A ledger in memory.
pub(crate) struct Ledger {
    rules: Rules,
    /// All cells with all their versions, the oldest first.
    pub(crate) cells: BTreeMap<Cell, Vec<Version>>,
    /// Tips after the genesis and after every block.
    pub(crate) tips: Vec<Tip>,
    /// All blocks and their receipts, from height 1.
    pub(crate) blocks: Vec<(Block, Vec<Receipt>)>,
    bug: Option<SeededBug>,
}

/// A seeded bug of the ledger.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeededBug {
    /// Executes every block in one round.
    IgnoresConflicts,
    /// The third round of a block waits for ever.
    NeverEnds,
}

/// Identity, time and digest of a block.
#[derive(Clone, Copy)]
pub(crate) struct Tip {
    pub(crate) hash: Hash,
    pub(crate) time: Timestamp,
    pub(crate) digest: Hash,
}

/// Result of a block; its receipts are in [`Ledger::blocks`].
pub(crate) struct Added {
    pub(crate) state_diff: Vec<(Cell, Value)>,
    pub(crate) fees: Amount,
    pub(crate) reward: Amount,
}

impl Ledger {
    pub(crate) fn new(genesis: &Genesis, bug: Option<SeededBug>) -> Result<Self, String> {
        let mut values = Values::over(&NOTHING);
        for ((account, asset), amount) in &genesis.balances {
            let mut supply = values.supply_of(*asset);
            let sum = supply.genesis.checked_add(*amount);
            supply.genesis = sum.ok_or("the balances of an asset add up to too much")?;
            if !amount.is_zero() {
                values.set(Cell::Supply(*asset), Value::Supply(supply));
                values.credit(*account, *asset, *amount);
            }
        }
        if values.supply_of(Asset::NATIVE).genesis > genesis.rules.native_limit {
            return Err("more of the native asset than there may be".to_owned());
        }
        let mut ledger = Ledger {
            rules: genesis.rules.clone(),
            cells: BTreeMap::new(),
            tips: Vec::new(),
            blocks: Vec::new(),
            bug,
        };
        let state_diff = ledger.write(Height::GENESIS, values.written);
        let hash = codec::genesis_hash(genesis);
        ledger.tips.push(Tip {
            hash,
            time: genesis.time,
            digest: codec::block_digest(hash, &state_diff, &[]),
        });
        Ok(ledger)
    }

    pub(crate) fn height(&self) -> Height {
        Height(self.blocks.len() as u64)
    }

    pub(crate) fn tip(&self) -> Tip {
        *self.tips.last().expect("there is always a genesis")
    }

    pub(crate) fn add(&mut self, block: &Block) -> Result<Added, Refusal> {
        let ids: Vec<Hash> = block
            .transactions
            .iter()
            .map(codec::transaction_id)
            .collect();
        self.admit(block, &ids)?;
        let header = &block.header;
        let mut values = Values::over(&self.cells);
        let outcomes = self.rounds(block, &mut values);

        let fees = Amount(outcomes.iter().map(fee).sum());
        let mut native = values.supply_of(Asset::NATIVE);
        let left = self.rules.native_limit.0 - native.genesis.0 - native.issued.0;
        let reward = self.rules.reward.min(Amount(left));
        if reward.0 + fees.0 > 0 {
            native.issued.0 += reward.0;
            values.set(Cell::Supply(Asset::NATIVE), Value::Supply(native));
            values.credit(header.miner, Asset::NATIVE, Amount(reward.0 + fees.0));
        }

        let written = values.written;
        let state_diff = self.write(header.height, written);
        let receipts: Vec<Receipt> = ids
            .into_iter()
            .zip(outcomes)
            .map(|(transaction, outcome)| Receipt {
                transaction,
                outcome,
            })
            .collect();
        self.tips.push(Tip {
            hash: codec::block_hash(header),
            time: header.time,
            digest: codec::block_digest(self.tip().digest, &state_diff, &receipts),
        });
        self.blocks.push((block.clone(), receipts));
        Ok(Added {
            state_diff,
            fees,
            reward,
        })
    }

    /// Undoes every block above this height.
    pub(crate) fn rewind_to(&mut self, height: Height) {
        for versions in self.cells.values_mut() {
            versions.retain(|version| version.height <= height);
        }
        self.cells.retain(|_, versions| !versions.is_empty());
        let left = usize::try_from(height.0).expect("the blocks are in memory");
        self.blocks.truncate(left);
        self.tips.truncate(left + 1);
    }

    fn admit(&self, block: &Block, ids: &[Hash]) -> Result<(), Refusal> {
        let (header, tip) = (&block.header, self.tip());
        let (height, body) = (Height(self.height().0 + 1), merkle::root(ids));
        let bytes = codec::encoded_len(block);
        if header.version != BLOCK_VERSION {
            let (expected, got) = (BLOCK_VERSION, header.version);
            Err(Refusal::Version { expected, got })
        } else if header.network != self.rules.network {
            let (expected, got) = (self.rules.network, header.network);
            Err(Refusal::Network { expected, got })
        } else if header.height != height {
            let (expected, got) = (height, header.height);
            Err(Refusal::Height { expected, got })
        } else if header.parent != tip.hash {
            let (expected, got) = (tip.hash, header.parent);
            Err(Refusal::Parent { expected, got })
        } else if header.time < tip.time {
            let (parent, got) = (tip.time, header.time);
            Err(Refusal::Time { parent, got })
        } else if usize::from(header.count) != ids.len() {
            let (header, body) = (header.count, ids.len() as u64);
            Err(Refusal::Count { header, body })
        } else if bytes > self.rules.max_block_bytes {
            let (limit, got) = (self.rules.max_block_bytes, bytes);
            Err(Refusal::Size { limit, got })
        } else if header.merkle_root != body {
            let header = header.merkle_root;
            Err(Refusal::MerkleRoot { header, body })
        } else {
            Ok(())
        }
    }

    /// The executor: runs the transactions of a block in rounds. Returns their outcomes in block order
    /// and leaves the values after the last round.
    fn rounds(&self, block: &Block, values: &mut Values<'_>) -> Vec<Outcome> {
        let rounds = match self.bug == Some(SeededBug::IgnoresConflicts) {
            true => vec![(0..u32::from(block.header.count)).collect()],
            false => {
                let hasher = BuildHasherDefault::<DefaultHasher>::default();
                schedule::group_by_conflicts(&block.transactions, hasher)
            }
        };
        let mut outcomes = vec![None; block.transactions.len()];
        for (number, round) in rounds.into_iter().enumerate() {
            while self.bug == Some(SeededBug::NeverEnds) && number == 2 {
                thread::park();
            }
            let of_part = |part: &[u32]| -> Vec<Outcome> {
                let transactions = part
                    .iter()
                    .map(|index| &block.transactions[*index as usize]);
                transactions
                    .map(|transaction| self.outcome(transaction, values))
                    .collect()
            };
            let (half, rest) = round.split_at(round.len() / 2);
            let both = thread::scope(|scope| {
                let other = scope.spawn(|| of_part(half));
                let mine = of_part(rest);
                [other.join().expect("an executor does not panic"), mine]
            });
            for (index, outcome) in round.iter().zip(both.into_iter().flatten()) {
                values.apply(&outcome);
                outcomes[*index as usize] = Some(outcome);
            }
        }
        let all: Option<Vec<Outcome>> = outcomes.into_iter().collect();
        all.expect("every transaction is in a round")
    }

    /// Computes the outcome of one transaction on these values.
    fn outcome(&self, transaction: &Transaction, mut values: &Values<'_>) -> Outcome {
        match transition::check(transaction, self.rules.network) {
            Err(rejection) => Outcome::Rejected(rejection),
            Ok(()) => match transition::transition(transaction, &mut values) {
                Ok(outcome) => outcome,
                Err(never) => match never {},
            },
        }
    }

    /// Writes the values that changed as versions of this height. Returns the changes.
    fn write(&mut self, height: Height, values: BTreeMap<Cell, Value>) -> Vec<(Cell, Value)> {
        let mut state_diff = Vec::new();
        for (cell, value) in values {
            let last = self.cells.get(&cell).and_then(|versions| versions.last());
            let is_same = match (last, &value) {
                (Some(last), value) => last.value == *value,
                (None, Value::Nonce(_)) => false,
                (None, Value::Multisig(multisig)) => multisig.is_none(),
                (None, Value::Balance(amount)) => amount.is_zero(),
                (None, Value::Supply(supply)) => *supply == Supply::default(),
            };
            if !is_same {
                let version = Version {
                    height,
                    previous: last.map(|version| version.height),
                    value: value.clone(),
                };
                self.cells.entry(cell).or_default().push(version);
                state_diff.push((cell, value));
            }
        }
        state_diff
    }
}

fn fee(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Applied { fee, .. } => fee.0,
        Outcome::Rejected(_) => 0,
    }
}

static NOTHING: BTreeMap<Cell, Vec<Version>> = BTreeMap::new();

/// Values that transactions read: those before the block, overlaid by those written since.
struct Values<'l> {
    before: &'l BTreeMap<Cell, Vec<Version>>,
    written: BTreeMap<Cell, Value>,
}

impl<'l> Values<'l> {
    fn over(before: &'l BTreeMap<Cell, Vec<Version>>) -> Self {
        Values {
            before,
            written: BTreeMap::new(),
        }
    }

    fn get(&self, cell: Cell) -> Option<&Value> {
        let before = || self.before.get(&cell)?.last();
        let written = self.written.get(&cell);
        written.or_else(|| before().map(|version| &version.value))
    }

    fn set(&mut self, cell: Cell, value: Value) {
        self.written.insert(cell, value);
    }

    fn balance_of(&self, account: PublicKey, asset: Asset) -> Amount {
        match self.get(Cell::Balance(account, asset)) {
            Some(Value::Balance(amount)) => *amount,
            _ => Amount::ZERO,
        }
    }

    fn supply_of(&self, asset: Asset) -> Supply {
        match self.get(Cell::Supply(asset)) {
            Some(Value::Supply(supply)) => *supply,
            _ => Supply::default(),
        }
    }

    fn credit(&mut self, account: PublicKey, asset: Asset, amount: Amount) {
        let sum = self.balance_of(account, asset).checked_add(amount);
        let sum = sum.expect("the supply of an asset fits into 64 bits");
        self.set(Cell::Balance(account, asset), Value::Balance(sum));
        if self.get(Cell::Nonce(account)).is_none() {
            self.set(Cell::Nonce(account), Value::Nonce(Nonce(0)));
        }
    }

    fn apply(&mut self, outcome: &Outcome) {
        let Outcome::Applied { effects, .. } = outcome else {
            return;
        };
        for effect in effects.iter().cloned() {
            match effect {
                Effect::Nonce { account, to } => self.set(Cell::Nonce(account), Value::Nonce(to)),
                Effect::Multisig { account, to } => {
                    self.set(Cell::Multisig(account), Value::Multisig(to));
                }
                Effect::Debit {
                    account,
                    asset,
                    amount,
                } => {
                    let left = self.balance_of(account, asset).checked_sub(amount);
                    let left = left.expect("the balance was checked");
                    self.set(Cell::Balance(account, asset), Value::Balance(left));
                }
                Effect::Credit {
                    account,
                    asset,
                    amount,
                } => self.credit(account, asset, amount),
                Effect::Burn { asset, amount } => {
                    let mut supply = self.supply_of(asset);
                    supply.burned.0 += amount.0;
                    self.set(Cell::Supply(asset), Value::Supply(supply));
                }
            }
        }
    }
}

impl transition::StateView for &Values<'_> {
    type Error = Infallible;

    fn nonce(&mut self, account: PublicKey) -> Result<Option<Nonce>, Infallible> {
        Ok(match self.get(Cell::Nonce(account)) {
            Some(Value::Nonce(nonce)) => Some(*nonce),
            _ => None,
        })
    }

    fn multisig(&mut self, account: PublicKey) -> Result<Option<Multisig>, Infallible> {
        Ok(match self.get(Cell::Multisig(account)) {
            Some(Value::Multisig(multisig)) => multisig.clone(),
            _ => None,
        })
    }

    fn balance(&mut self, account: PublicKey, asset: Asset) -> Result<Amount, Infallible> {
        Ok(self.balance_of(account, asset))
    }
}

//! Keys, transactions, blocks and ledgers for the tests: the one place that knows the API of
//! [`Chain`], and nothing that is a claim about the rules.

pub(crate) mod backend;
pub(crate) mod disk;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lockstep_core::chain::{AddedBlock, Chain, ChainError, Tip};
use lockstep_core::clock::Clock;
use lockstep_core::codec;
use lockstep_core::config::Config;
use lockstep_core::merkle;
use lockstep_core::model::{
    Amount, Asset, BLOCK_VERSION, Block, Cell, Effect, Genesis, Hash, Header, Height, Multisig,
    Network, Nonce, Outcome, Payload, PublicKey, Receipt, Refusal, Rejection, Rules, Signature,
    Supply, Timestamp, Transaction, Transfer, Value, Version,
};
use lockstep_core::signature::Keypair;
use lockstep_core::storage::{Batch, MemoryStorage, Storage, Table};

use proptest::test_runner::{Config as ProptestConfig, RngSeed};

use disk::{Disk, Tables};

/// The network of every ledger here that does not say otherwise.
pub(crate) const NETWORK: Network = Network::Devnet;
/// An asset that sorts after the native one.
pub(crate) const GOLD: Asset = Asset([7; 32]);
/// An asset that sorts after [`GOLD`].
pub(crate) const SILVER: Asset = Asset([9; 32]);
/// The time of every genesis here.
pub(crate) const START: Timestamp = Timestamp(1_000_000);

/// A key that is the same whenever it has the same name.
pub(crate) fn key(name: &str) -> Keypair {
    Keypair::from_secret(blake3::hash(name.as_bytes()).into())
}

/// This many different keys.
pub(crate) fn keys(count: usize) -> Vec<Keypair> {
    (0..count)
        .map(|index| key(&format!("key {index}")))
        .collect()
}

/// A value that has a public key.
pub(crate) trait Account {
    /// The public key.
    fn account(&self) -> PublicKey;
}

impl Account for Keypair {
    fn account(&self) -> PublicKey {
        self.public()
    }
}

impl Account for PublicKey {
    fn account(&self) -> PublicKey {
        *self
    }
}

/// A transaction before it is signed: `from(&alice, 0).fee(2).pay(&bob, 30).sign()`.
pub(crate) struct Unsigned {
    source: Keypair,
    transaction: Transaction,
    cosigners: Vec<Keypair>,
}

/// A transaction of this source with this nonce, so far with no transfers and no fee.
pub(crate) fn from(source: &Keypair, nonce: u64) -> Unsigned {
    Unsigned {
        source: source.clone(),
        transaction: Transaction {
            network: NETWORK,
            source: source.public(),
            nonce: Nonce(nonce),
            fee: Amount::ZERO,
            payload: Payload::Transfers(Vec::new()),
            signature: Signature([0; 64]),
            cosignatures: Vec::new(),
        },
        cosigners: Vec::new(),
    }
}

impl Unsigned {
    pub(crate) fn network(mut self, network: Network) -> Self {
        self.transaction.network = network;
        self
    }

    pub(crate) fn fee(mut self, fee: u64) -> Self {
        self.transaction.fee = Amount(fee);
        self
    }

    /// One more transfer of the native asset.
    pub(crate) fn pay(self, to: &impl Account, amount: u64) -> Self {
        self.pay_of(Asset::NATIVE, to, amount)
    }

    /// One more transfer.
    pub(crate) fn pay_of(mut self, asset: Asset, to: &impl Account, amount: u64) -> Self {
        let Payload::Transfers(transfers) = &mut self.transaction.payload else {
            panic!("transfers are added to transfers");
        };
        transfers.push(Transfer {
            destination: to.account(),
            asset,
            amount: Amount(amount),
        });
        self
    }

    pub(crate) fn burn(mut self, asset: Asset, amount: u64) -> Self {
        self.transaction.payload = Payload::Burn {
            asset,
            amount: Amount(amount),
        };
        self
    }

    pub(crate) fn multisig(mut self, threshold: u8, participants: &[&Keypair]) -> Self {
        self.transaction.payload = Payload::Multisig(multisig(threshold, participants));
        self
    }

    pub(crate) fn cosign(mut self, signer: &Keypair) -> Self {
        self.cosigners.push(signer.clone());
        self
    }

    pub(crate) fn sign(self) -> Transaction {
        let mut transaction = self.transaction;
        self.source.sign_transaction(&mut transaction);
        for cosigner in &self.cosigners {
            cosigner.cosign_transaction(&mut transaction);
        }
        transaction
    }
}

pub(crate) fn multisig(threshold: u8, participants: &[&Keypair]) -> Multisig {
    Multisig {
        threshold,
        participants: participants.iter().map(|one| one.public()).collect(),
    }
}

/// Replaces the source's signature by one of another message.
pub(crate) fn forge(mut transaction: Transaction) -> Transaction {
    transaction.signature = key("forger").sign(&Hash([1; 32]));
    transaction
}

/// A clock that shows the time that it was set to.
#[derive(Clone, Debug)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(crate) fn at(now: u64) -> Self {
        TestClock(Arc::new(AtomicU64::new(now)))
    }

    pub(crate) fn set(&self, now: u64) {
        self.0.store(now, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// A ledger before it begins: `ledger().has(&alice, 100).reward(50).open()`.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) genesis: Genesis,
    pub(crate) config: Config,
    pub(crate) clock: TestClock,
}

/// Returns a setup with no balances, no rewards and the highest limits.
pub(crate) fn ledger() -> Setup {
    Setup {
        genesis: Genesis {
            rules: Rules {
                network: NETWORK,
                reward: Amount::ZERO,
                native_limit: Amount::MAX,
                max_block_bytes: 1 << 30,
            },
            time: START,
            balances: BTreeMap::new(),
        },
        config: Config::for_network(NETWORK),
        clock: TestClock::at(START.0),
    }
}

impl Setup {
    pub(crate) fn has(self, account: &impl Account, amount: u64) -> Self {
        self.has_of(Asset::NATIVE, account, amount)
    }

    pub(crate) fn has_of(mut self, asset: Asset, account: &impl Account, amount: u64) -> Self {
        self.genesis
            .balances
            .insert((account.account(), asset), Amount(amount));
        self
    }

    pub(crate) fn reward(mut self, reward: u64) -> Self {
        self.genesis.rules.reward = Amount(reward);
        self
    }

    pub(crate) fn native_limit(mut self, limit: u64) -> Self {
        self.genesis.rules.native_limit = Amount(limit);
        self
    }

    pub(crate) fn max_block_bytes(mut self, limit: u64) -> Self {
        self.genesis.rules.max_block_bytes = limit;
        self
    }

    pub(crate) fn open(&self) -> Ledger<MemoryStorage> {
        self.open_on(&Disk::new(MemoryStorage::new()))
    }

    pub(crate) fn try_open(&self) -> Result<Ledger<MemoryStorage>, ChainError> {
        self.try_open_on(&Disk::new(MemoryStorage::new()))
    }

    pub(crate) fn open_on<S: Storage>(&self, disk: &Disk<S>) -> Ledger<S> {
        self.try_open_on(disk).expect("the ledger opens")
    }

    pub(crate) fn try_open_on<S: Storage>(&self, disk: &Disk<S>) -> Result<Ledger<S>, ChainError> {
        let chain = Chain::open(
            disk.clone(),
            &self.genesis,
            self.config.clone(),
            Arc::new(self.clock.clone()),
        )?;
        Ok(Ledger {
            chain,
            disk: disk.clone(),
        })
    }
}

/// A chain and the storage under it.
pub(crate) struct Ledger<S: Storage> {
    pub(crate) chain: Chain<Disk<S>>,
    pub(crate) disk: Disk<S>,
}

impl<S: Storage> Ledger<S> {
    /// Returns the block that extends the tip with these transactions, mined by an account that no
    /// transaction touches.
    pub(crate) fn block(&self, transactions: impl Into<Vec<Transaction>>) -> Block {
        self.block_of(&key("miner"), transactions)
    }

    pub(crate) fn block_of(
        &self,
        miner: &impl Account,
        transactions: impl Into<Vec<Transaction>>,
    ) -> Block {
        let transactions = transactions.into();
        let tip = self.tip();
        Block {
            header: Header {
                version: BLOCK_VERSION,
                network: self.chain.rules().network,
                height: Height(tip.height.0 + 1),
                parent: tip.hash,
                time: tip.time,
                miner: miner.account(),
                merkle_root: body_root(&transactions),
                count: u16::try_from(transactions.len()).unwrap_or(u16::MAX),
            },
            transactions,
        }
    }

    pub(crate) fn try_add(&mut self, block: &Block) -> Result<AddedBlock, ChainError> {
        self.chain.add_block(block)
    }

    pub(crate) fn add_block(&mut self, block: &Block) -> AddedBlock {
        self.try_add(block).expect("the block extends the chain")
    }

    /// Adds [`Ledger::block`].
    pub(crate) fn add(&mut self, transactions: impl Into<Vec<Transaction>>) -> AddedBlock {
        let block = self.block(transactions);
        self.add_block(&block)
    }

    /// Adds [`Ledger::block_of`].
    pub(crate) fn add_of(
        &mut self,
        miner: &impl Account,
        transactions: impl Into<Vec<Transaction>>,
    ) -> AddedBlock {
        let block = self.block_of(miner, transactions);
        self.add_block(&block)
    }

    /// Returns the refusal of a block by the ledger.
    pub(crate) fn refusal(&mut self, block: &Block) -> Refusal {
        match self.try_add(block) {
            Err(ChainError::Refused(refusal)) => refusal,
            other => panic!("a refusal was expected, not {other:?}"),
        }
    }

    /// Returns the rejection of this transaction in a block of its own.
    pub(crate) fn rejection(&mut self, transaction: &Transaction) -> Rejection {
        let added = self.add([transaction.clone()]);
        rejection(&added.receipts[0])
    }

    pub(crate) fn header(&mut self, header: &Header) -> Result<AddedBlock, ChainError> {
        self.chain.add_header(header)
    }

    pub(crate) fn rewind(&mut self, height: u64) -> Result<Tip, ChainError> {
        self.chain.rewind_to(Height(height))
    }

    pub(crate) fn tip(&self) -> Tip {
        self.chain.tip().expect("the tip is readable")
    }

    /// Returns an account's balance in the native asset.
    pub(crate) fn balance(&self, account: &impl Account) -> u64 {
        self.balance_of(Asset::NATIVE, account)
    }

    pub(crate) fn balance_of(&self, asset: Asset, account: &impl Account) -> u64 {
        let balance = self.chain.balance(account.account(), asset);
        balance.expect("a balance is readable").0
    }

    /// Returns an account's nonce; `None` if it is not registered.
    pub(crate) fn nonce(&self, account: &impl Account) -> Option<u64> {
        let nonce = self.chain.nonce(account.account());
        nonce.expect("a nonce is readable").map(|nonce| nonce.0)
    }

    pub(crate) fn multisig(&self, account: &impl Account) -> Option<Multisig> {
        let multisig = self.chain.multisig(account.account());
        multisig.expect("a multisig is readable")
    }

    pub(crate) fn supply(&self, asset: Asset) -> Supply {
        self.chain.supply(asset).expect("a supply is readable")
    }

    /// All versions of a cell, the newest first, as (height, previous, value).
    pub(crate) fn history(&self, cell: Cell) -> Vec<Version> {
        self.chain.history(cell).expect("a history is readable")
    }

    /// Every cell that has a value.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        let cells = self.chain.cells(None, usize::MAX);
        cells.expect("the cells are readable")
    }

    pub(crate) fn tables(&self) -> Tables {
        self.disk.tables()
    }

    /// Puts a version in the place of a cell's newest one, for states that no block leads to.
    pub(crate) fn write_by_hand(&self, cell: Cell, newest: &Version) {
        // Cells are listed in the order of their table.
        let row = self.cells().iter().position(|other| *other == cell);
        let row = row.expect("a cell with a version is replaced");
        let stored = self.tables()[&Table::Cells][row].0.clone();
        self.disk.change(|storage| {
            let mut batch = Batch::new();
            batch.put(Table::Cells, stored, codec::encode(newest));
            storage.commit(&batch).expect("the storage works");
        });
    }
}

/// Returns a configuration of `count` cases, the same ones in every run: chance belongs to the
/// campaigns of `sim`.
pub(crate) fn cases(count: u32) -> ProptestConfig {
    ProptestConfig {
        cases: count,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_260_101),
        ..ProptestConfig::default()
    }
}

/// The merkle root that a header of this body has.
pub(crate) fn body_root(transactions: &[Transaction]) -> Hash {
    let ids: Vec<Hash> = transactions.iter().map(codec::transaction_id).collect();
    merkle::root(&ids)
}

/// Writes the merkle root and count of a changed body into its header.
pub(crate) fn reseal(block: &mut Block) {
    block.header.merkle_root = body_root(&block.transactions);
    block.header.count = u16::try_from(block.transactions.len()).unwrap_or(u16::MAX);
}

pub(crate) fn rejection(receipt: &Receipt) -> Rejection {
    match &receipt.outcome {
        Outcome::Rejected(rejection) => rejection.clone(),
        applied @ Outcome::Applied { .. } => panic!("a rejection was expected, not {applied:?}"),
    }
}

/// Fails unless every transaction was applied.
pub(crate) fn all_applied(added: &AddedBlock) {
    for receipt in &added.receipts {
        assert!(receipt.is_applied(), "{:?}", receipt.outcome);
    }
}

/// Returns the effects of an applied transaction.
pub(crate) fn effects(receipt: &Receipt) -> Vec<Effect> {
    match &receipt.outcome {
        Outcome::Applied { effects, .. } => effects.clone(),
        rejected @ Outcome::Rejected(_) => panic!("it was expected to be applied: {rejected:?}"),
    }
}

pub(crate) fn supply(genesis: u64, issued: u64, burned: u64) -> Supply {
    Supply {
        genesis: Amount(genesis),
        issued: Amount(issued),
        burned: Amount(burned),
    }
}

pub(crate) fn nonce_cell(account: &impl Account) -> Cell {
    Cell::Nonce(account.account())
}

pub(crate) fn balance_cell(account: &impl Account) -> Cell {
    Cell::Balance(account.account(), Asset::NATIVE)
}

pub(crate) fn balance_value(amount: u64) -> Value {
    Value::Balance(Amount(amount))
}

pub(crate) fn nonce_value(nonce: u64) -> Value {
    Value::Nonce(Nonce(nonce))
}

pub(crate) fn version(height: u64, previous: Option<u64>, value: Value) -> Version {
    Version {
        height: Height(height),
        previous: previous.map(Height),
        value,
    }
}

/// Fails unless, for every asset, balances plus burns are what genesis and rewards brought.
pub(crate) fn assert_conserved<S: Storage>(ledger: &Ledger<S>) {
    let mut sums: BTreeMap<Asset, u128> = BTreeMap::new();
    let mut brought: BTreeMap<Asset, u128> = BTreeMap::new();
    for cell in ledger.cells() {
        match cell {
            Cell::Balance(account, asset) => {
                *sums.entry(asset).or_default() += u128::from(ledger.balance_of(asset, &account));
            }
            Cell::Supply(asset) => {
                let supply = ledger.supply(asset);
                *sums.entry(asset).or_default() += u128::from(supply.burned.0);
                *brought.entry(asset).or_default() +=
                    u128::from(supply.genesis.0) + u128::from(supply.issued.0);
            }
            Cell::Nonce(_) | Cell::Multisig(_) => {}
        }
    }
    assert_eq!(sums, brought, "balances plus burns, genesis plus issued");
    assert!(sums.values().all(|sum| *sum <= u128::from(u64::MAX)));
}

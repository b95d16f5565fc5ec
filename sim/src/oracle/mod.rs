//! The serial oracle: executes one block after another, one transaction after another.
//!
//! Shares the nouns with core and nothing else: it must not inherit core's mistakes, so everything,
//! hashing and signatures included, is written again from `docs/ledger-rules.md`, as plainly as possible
//! and never optimised. It does not know that anything could be done in parallel, stored or lost.

mod mempool;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use borsh::BorshSerialize;
use ed25519_zebra::VerificationKey;
use lockstep_core::model::{
    Amount, Asset, Block, Cell, Effect, Genesis, Hash, Header, Height, Multisig, Nonce, Outcome,
    Payload, PublicKey, Receipt, Refusal, Rejection, Rules, Signature, Supply, Transaction,
    Transfer, Value, Version,
};

use crate::world::{BlockResult, World};

pub use mempool::{NaiveMempool, NotAccepted, Waiting};

/// A ledger that executes serially and keeps its whole state at every height.
#[derive(Clone, Debug)]
pub struct Oracle {
    rules: Rules,
    signatures: SignatureCheck,
    /// State of the ledger after each height, from the genesis to the tip.
    heights: Vec<Snapshot>,
}

/// The whole state of a ledger at one height.
#[derive(Clone, Debug)]
struct Snapshot {
    state: State,
    world: World,
    /// Result of the block of this height. The genesis has none.
    result: Option<BlockResult>,
}

impl Oracle {
    /// Creates the ledger at height 0.
    ///
    /// # Errors
    /// If the genesis allocates more of an asset than `u64::MAX`, or more of the native one than its
    /// limit. The text has the numbers.
    pub fn new(genesis: &Genesis) -> Result<Oracle, String> {
        let state = State::of_genesis(genesis)?;
        let height = Height(0);
        let hash = genesis_hash(genesis);
        let state_diff = state_diff_between(&State::default(), &state);
        let digest = block_digest(hash, &state_diff, &[]);
        let mut cells = BTreeMap::new();
        record_versions(&mut cells, height, &state_diff);
        Ok(Oracle {
            rules: genesis.rules.clone(),
            signatures: SignatureCheck::of(signature_holds),
            heights: vec![Snapshot {
                state,
                world: World {
                    height,
                    hash,
                    time: genesis.time,
                    digest,
                    cells,
                },
                result: None,
            }],
        })
    }

    /// Returns the same ledger with a check around its own of signatures, [`signature_holds`].
    #[must_use]
    pub fn with_signature_check(self, signatures: SignatureCheck) -> Oracle {
        Oracle { signatures, ..self }
    }

    /// Executes a block on top of the tip.
    ///
    /// # Errors
    /// The first reason, in the order of [`Refusal`], why the block does not extend the chain. It then
    /// leaves no trace.
    pub fn add_block(&mut self, block: &Block) -> Result<BlockResult, Refusal> {
        let tip = self.tip();
        check_block(&self.rules, &tip.world, block)?;

        let mut state = tip.state.clone();
        let mut receipts = Vec::new();
        let mut fees: u64 = 0;
        for transaction in &block.transactions {
            let outcome = match execute(&self.rules, &self.signatures, &mut state, transaction) {
                Ok(effects) => {
                    // Every fee was taken from a balance, and none comes back within the block.
                    fees = fees
                        .checked_add(transaction.fee.0)
                        .expect("the fees of a block are part of the supply");
                    Outcome::Applied {
                        fee: transaction.fee,
                        effects,
                    }
                }
                Err(rejection) => Outcome::Rejected(rejection),
            };
            receipts.push(Receipt {
                transaction: transaction_identity(transaction),
                outcome,
            });
        }
        let reward = pay_miner(&self.rules, &mut state, block.header.miner, fees);

        let state_diff = state_diff_between(&tip.state, &state);
        let digest = block_digest(tip.world.digest, &state_diff, &receipts);
        let mut cells = tip.world.cells.clone();
        record_versions(&mut cells, block.header.height, &state_diff);
        let result = BlockResult {
            receipts,
            state_diff,
            fees: Amount(fees),
            reward: Amount(reward),
            digest,
        };
        self.heights.push(Snapshot {
            state,
            world: World {
                height: block.header.height,
                hash: header_hash(&block.header),
                time: block.header.time,
                digest,
                cells,
            },
            result: Some(result.clone()),
        });
        Ok(result)
    }

    /// Forgets every block above a height.
    ///
    /// # Errors
    /// If the height is above the tip. Nothing is forgotten then.
    pub fn rewind_to(&mut self, height: Height) -> Result<(), String> {
        let tip = self.tip().world.height;
        if height > tip {
            return Err(format!("cannot rewind to {height}, the tip is {tip}"));
        }
        self.heights
            .retain(|snapshot| snapshot.world.height <= height);
        Ok(())
    }

    /// Returns the observable state of the ledger at its tip.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.tip().world
    }

    /// Returns the result of the block at a height, if there is one on the chain.
    #[must_use]
    pub fn result(&self, height: Height) -> Option<&BlockResult> {
        self.heights
            .iter()
            .find(|snapshot| snapshot.world.height == height)?
            .result
            .as_ref()
    }

    /// Checks a transaction without the state.
    ///
    /// # Errors
    /// The first reason, in the order of [`Rejection`], why every block rejects it.
    pub fn check_by_itself(&self, transaction: &Transaction) -> Result<(), Rejection> {
        check_by_itself(&self.rules, &self.signatures, transaction)
    }

    /// Returns the header of the block on the tip with this body, and the body's root.
    #[must_use]
    pub fn header_of(&self, body: &[Transaction], miner: PublicKey) -> Header {
        let tip = self.world();
        let identities: Vec<Hash> = body.iter().map(transaction_identity).collect();
        Header {
            version: VERSION,
            network: self.rules.network,
            height: Height(tip.height.0 + 1),
            parent: tip.hash,
            time: tip.time,
            miner,
            merkle_root: merkle_root(&identities),
            count: u16::try_from(body.len()).expect("a template has few transactions"),
        }
    }

    fn tip(&self) -> &Snapshot {
        self.heights.last().expect("the genesis is never forgotten")
    }
}

/// The cells that transactions read and write.
///
/// Only multisigs are ever removed: a nonce, a balance or a supply that is here stays.
#[derive(Clone, Debug, Default)]
struct State {
    nonces: BTreeMap<PublicKey, u64>,
    multisigs: BTreeMap<PublicKey, Multisig>,
    balances: BTreeMap<(PublicKey, Asset), u64>,
    supplies: BTreeMap<Asset, Supply>,
}

impl State {
    fn of_genesis(genesis: &Genesis) -> Result<State, String> {
        let mut state = State::default();
        for (&(account, asset), &amount) in &genesis.balances {
            if amount.0 == 0 {
                continue;
            }
            let supply = state.supplies.entry(asset).or_default();
            supply.genesis.0 = supply
                .genesis
                .0
                .checked_add(amount.0)
                .ok_or_else(|| format!("the genesis has more of {asset} than u64::MAX"))?;
            state.credit(account, asset, amount.0);
        }
        let native = state.supply(Asset::NATIVE).genesis;
        let limit = genesis.rules.native_limit;
        if native > limit {
            return Err(format!(
                "the genesis has {native} of the native asset, the limit is {limit}"
            ));
        }
        Ok(state)
    }

    /// The nonce that an account's next transaction must carry.
    fn nonce(&self, account: PublicKey) -> u64 {
        self.nonces.get(&account).copied().unwrap_or(0)
    }

    fn balance(&self, account: PublicKey, asset: Asset) -> u64 {
        self.balances.get(&(account, asset)).copied().unwrap_or(0)
    }

    fn supply(&self, asset: Asset) -> Supply {
        self.supplies.get(&asset).copied().unwrap_or_default()
    }

    fn debit(&mut self, account: PublicKey, asset: Asset, amount: u64) {
        let balance = self
            .balance(account, asset)
            .checked_sub(amount)
            .expect("the balance covers what was checked against it");
        self.balances.insert((account, asset), balance);
    }

    /// Registers the account if it is new.
    fn credit(&mut self, account: PublicKey, asset: Asset, amount: u64) {
        let balance = self
            .balance(account, asset)
            .checked_add(amount)
            .expect("the balances of an asset add up to no more than its supply");
        self.balances.insert((account, asset), balance);
        self.nonces.entry(account).or_insert(0);
    }
}

/// The version of a block.
const VERSION: u16 = 1;

/// Returns the first reason, in the order of [`Refusal`], why a block does not extend the chain.
fn check_block(rules: &Rules, tip: &World, block: &Block) -> Result<(), Refusal> {
    let header = &block.header;
    if header.version != VERSION {
        return Err(Refusal::Version {
            expected: VERSION,
            got: header.version,
        });
    }
    if header.network != rules.network {
        return Err(Refusal::Network {
            expected: rules.network,
            got: header.network,
        });
    }
    let next = tip
        .height
        .0
        .checked_add(1)
        .expect("a chain that fits in memory is not at its last height");
    if header.height.0 != next {
        return Err(Refusal::Height {
            expected: Height(next),
            got: header.height,
        });
    }
    if header.parent != tip.hash {
        return Err(Refusal::Parent {
            expected: tip.hash,
            got: header.parent,
        });
    }
    if header.time < tip.time {
        return Err(Refusal::Time {
            parent: tip.time,
            got: header.time,
        });
    }
    if usize::from(header.count) != block.transactions.len() {
        return Err(Refusal::Count {
            header: header.count,
            body: block.transactions.len() as u64,
        });
    }
    let size = encoding(block).len() as u64;
    if size > rules.max_block_bytes {
        return Err(Refusal::Size {
            limit: rules.max_block_bytes,
            got: size,
        });
    }
    let identities: Vec<Hash> = block
        .transactions
        .iter()
        .map(transaction_identity)
        .collect();
    let root = merkle_root(&identities);
    if header.merkle_root != root {
        return Err(Refusal::MerkleRoot {
            header: header.merkle_root,
            body: root,
        });
    }
    Ok(())
}

/// Applies a transaction and returns its effects, or rejects it. The state is borrowed for writing
/// only when nothing can fail any more.
fn execute(
    rules: &Rules,
    signatures: &SignatureCheck,
    state: &mut State,
    transaction: &Transaction,
) -> Result<Vec<Effect>, Rejection> {
    check_by_itself(rules, signatures, transaction)?;
    check_against(state, transaction)?;
    Ok(apply(state, transaction))
}

/// Checks a transaction without the state, in the order of [`Rejection`].
fn check_by_itself(
    rules: &Rules,
    signatures: &SignatureCheck,
    transaction: &Transaction,
) -> Result<(), Rejection> {
    if transaction.network != rules.network {
        return Err(Rejection::Network {
            expected: rules.network,
            got: transaction.network,
        });
    }
    match &transaction.payload {
        Payload::Transfers(transfers) => check_transfers(transfers)?,
        Payload::Burn { amount, .. } => {
            if amount.0 == 0 {
                return Err(Rejection::ZeroAmount { index: 0 });
            }
        }
        Payload::Multisig(multisig) => check_multisig(multisig)?,
    }
    if transaction.cosignatures.len() > 255 {
        return Err(Rejection::CosignatureCount {
            got: count(&transaction.cosignatures),
        });
    }
    let message = signing_hash(transaction);
    let mut signed = vec![(transaction.source, transaction.signature)];
    for cosignature in &transaction.cosignatures {
        signed.push((cosignature.signer, cosignature.signature));
    }
    for (signer, signature) in signed {
        if !signatures.holds(signer, message, signature) {
            return Err(Rejection::Signature { signer });
        }
    }
    Ok(())
}

fn check_transfers(transfers: &[Transfer]) -> Result<(), Rejection> {
    if transfers.is_empty() || transfers.len() > 255 {
        return Err(Rejection::TransferCount {
            got: count(transfers),
        });
    }
    for (index, transfer) in (0..).zip(transfers) {
        if transfer.amount.0 == 0 {
            return Err(Rejection::ZeroAmount { index });
        }
    }
    Ok(())
}

fn check_multisig(multisig: &Multisig) -> Result<(), Rejection> {
    let threshold = multisig.threshold;
    let Ok(participants) = u8::try_from(multisig.participants.len()) else {
        return Err(Rejection::ParticipantCount {
            got: count(&multisig.participants),
        });
    };
    let fits = if participants == 0 {
        threshold == 0
    } else {
        1 <= threshold && threshold <= participants
    };
    if !fits {
        return Err(Rejection::Threshold {
            threshold,
            participants,
        });
    }
    let mut seen = BTreeSet::new();
    for &participant in &multisig.participants {
        if !seen.insert(participant) {
            return Err(Rejection::DuplicateParticipant { participant });
        }
    }
    Ok(())
}

/// Returns whether one signature is the signer's over a message, by itself, under the rules of ZIP-215.
#[must_use]
pub fn signature_holds(signer: PublicKey, message: Hash, signature: Signature) -> bool {
    Point::of(signer).is_some_and(|signer| signer.has_signed(message, signature))
}

/// The point of the curve that a public key encodes.
#[derive(Clone, Copy, Debug)]
pub struct Point(VerificationKey);

impl Point {
    /// Decodes a public key; `None` if it encodes no point.
    #[must_use]
    pub fn of(signer: PublicKey) -> Option<Point> {
        VerificationKey::try_from(signer.0).ok().map(Point)
    }

    /// Returns whether one signature is of this key over a message, by itself.
    #[must_use]
    pub fn has_signed(&self, message: Hash, signature: Signature) -> bool {
        let signature = ed25519_zebra::Signature::from_bytes(&signature.0);
        self.0.verify(&signature, &message.0).is_ok()
    }
}

/// A check of one signature: [`signature_holds`], or one around it that remembers its verdicts.
#[derive(Clone)]
pub struct SignatureCheck(Arc<dyn Fn(PublicKey, Hash, Signature) -> bool + Send + Sync>);

impl SignatureCheck {
    /// Creates the check by a function of signer, message and signature.
    pub fn of(holds: impl Fn(PublicKey, Hash, Signature) -> bool + Send + Sync + 'static) -> Self {
        SignatureCheck(Arc::new(holds))
    }

    /// Returns whether the signature is the signer's over the message.
    #[must_use]
    pub fn holds(&self, signer: PublicKey, message: Hash, signature: Signature) -> bool {
        (self.0)(signer, message, signature)
    }
}

impl fmt::Debug for SignatureCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignatureCheck")
    }
}

/// Checks a transaction against the state, in the order of [`Rejection`].
fn check_against(state: &State, transaction: &Transaction) -> Result<(), Rejection> {
    let source = transaction.source;
    let nonce = state.nonce(source);
    if transaction.nonce.0 != nonce {
        return Err(Rejection::Nonce {
            expected: Nonce(nonce),
            got: transaction.nonce,
        });
    }
    if nonce == u64::MAX {
        return Err(Rejection::NonceExhausted);
    }
    if let Some(multisig) = state.multisigs.get(&source) {
        let signed = multisig
            .participants
            .iter()
            .filter(|&participant| {
                transaction
                    .cosignatures
                    .iter()
                    .any(|cosignature| cosignature.signer == *participant)
            })
            .count();
        let signed = u8::try_from(signed).expect("a multisig has at most 255 participants");
        if signed < multisig.threshold {
            return Err(Rejection::Multisig {
                needed: multisig.threshold,
                got: signed,
            });
        }
    }
    for (asset, sum) in required_funds(transaction) {
        let Ok(needed) = u64::try_from(sum) else {
            return Err(Rejection::SumOverflow { asset });
        };
        let available = state.balance(source, asset);
        if available < needed {
            return Err(Rejection::Balance {
                asset,
                needed: Amount(needed),
                available: Amount(available),
            });
        }
    }
    Ok(())
}

/// Amount of each asset that the source must have. Transfers to oneself count in full; a fee of zero
/// asks for a balance of zero, which every account has.
fn required_funds(transaction: &Transaction) -> BTreeMap<Asset, u128> {
    let mut debits = vec![(Asset::NATIVE, transaction.fee)];
    match &transaction.payload {
        Payload::Transfers(transfers) => {
            debits.extend(transfers.iter().map(|t| (t.asset, t.amount)));
        }
        Payload::Burn { asset, amount } => debits.push((*asset, *amount)),
        Payload::Multisig(_) => {}
    }
    let mut sums = BTreeMap::new();
    for (asset, amount) in debits {
        let sum: &mut u128 = sums.entry(asset).or_insert(0);
        *sum = sum
            .checked_add(u128::from(amount.0))
            .expect("256 amounts of u64 fit into u128");
    }
    sums
}

/// Applies a transaction that passed every check, and lists its effects in the order of [`Effect`].
fn apply(state: &mut State, transaction: &Transaction) -> Vec<Effect> {
    let source = transaction.source;
    let nonce = state
        .nonce(source)
        .checked_add(1)
        .expect("an exhausted nonce was rejected");
    state.nonces.insert(source, nonce);

    let mut left: BTreeMap<Asset, u64> = BTreeMap::new();
    let mut arrived: BTreeMap<(PublicKey, Asset), u64> = BTreeMap::new();
    let mut to_multisig = None;
    let mut burn = None;

    state.debit(source, Asset::NATIVE, transaction.fee.0);
    add_to(&mut left, Asset::NATIVE, transaction.fee.0);
    match &transaction.payload {
        Payload::Transfers(transfers) => {
            for transfer in transfers {
                let Transfer {
                    destination,
                    asset,
                    amount,
                } = *transfer;
                state.debit(source, asset, amount.0);
                state.credit(destination, asset, amount.0);
                if destination != source {
                    add_to(&mut left, asset, amount.0);
                    add_to(&mut arrived, (destination, asset), amount.0);
                }
            }
        }
        Payload::Burn { asset, amount } => {
            state.debit(source, *asset, amount.0);
            add_to(&mut left, *asset, amount.0);
            let mut supply = state.supply(*asset);
            supply.burned.0 = supply
                .burned
                .0
                .checked_add(amount.0)
                .expect("no more is burned than there is");
            state.supplies.insert(*asset, supply);
            burn = Some(Effect::Burn {
                asset: *asset,
                amount: *amount,
            });
        }
        Payload::Multisig(multisig) => {
            let to = if multisig.participants.is_empty() {
                state.multisigs.remove(&source);
                None
            } else {
                state.multisigs.insert(source, multisig.clone());
                Some(multisig.clone())
            };
            to_multisig = Some(Effect::Multisig {
                account: source,
                to,
            });
        }
    }

    let mut effects = vec![Effect::Nonce {
        account: source,
        to: Nonce(nonce),
    }];
    effects.extend(to_multisig);
    for (asset, amount) in left {
        if amount > 0 {
            effects.push(Effect::Debit {
                account: source,
                asset,
                amount: Amount(amount),
            });
        }
    }
    for ((account, asset), amount) in arrived {
        effects.push(Effect::Credit {
            account,
            asset,
            amount: Amount(amount),
        });
    }
    effects.extend(burn);
    effects
}

fn add_to<K: Ord>(sums: &mut BTreeMap<K, u64>, key: K, amount: u64) {
    let sum = sums.entry(key).or_insert(0);
    *sum = sum
        .checked_add(amount)
        .expect("a balance covers every amount of an applied transaction");
}

/// Credits the miner with the reward that may still be issued, and the fees. Returns the reward.
fn pay_miner(rules: &Rules, state: &mut State, miner: PublicKey, fees: u64) -> u64 {
    let mut native = state.supply(Asset::NATIVE);
    let left_to_issue = rules
        .native_limit
        .0
        .checked_sub(native.genesis.0)
        .and_then(|left| left.checked_sub(native.issued.0))
        .expect("genesis and rewards stay within the limit");
    let reward = rules.reward.0.min(left_to_issue);
    let credit = reward
        .checked_add(fees)
        .expect("reward and fees are part of the supply");
    if credit > 0 {
        state.credit(miner, Asset::NATIVE, credit);
    }
    native.issued.0 = native
        .issued
        .0
        .checked_add(reward)
        .expect("no more is issued than the limit");
    state.supplies.insert(Asset::NATIVE, native);
    reward
}

/// Lists every cell whose value differs, with its value after, in the order of [`Cell`].
fn state_diff_between(before: &State, after: &State) -> Vec<(Cell, Value)> {
    let mut state_diff = Vec::new();
    for (&account, &nonce) in &after.nonces {
        if before.nonces.get(&account) != Some(&nonce) {
            state_diff.push((Cell::Nonce(account), Value::Nonce(Nonce(nonce))));
        }
    }
    let with_multisig: BTreeSet<PublicKey> = before
        .multisigs
        .keys()
        .chain(after.multisigs.keys())
        .copied()
        .collect();
    for account in with_multisig {
        let multisig = after.multisigs.get(&account);
        if before.multisigs.get(&account) != multisig {
            state_diff.push((Cell::Multisig(account), Value::Multisig(multisig.cloned())));
        }
    }
    for (&(account, asset), &balance) in &after.balances {
        if before.balance(account, asset) != balance {
            state_diff.push((
                Cell::Balance(account, asset),
                Value::Balance(Amount(balance)),
            ));
        }
    }
    for (&asset, &supply) in &after.supplies {
        if before.supply(asset) != supply {
            state_diff.push((Cell::Supply(asset), Value::Supply(supply)));
        }
    }
    state_diff
}

fn record_versions(
    cells: &mut BTreeMap<Cell, Vec<Version>>,
    height: Height,
    state_diff: &[(Cell, Value)],
) {
    for (cell, value) in state_diff {
        let versions = cells.entry(*cell).or_default();
        versions.push(Version {
            height,
            previous: versions.last().map(|version| version.height),
            value: value.clone(),
        });
    }
}

/// Computes the Merkle root of RFC 6962: the left half has the largest power of two of leaves that
/// leaves any to the right.
#[must_use]
pub fn merkle_root(identities: &[Hash]) -> Hash {
    match identities {
        [] => Hash([0; 32]),
        [identity] => plain_hash(&[&[0], &identity.0]),
        _ => {
            let mut split = 1;
            while split * 2 < identities.len() {
                split *= 2;
            }
            let left = merkle_root(&identities[..split]);
            let right = merkle_root(&identities[split..]);
            plain_hash(&[&[1], &left.0, &right.0])
        }
    }
}

fn transaction_identity(transaction: &Transaction) -> Hash {
    plain_hash(&[&encoding(transaction)])
}

fn signing_hash(transaction: &Transaction) -> Hash {
    let Transaction {
        network,
        source,
        nonce,
        fee,
        payload,
        ..
    } = transaction;
    derived_hash(
        "lockstep 1 transaction signing",
        &(network, source, nonce, fee, payload),
    )
}

fn header_hash(header: &Header) -> Hash {
    derived_hash("lockstep 1 block header", header)
}

fn genesis_hash(genesis: &Genesis) -> Hash {
    derived_hash("lockstep 1 genesis", genesis)
}

fn block_digest(parent: Hash, state_diff: &[(Cell, Value)], receipts: &[Receipt]) -> Hash {
    derived_hash("lockstep 1 block digest", &(parent, state_diff, receipts))
}

fn plain_hash(parts: &[&[u8]]) -> Hash {
    Hash(*blake3::hash(&parts.concat()).as_bytes())
}

fn derived_hash(context: &str, value: &impl BorshSerialize) -> Hash {
    Hash(blake3::derive_key(context, &encoding(value)))
}

fn encoding(value: &impl BorshSerialize) -> Vec<u8> {
    borsh::to_vec(value).expect("what was decoded can be encoded")
}

fn count<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).expect("an encoded list has at most u32::MAX elements")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

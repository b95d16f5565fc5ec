//! What a campaign reached. One that reached nothing proves nothing.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_core::model::{
    Block, Cell, Effect, Outcome, Payload, Refusal, Rejection, Transaction,
};

use crate::generate::Preset;
use crate::reach::{self, Point, point};
use crate::world::{BlockResult, World};

/// How often each kind of event happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Blocks that were taken, those that were applied again included.
    pub blocks: u64,
    /// Their transactions.
    pub transactions: u64,
    /// Those of them that were applied.
    pub applied: u64,
    events: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts an event.
    pub fn count(&mut self, point: &'static Point) {
        *self.events.entry(point.name).or_default() += 1;
    }

    /// How often an event happened.
    #[must_use]
    pub fn of(&self, event: &str) -> u64 {
        self.events.get(event).copied().unwrap_or(0)
    }

    /// All events that happened, by name.
    pub fn events(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.events.iter().map(|(event, count)| (*event, *count))
    }

    /// The points of this program that were not reached, and whether each is rare.
    pub fn never_reached(&self) -> impl Iterator<Item = (&'static str, bool)> + '_ {
        reach::registered()
            .into_iter()
            .filter(|(name, _)| self.of(name) == 0)
    }

    /// What a whole campaign of this preset must reach and this one did not.
    #[must_use]
    pub fn missing(&self, preset: Preset) -> Vec<&'static str> {
        match preset.must_reach() {
            Some(points) => points
                .iter()
                .copied()
                .filter(|name| self.of(name) == 0)
                .collect(),
            None => self
                .never_reached()
                .filter(|(_, is_rare)| !is_rare)
                .map(|(name, _)| name)
                .collect(),
        }
    }

    /// What was counted elsewhere, as it was written down there.
    ///
    /// # Errors
    ///
    /// Names an event that is no point of this program.
    pub fn from_parts(
        [blocks, transactions, applied]: [u64; 3],
        events: &BTreeMap<String, u64>,
    ) -> Result<Tally, String> {
        let events = events
            .iter()
            .map(|(event, count)| match reach::named(event) {
                Some(point) => Ok((point.name, *count)),
                None => Err(format!("{event:?} is no event of this program")),
            })
            .collect::<Result<_, _>>()?;
        Ok(Tally {
            blocks,
            transactions,
            applied,
            events,
        })
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Tally) {
        self.blocks += other.blocks;
        self.transactions += other.transactions;
        self.applied += other.applied;
        for (event, count) in other.events() {
            *self.events.entry(event).or_default() += count;
        }
    }

    /// Counts what the oracle says of a block. `before` is the world before it.
    pub fn block(
        &mut self,
        block: &Block,
        expected: &Result<BlockResult, Refusal>,
        before: Option<&World>,
    ) {
        let result = match expected {
            Ok(result) => result,
            Err(refusal) => return self.count(refused(refusal)),
        };
        self.blocks += 1;
        self.transactions += block.transactions.len() as u64;
        if block.transactions.is_empty() {
            self.count(point!("block: without a transaction"));
        }
        if result.reward.is_zero() {
            self.count(point!("block: nothing left to issue"));
        }
        let changed: BTreeSet<Cell> = result.changes.iter().map(|(cell, _)| *cell).collect();
        let mut credited = BTreeSet::new();
        let mut senders = BTreeSet::new();
        let (mut miner_is_party, mut sender_again) = (false, false);
        for (transaction, receipt) in block.transactions.iter().zip(&result.receipts) {
            match &receipt.outcome {
                Outcome::Rejected(rejection) => self.rejected(transaction, rejection),
                Outcome::Applied { effects, .. } => {
                    self.applied += 1;
                    sender_again |= !senders.insert(transaction.source);
                    self.applied(transaction, effects, before, &credited);
                    for effect in effects {
                        match effect {
                            Effect::Credit { account, asset, .. } => {
                                miner_is_party |= *account == block.header.miner;
                                credited.insert(Cell::Balance(*account, *asset));
                            }
                            Effect::Nonce { account, .. } => {
                                miner_is_party |= *account == block.header.miner;
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
        if miner_is_party {
            self.count(point!("block: the miner is a party"));
        }
        if sender_again {
            self.count(point!("block: one sender more than once"));
        }
        if credited.iter().any(|cell| !changed.contains(cell)) {
            self.count(point!("block: a balance came and went"));
        }
    }

    fn applied(
        &mut self,
        transaction: &Transaction,
        effects: &[Effect],
        before: Option<&World>,
        credited: &BTreeSet<Cell>,
    ) {
        if !transaction.cosignatures.is_empty() {
            self.count(point!("applied: with cosigners"));
        }
        if transaction.signature.0[32..].iter().all(|byte| *byte == 0) {
            self.count(point!("applied: by a small-order key"));
        }
        let debits: Vec<Cell> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Debit { account, asset, .. } => Some(Cell::Balance(*account, *asset)),
                _ => None,
            })
            .collect();
        if debits.iter().any(|cell| credited.contains(cell)) {
            self.count(point!("applied: spends what it got in this block"));
        }
        if debits.len() > 1 {
            self.count(point!("applied: more than one asset"));
        }
        match &transaction.payload {
            Payload::Burn { .. } => self.count(point!("applied: burn")),
            Payload::Multisig(multisig) if multisig.participants.is_empty() => {
                self.count(point!("applied: multisig removed"));
            }
            Payload::Multisig(_) => self.count(point!("applied: multisig set")),
            Payload::Transfers(transfers) => {
                if transfers.len() > 1 {
                    self.count(point!("applied: many transfers"));
                }
                if transfers
                    .iter()
                    .any(|transfer| transfer.destination == transaction.source)
                {
                    self.count(point!("applied: to oneself"));
                }
                let is_new = |account| {
                    before.is_some_and(|world| !world.cells.contains_key(&Cell::Nonce(account)))
                };
                if transfers
                    .iter()
                    .any(|transfer| is_new(transfer.destination))
                {
                    self.count(point!("applied: to a new account"));
                }
            }
        }
    }

    fn rejected(&mut self, transaction: &Transaction, rejection: &Rejection) {
        self.count(match rejection {
            Rejection::Network { .. } => point!("rejected: network"),
            Rejection::TransferCount { .. } => point!("rejected: transfer count"),
            Rejection::ZeroAmount { .. } => point!("rejected: zero amount"),
            Rejection::ParticipantCount { .. } => point!("rejected: participant count"),
            Rejection::Threshold { .. } => point!("rejected: threshold"),
            Rejection::DuplicateParticipant { .. } => point!("rejected: participant twice"),
            Rejection::CosignatureCount { .. } => point!("rejected: cosignature count"),
            Rejection::Signature { .. } => point!("rejected: signature"),
            Rejection::Nonce { expected, got } if got < expected => point!("rejected: nonce used"),
            Rejection::Nonce { .. } => point!("rejected: nonce gap"),
            Rejection::NonceExhausted => point!("rejected: nonce exhausted", rare),
            Rejection::Multisig { .. } => point!("rejected: multisig"),
            Rejection::SumOverflow { .. } => point!("rejected: sum overflow"),
            Rejection::Balance { .. } => point!("rejected: balance"),
        });
        let takes_nothing =
            transaction.fee.is_zero() && matches!(transaction.payload, Payload::Multisig(_));
        match rejection {
            Rejection::Nonce { .. } if takes_nothing => {
                self.count(point!("rejected: nonce wrong though nothing is taken"));
            }
            Rejection::Balance {
                needed, available, ..
            } => {
                let without_fee = needed.checked_sub(transaction.fee);
                if without_fee.is_some_and(|needed| needed <= *available) {
                    self.count(point!("rejected: the fee alone is too much"));
                }
                if let Payload::Transfers(transfers) = &transaction.payload
                    && transfers.len() > 1
                    && transfers[0].amount <= *available
                {
                    self.count(point!("rejected: the first transfers could be made"));
                }
            }
            _ => {}
        }
    }
}

fn refused(refusal: &Refusal) -> &'static Point {
    match refusal {
        Refusal::Version { .. } => point!("refused: version"),
        Refusal::Network { .. } => point!("refused: network"),
        Refusal::Height { .. } => point!("refused: height"),
        Refusal::Parent { .. } => point!("refused: parent"),
        Refusal::Time { .. } => point!("refused: time"),
        Refusal::Count { .. } => point!("refused: count"),
        Refusal::Size { .. } => point!("refused: size"),
        Refusal::MerkleRoot { .. } => point!("refused: merkle root"),
    }
}

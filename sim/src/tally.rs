//! What a campaign reached. One that reached nothing proves nothing.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_core::model::{
    Block, Cell, Change, Outcome, Payload, Refusal, Rejection, Transaction,
};

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

/// What a whole campaign must have reached.
pub const REQUIRED: [&str; 59] = [
    "applied: burn",
    "applied: by a small-order key",
    "applied: many transfers",
    "applied: more than one asset",
    "applied: multisig removed",
    "applied: multisig set",
    "applied: spends what it got in this block",
    "applied: to a new account",
    "applied: to oneself",
    "applied: with cosigners",
    "block: a balance came and went",
    "block: again after a rewind",
    "block: nothing left to issue",
    "block: one sender more than once",
    "block: the miner is a party",
    "block: without a transaction",
    "bytes that are no block",
    "cancelled: before a step",
    "cancelled: future dropped during a read",
    "clock: forward, the body is known",
    "clock: forward, the body is not known any more",
    "closed and opened",
    "crash: after the last call",
    "crash: again, while it was opened",
    "crash: in a write",
    "failed: a read of the ledger",
    "failed: a write",
    "failed: asked again",
    "failed: no room on the disk",
    "panic: every time",
    "panic: once",
    "refused: count",
    "refused: height",
    "refused: merkle root",
    "refused: network",
    "refused: parent",
    "refused: size",
    "refused: time",
    "refused: version",
    "rejected: balance",
    "rejected: cosignature count",
    "rejected: multisig",
    "rejected: network",
    "rejected: nonce gap",
    "rejected: nonce used",
    "rejected: nonce wrong though nothing is taken",
    "rejected: participant count",
    "rejected: participant twice",
    "rejected: signature",
    "rejected: sum overflow",
    "rejected: the fee alone is too much",
    "rejected: the first transfers could be made",
    "rejected: threshold",
    "rejected: transfer count",
    "rejected: zero amount",
    "rewind to the genesis",
    "rewind",
    "rival: before a step",
    "rival: during a read",
];

impl Tally {
    /// Counts an event.
    pub fn count(&mut self, event: &'static str) {
        *self.events.entry(event).or_default() += 1;
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

    /// What a whole campaign must reach and this one did not.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        REQUIRED
            .into_iter()
            .filter(|event| self.of(event) == 0)
            .collect()
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
            self.count("block: without a transaction");
        }
        if result.reward.is_zero() {
            self.count("block: nothing left to issue");
        }
        let changed: BTreeSet<Cell> = result.changes.iter().map(|(cell, _)| *cell).collect();
        let mut credited = BTreeSet::new();
        let mut senders = BTreeSet::new();
        let (mut miner_is_party, mut sender_again) = (false, false);
        for (transaction, receipt) in block.transactions.iter().zip(&result.receipts) {
            match &receipt.outcome {
                Outcome::Rejected(rejection) => self.rejected(transaction, rejection),
                Outcome::Applied { changes, .. } => {
                    self.applied += 1;
                    sender_again |= !senders.insert(transaction.source);
                    self.applied(transaction, changes, before, &credited);
                    for change in changes {
                        match change {
                            Change::Credit { account, asset, .. } => {
                                miner_is_party |= *account == block.header.miner;
                                credited.insert(Cell::Balance(*account, *asset));
                            }
                            Change::Nonce { account, .. } => {
                                miner_is_party |= *account == block.header.miner;
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
        if miner_is_party {
            self.count("block: the miner is a party");
        }
        if sender_again {
            self.count("block: one sender more than once");
        }
        if credited.iter().any(|cell| !changed.contains(cell)) {
            self.count("block: a balance came and went");
        }
    }

    fn applied(
        &mut self,
        transaction: &Transaction,
        changes: &[Change],
        before: Option<&World>,
        credited: &BTreeSet<Cell>,
    ) {
        if !transaction.cosignatures.is_empty() {
            self.count("applied: with cosigners");
        }
        if transaction.signature.0[32..].iter().all(|byte| *byte == 0) {
            self.count("applied: by a small-order key");
        }
        let debits: Vec<Cell> = changes
            .iter()
            .filter_map(|change| match change {
                Change::Debit { account, asset, .. } => Some(Cell::Balance(*account, *asset)),
                _ => None,
            })
            .collect();
        if debits.iter().any(|cell| credited.contains(cell)) {
            self.count("applied: spends what it got in this block");
        }
        if debits.len() > 1 {
            self.count("applied: more than one asset");
        }
        match &transaction.payload {
            Payload::Burn { .. } => self.count("applied: burn"),
            Payload::Multisig(multisig) if multisig.participants.is_empty() => {
                self.count("applied: multisig removed");
            }
            Payload::Multisig(_) => self.count("applied: multisig set"),
            Payload::Transfers(transfers) => {
                if transfers.len() > 1 {
                    self.count("applied: many transfers");
                }
                if transfers
                    .iter()
                    .any(|transfer| transfer.destination == transaction.source)
                {
                    self.count("applied: to oneself");
                }
                let is_new = |account| {
                    before.is_some_and(|world| !world.cells.contains_key(&Cell::Nonce(account)))
                };
                if transfers
                    .iter()
                    .any(|transfer| is_new(transfer.destination))
                {
                    self.count("applied: to a new account");
                }
            }
        }
    }

    fn rejected(&mut self, transaction: &Transaction, rejection: &Rejection) {
        self.count(match rejection {
            Rejection::Network { .. } => "rejected: network",
            Rejection::TransferCount { .. } => "rejected: transfer count",
            Rejection::ZeroAmount { .. } => "rejected: zero amount",
            Rejection::ParticipantCount { .. } => "rejected: participant count",
            Rejection::Threshold { .. } => "rejected: threshold",
            Rejection::DuplicateParticipant { .. } => "rejected: participant twice",
            Rejection::CosignatureCount { .. } => "rejected: cosignature count",
            Rejection::Signature { .. } => "rejected: signature",
            Rejection::Nonce { expected, got } if got < expected => "rejected: nonce used",
            Rejection::Nonce { .. } => "rejected: nonce gap",
            Rejection::NonceExhausted => "rejected: nonce exhausted",
            Rejection::Multisig { .. } => "rejected: multisig",
            Rejection::SumOverflow { .. } => "rejected: sum overflow",
            Rejection::Balance { .. } => "rejected: balance",
        });
        let takes_nothing =
            transaction.fee.is_zero() && matches!(transaction.payload, Payload::Multisig(_));
        match rejection {
            Rejection::Nonce { .. } if takes_nothing => {
                self.count("rejected: nonce wrong though nothing is taken");
            }
            Rejection::Balance {
                needed, available, ..
            } => {
                let without_fee = needed.checked_sub(transaction.fee);
                if without_fee.is_some_and(|needed| needed <= *available) {
                    self.count("rejected: the fee alone is too much");
                }
                if let Payload::Transfers(transfers) = &transaction.payload
                    && transfers.len() > 1
                    && transfers[0].amount <= *available
                {
                    self.count("rejected: the first transfers could be made");
                }
            }
            _ => {}
        }
    }
}

fn refused(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Version { .. } => "refused: version",
        Refusal::Network { .. } => "refused: network",
        Refusal::Height { .. } => "refused: height",
        Refusal::Parent { .. } => "refused: parent",
        Refusal::Time { .. } => "refused: time",
        Refusal::Count { .. } => "refused: count",
        Refusal::Size { .. } => "refused: size",
        Refusal::MerkleRoot { .. } => "refused: merkle root",
    }
}

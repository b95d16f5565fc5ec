//! The keys that transactions hold while they are executed: the sender's exclusively, the receivers' shared.
//!
//! Batches are free of conflicts, so in a correct executor no transaction ever waits for a key. Workers take
//! turns on one thread, so whether a block ends is decided by counting turns, not by a clock.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_core::model::{Outcome, Payload, PublicKey, Transaction};

use super::ExecutorBug;

/// The keys of a block and their holders, transactions by index.
#[derive(Debug)]
pub(super) struct Keys {
    exclusive: BTreeMap<PublicKey, usize>,
    shared: BTreeMap<PublicKey, BTreeSet<usize>>,
    bug: Option<ExecutorBug>,
}

impl Keys {
    pub(super) const fn new(bug: Option<ExecutorBug>) -> Self {
        Keys {
            exclusive: BTreeMap::new(),
            shared: BTreeMap::new(),
            bug,
        }
    }

    /// Acquires the keys of a transaction, the sender's first. A transaction that waits keeps those that it
    /// has; the error says what it waits for.
    pub(super) fn acquire(
        &mut self,
        index: usize,
        transaction: &Transaction,
    ) -> Result<(), String> {
        let source = transaction.source;
        let mut others = self.shared.get(&source).into_iter().flatten();
        let holder = self.exclusive.get(&source).or_else(|| others.next());
        if let Some(holder) = holder.filter(|holder| **holder != index) {
            return Err(waits(index, source, *holder));
        }
        self.exclusive.insert(source, index);
        for receiver in receivers(transaction) {
            let holder = self.exclusive.get(&receiver);
            let is_own =
                |holder: &usize| *holder == index && self.bug != Some(ExecutorBug::WaitsForItself);
            if let Some(holder) = holder.filter(|holder| !is_own(holder)) {
                return Err(waits(index, receiver, *holder));
            }
            self.shared.entry(receiver).or_default().insert(index);
        }
        Ok(())
    }

    /// Releases the keys of a transaction with this outcome.
    pub(super) fn release(&mut self, index: usize, outcome: &Outcome) {
        if self.bug == Some(ExecutorBug::KeysNotGivenBack)
            && matches!(outcome, Outcome::Rejected(_))
        {
            return;
        }
        self.exclusive.retain(|_, holder| *holder != index);
        self.shared.retain(|_, holders| {
            holders.remove(&index);
            !holders.is_empty()
        });
    }
}

fn receivers(transaction: &Transaction) -> BTreeSet<PublicKey> {
    match &transaction.payload {
        Payload::Transfers(transfers) => transfers.iter().map(|to| to.destination).collect(),
        Payload::Burn { .. } | Payload::Multisig(_) => BTreeSet::new(),
    }
}

fn waits(index: usize, key: PublicKey, holder: usize) -> String {
    match holder == index {
        true => format!("transaction {index} waits for {key}, which it holds itself"),
        false => format!("transaction {index} waits for {key}, which transaction {holder} holds"),
    }
}

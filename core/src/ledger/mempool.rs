//! Transactions that wait for a block, and the choice among them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::codec;
use crate::model::{Amount, Cell, Hash, Network, Nonce, PublicKey, Rejection, Transaction, Value};
use crate::signature::{Verifier, Zip215};
use crate::transition;

/// The limits of a [`Mempool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MempoolLimits {
    /// The most transactions that are kept.
    pub transactions: usize,
    /// The most bytes of all their encodings.
    pub bytes: u64,
}

impl Default for MempoolLimits {
    /// 100,000 transactions, 64 MiB.
    fn default() -> Self {
        MempoolLimits {
            transactions: 100_000,
            bytes: 64 << 20,
        }
    }
}

/// Transactions that passed the stateless checks, at most one a source and nonce.
///
/// It does not know the state: a transaction waits until its nonce is the next, whatever its source
/// can pay.
pub struct Mempool {
    network: Network,
    verifier: Arc<dyn Verifier>,
    limits: MempoolLimits,
    waiting: BTreeMap<(PublicKey, Nonce), Waiting>,
    /// The same transactions, the cheapest first.
    by_fee: BTreeSet<(Amount, Hash, PublicKey, Nonce)>,
    bytes: u64,
}

#[derive(Debug)]
struct Waiting {
    transaction: Transaction,
    id: Hash,
    bytes: u64,
}

/// A transaction was not accepted by the mempool.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MempoolError {
    /// It would be rejected by every block.
    #[error("the transaction can never be applied: {0}")]
    Rejected(#[from] Rejection),
    /// It is there already.
    #[error("the transaction waits already")]
    Known,
    /// Another one with the same source and nonce pays as much or more.
    #[error("another transaction with this nonce pays {offered}; pay more to replace it")]
    Underpriced {
        /// Its fee.
        offered: Amount,
    },
    /// There is no room, and no transaction that pays less could make some.
    #[error("the mempool is full of transactions that pay as much or more; pay more or wait")]
    Full,
}

impl Mempool {
    /// Creates an empty mempool of one network.
    #[must_use]
    pub fn new(network: Network, limits: MempoolLimits) -> Self {
        Mempool {
            network,
            verifier: Arc::new(Zip215),
            limits,
            waiting: BTreeMap::new(),
            by_fee: BTreeSet::new(),
            bytes: 0,
        }
    }

    /// Returns the same mempool with another source of verdicts about signatures than [`Zip215`].
    #[must_use]
    pub fn with_verifier(mut self, verifier: Arc<dyn Verifier>) -> Self {
        self.verifier = verifier;
        self
    }

    /// Accepts a transaction, in place of one with the same source and nonce that pays less. If there is
    /// no room, those that pay least are dropped. Verifies the signatures.
    ///
    /// # Errors
    ///
    /// [`MempoolError::Rejected`] if every block would reject it; [`MempoolError::Known`] if it is there
    /// already; [`MempoolError::Underpriced`] if the one with the same source and nonce pays as much
    /// or more; [`MempoolError::Full`] if there is no room and none that pays less could make any. The mempool is then as it was.
    pub fn insert(&mut self, transaction: Transaction) -> Result<Hash, MempoolError> {
        transition::check_well_formed(&transaction, self.network)?;
        let id = codec::transaction_id(&transaction);
        let bytes = codec::encoded_len(&transaction);
        let slot = (transaction.source, transaction.nonce);
        let replaced = self.waiting.get(&slot);
        if let Some(other) = replaced {
            if other.id == id {
                return Err(MempoolError::Known);
            }
            let offered = other.transaction.fee;
            if offered >= transaction.fee {
                return Err(MempoolError::Underpriced { offered });
            }
        }

        let (mut count, mut total) = (self.waiting.len() + 1, self.bytes + bytes);
        if let Some(other) = replaced {
            count -= 1;
            total -= other.bytes;
        }
        let mut displaced = Vec::new();
        for &(fee, _, source, nonce) in &self.by_fee {
            if count <= self.limits.transactions && total <= self.limits.bytes {
                break;
            }
            if fee >= transaction.fee {
                break;
            }
            if (source, nonce) != slot {
                count -= 1;
                total -= self.waiting[&(source, nonce)].bytes;
                displaced.push((source, nonce));
            }
        }
        if count > self.limits.transactions || total > self.limits.bytes {
            return Err(MempoolError::Full);
        }
        // Last, because it costs most.
        transition::check_with(&*self.verifier, &transaction, self.network)?;

        for slot in displaced {
            self.remove(slot);
        }
        self.remove(slot);
        self.bytes += bytes;
        self.by_fee.insert((transaction.fee, id, slot.0, slot.1));
        self.waiting.insert(
            slot,
            Waiting {
                transaction,
                id,
                bytes,
            },
        );
        Ok(id)
    }

    /// Drops the transactions that can no longer be applied after a block with this state diff.
    pub fn forget_used(&mut self, state_diff: &[(Cell, Value)]) {
        for (cell, value) in state_diff {
            let (Cell::Nonce(account), Value::Nonce(next)) = (cell, value) else {
                continue;
            };
            let used: Vec<_> = self
                .waiting
                .range((*account, Nonce(0))..(*account, *next))
                .map(|(slot, _)| *slot)
                .collect();
            for slot in used {
                self.remove(slot);
            }
        }
    }

    /// Returns the number of transactions that wait, and the bytes of all their encodings.
    #[must_use]
    pub fn size(&self) -> (usize, u64) {
        (self.waiting.len(), self.bytes)
    }

    fn remove(&mut self, slot: (PublicKey, Nonce)) {
        if let Some(gone) = self.waiting.remove(&slot) {
            self.bytes -= gone.bytes;
            self.by_fee
                .remove(&(gone.transaction.fee, gone.id, slot.0, slot.1));
        }
    }

    /// Returns the transactions for a block: of each source those whose nonces follow its own without a
    /// gap, in that order; among sources the highest fee first, then the lowest identity; as many
    /// as fit. A source whose next transaction does not fit waits.
    ///
    /// `nonce_of` returns an account's nonce. `bytes` is the most that the encodings may take together.
    ///
    /// # Errors
    ///
    /// The error that `nonce_of` returns.
    pub fn choose<E>(
        &self,
        mut nonce_of: impl FnMut(PublicKey) -> Result<Nonce, E>,
        count: usize,
        bytes: u64,
    ) -> Result<Vec<Transaction>, E> {
        let mut nonces = NonceChecker::default();
        let mut heads = BinaryHeap::new();
        let mut source = self.waiting.keys().next().map(|slot| slot.0);
        while let Some(account) = source {
            nonces.expect(account, nonce_of(account)?);
            heads.extend(self.head(account, &nonces));
            source = self
                .waiting
                .range((account, Nonce(u64::MAX))..)
                .map(|(slot, _)| slot.0)
                .find(|other| *other != account);
        }

        let mut chosen = Vec::new();
        let mut left = bytes;
        while chosen.len() < count
            && let Some((_, _, account, nonce)) = heads.pop()
        {
            let waiting = &self.waiting[&(account, nonce)];
            if waiting.bytes > left {
                continue;
            }
            left -= waiting.bytes;
            nonces
                .check(account, nonce)
                .expect("a head has the nonce that is expected");
            chosen.push(waiting.transaction.clone());
            heads.extend(self.head(account, &nonces));
        }
        Ok(chosen)
    }

    fn head(&self, account: PublicKey, nonces: &NonceChecker) -> Option<Head> {
        let nonce = nonces.next(account)?;
        let waiting = self.waiting.get(&(account, nonce))?;
        Some((waiting.transaction.fee, Reverse(waiting.id), account, nonce))
    }
}

impl fmt::Debug for Mempool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mempool")
            .field("network", &self.network)
            .field("limits", &self.limits)
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

/// Sorts by fee, then against identity.
type Head = (Amount, Reverse<Hash>, PublicKey, Nonce);

/// Checks that the nonces of each source follow each other, by the rule of the transition: the
/// last nonce there is cannot be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NonceChecker {
    next: BTreeMap<PublicKey, Nonce>,
}

impl NonceChecker {
    /// Sets the nonce that a source must use next.
    pub fn expect(&mut self, source: PublicKey, next: Nonce) {
        self.next.insert(source, next);
    }

    /// Returns the nonce that a source must use next; `None` if it is not known or there is none left.
    #[must_use]
    pub fn next(&self, source: PublicKey) -> Option<Nonce> {
        let next = self.next.get(&source)?;
        next.next().map(|_| *next)
    }

    /// Uses a nonce.
    ///
    /// # Errors
    ///
    /// [`Rejection::Nonce`] if it is not the source's next one, [`Rejection::NonceExhausted`] if it
    /// is the last there is; nothing is used then. A source without an expected nonce begins at 0.
    pub fn check(&mut self, source: PublicKey, got: Nonce) -> Result<(), Rejection> {
        let expected = self.next.get(&source).copied().unwrap_or_default();
        if got != expected {
            return Err(Rejection::Nonce { expected, got });
        }
        let next = expected.next().ok_or(Rejection::NonceExhausted)?;
        self.next.insert(source, next);
        Ok(())
    }
}

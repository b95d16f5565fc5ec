//! The naive mempool: a list of transactions that is searched anew for every answer.
//!
//! Like the oracle it shares the nouns with core and nothing else, and is written from the
//! documentation of core's mempool, as plainly as possible and never optimised.

use std::collections::BTreeMap;

use lockstep_core::model::{Amount, Cell, Hash, Nonce, PublicKey, Rejection, Transaction, Value};

use super::{Oracle, encoding, transaction_identity};

/// A mempool without an index.
#[derive(Clone, Debug)]
pub struct NaiveMempool {
    /// Maximum number of transactions.
    pub transactions: usize,
    /// Maximum number of bytes of all their encodings.
    pub bytes: u64,
    /// The transactions that wait, in the order of arrival.
    pub waiting: Vec<Waiting>,
}

/// A transaction that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The transaction.
    pub transaction: Transaction,
    /// Its identity.
    pub id: Hash,
    /// Number of bytes of its encoding.
    pub bytes: u64,
}

/// The reason why a mempool does not accept a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAccepted {
    /// Every block would reject it.
    Rejected(Rejection),
    /// It waits already.
    Known,
    /// Another one with the same source and nonce pays this fee, which is as much or more.
    Underpriced(Amount),
    /// There is no room, and too few that pay less could make some.
    Full,
}

impl NaiveMempool {
    /// Creates an empty mempool.
    #[must_use]
    pub const fn new(transactions: usize, bytes: u64) -> Self {
        NaiveMempool {
            transactions,
            bytes,
            waiting: Vec::new(),
        }
    }

    /// Accepts a transaction, in place of one with the same source and nonce that pays less. The
    /// cheapest give way if there is no room; of those with one fee the one with the smallest identity
    /// first.
    ///
    /// # Errors
    ///
    /// The first reason in this order: [`NotAccepted::Rejected`] but for signatures, then as
    /// [`NotAccepted`] lists the others, and last [`NotAccepted::Rejected`] for a signature. The
    /// mempool is then as it was.
    pub fn insert(
        &mut self,
        transaction: &Transaction,
        oracle: &Oracle,
    ) -> Result<Hash, NotAccepted> {
        let checked = oracle.check_by_itself(transaction);
        match &checked {
            Ok(()) | Err(Rejection::Signature { .. }) => {}
            Err(other) => return Err(NotAccepted::Rejected(other.clone())),
        }
        let arriving = Waiting {
            transaction: transaction.clone(),
            id: transaction_identity(transaction),
            bytes: encoding(transaction).len() as u64,
        };
        let is_same_slot = |one: &Waiting| {
            one.transaction.source == transaction.source
                && one.transaction.nonce == transaction.nonce
        };
        if let Some(other) = self.waiting.iter().find(|one| is_same_slot(one)) {
            if other.id == arriving.id {
                return Err(NotAccepted::Known);
            }
            if other.transaction.fee >= transaction.fee {
                return Err(NotAccepted::Underpriced(other.transaction.fee));
            }
        }
        let mut left = self.waiting.clone();
        left.retain(|one| !is_same_slot(one));
        left.push(arriving.clone());
        while left.len() > self.transactions || bytes_of(&left) > self.bytes {
            let cheaper = left
                .iter()
                .filter(|one| one.transaction.fee < transaction.fee);
            let cheapest = cheaper.min_by_key(|one| (one.transaction.fee, one.id));
            let gone = cheapest.ok_or(NotAccepted::Full)?.id;
            left.retain(|one| one.id != gone);
        }
        checked.map_err(NotAccepted::Rejected)?;
        self.waiting = left;
        Ok(arriving.id)
    }

    /// Drops the transactions whose nonce a block has used.
    pub fn forget_used(&mut self, state_diff: &[(Cell, Value)]) {
        for (cell, value) in state_diff {
            if let (Cell::Nonce(account), Value::Nonce(next)) = (cell, value) {
                self.waiting.retain(|one| {
                    one.transaction.source != *account || one.transaction.nonce >= *next
                });
            }
        }
    }

    /// Returns the number of transactions and of bytes.
    #[must_use]
    pub fn size(&self) -> (usize, u64) {
        (self.waiting.len(), bytes_of(&self.waiting))
    }

    /// Returns the transactions for a block: again and again the one with the highest fee, of equal ones
    /// that with the smallest identity, among those with their source's next nonce. A source whose
    /// next one does not fit gives no more.
    #[must_use]
    pub fn choose(
        &self,
        nonce_of: impl Fn(PublicKey) -> Nonce,
        count: usize,
        bytes: u64,
    ) -> Vec<Transaction> {
        let mut next: BTreeMap<PublicKey, Option<u64>> = BTreeMap::new();
        for one in &self.waiting {
            let source = one.transaction.source;
            next.insert(source, Some(nonce_of(source).0));
        }
        let (mut chosen, mut left) = (Vec::new(), bytes);
        while chosen.len() < count {
            let ready = self.waiting.iter().filter(|one| {
                let nonce = one.transaction.nonce.0;
                // No block accepts the last nonce there is.
                next[&one.transaction.source] == Some(nonce) && nonce < u64::MAX
            });
            let best = ready.min_by_key(|one| (std::cmp::Reverse(one.transaction.fee), one.id));
            let Some(best) = best else {
                break;
            };
            let source = best.transaction.source;
            if best.bytes > left {
                next.insert(source, None);
                continue;
            }
            left -= best.bytes;
            next.insert(source, Some(best.transaction.nonce.0 + 1));
            chosen.push(best.transaction.clone());
        }
        chosen
    }
}

fn bytes_of(waiting: &[Waiting]) -> u64 {
    waiting.iter().map(|one| one.bytes).sum()
}

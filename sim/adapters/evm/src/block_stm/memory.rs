//! The multi-version memory: what each transaction wrote, by key and transaction.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, U256};
use revm::state::AccountInfo;

use super::bug::Bug;

/// A place that transactions read and write.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Key {
    /// An account's existence, balance, nonce and code.
    Account(Address),
    /// The last removal of all slots of an account.
    Wipe(Address),
    /// A slot.
    Slot(Address, U256),
}

impl Key {
    fn address(self) -> Address {
        let (Self::Account(address) | Self::Wipe(address) | Self::Slot(address, _)) = self;
        address
    }
}

/// The value that a transaction left at a key.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// An account, `None` if it was removed.
    Account(Option<AccountInfo>),
    /// All slots of the account were removed.
    Wipe,
    /// A slot.
    Slot(U256),
    /// An amount on top of the value below it: the fee for a receiver that was not loaded.
    Fee(U256),
}

/// The source of a value that was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// The state before the block.
    Base,
    /// A version.
    Version {
        /// The transaction.
        transaction: usize,
        /// Its execution.
        incarnation: usize,
    },
}

/// The answer to a read.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The nearest value, and the transaction that wrote it; `None` for the state before the block.
    pub(super) value: Option<(usize, Value)>,
    /// The amounts on top of it, if there are any.
    pub(super) fees: Option<U256>,
    /// All versions that the answer depends on, nearest first.
    pub(super) origins: Vec<Origin>,
}

#[derive(Debug)]
struct Entry {
    incarnation: usize,
    value: Value,
    is_estimate: bool,
}

type Shard = HashMap<Key, BTreeMap<usize, Entry>>;

const SHARDS: usize = 16;

/// The versions of all keys.
#[derive(Debug)]
pub(super) struct Memory {
    shards: [Mutex<Shard>; SHARDS],
    bug: Option<Bug>,
}

impl Memory {
    pub(super) fn new(bug: Option<Bug>) -> Self {
        Self {
            shards: Default::default(),
            bug,
        }
    }

    fn shard(&self, key: Key) -> MutexGuard<'_, Shard> {
        let index = usize::from(key.address()[19]) % SHARDS;
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads `key` as `transaction` sees it.
    ///
    /// # Errors
    /// The transaction whose estimate it must wait for.
    pub(super) fn read(&self, key: Key, transaction: usize) -> Result<Found, usize> {
        let shard = self.shard(key);
        let mut found = Found {
            value: None,
            fees: None,
            origins: Vec::new(),
        };
        let versions = shard.get(&key).into_iter().flatten();
        let mut below: Vec<_> = versions
            .take_while(|(writer, _)| **writer < transaction)
            .collect();
        if self.bug == Some(Bug::OneLevelDeep) && below.len() > 1 {
            let is_fee = |(_, entry): &&(&usize, &Entry)| matches!(entry.value, Value::Fee(_));
            let amounts = below.iter().rev().take_while(is_fee).count();
            // Only the nearest amount is seen.
            below.drain(below.len() - amounts..below.len() - usize::from(amounts > 0));
        }
        for (writer, entry) in below.into_iter().rev() {
            if entry.is_estimate {
                return Err(*writer);
            }
            found.origins.push(Origin::Version {
                transaction: *writer,
                incarnation: entry.incarnation,
            });
            if let Value::Fee(amount) = entry.value {
                *found.fees.get_or_insert(U256::ZERO) += amount;
            } else {
                found.value = Some((*writer, entry.value.clone()));
                return Ok(found);
            }
        }
        found.origins.push(Origin::Base);
        Ok(found)
    }

    /// Replaces the versions of `transaction` by `writes`; true if there is a key among them that its
    /// last execution, which wrote `previous`, did not write.
    pub(super) fn record(
        &self,
        (transaction, incarnation): (usize, usize),
        writes: &[(Key, Value)],
        previous: &[Key],
    ) -> bool {
        let mut has_new = false;
        for (key, value) in writes {
            let is_deletion = matches!(value, Value::Account(None) | Value::Wipe);
            if self.bug == Some(Bug::EstimateMissingKey) && is_deletion {
                continue;
            }
            has_new |= !previous.contains(key);
            let entry = Entry {
                incarnation,
                value: value.clone(),
                is_estimate: false,
            };
            self.shard(*key)
                .entry(*key)
                .or_default()
                .insert(transaction, entry);
        }
        let is_written = |key: &Key| writes.iter().any(|(written, _)| written == key);
        let left_over = previous.iter().filter(|key| !is_written(key));
        if self.bug == Some(Bug::LeftOverWrite) {
            left_over.for_each(|key| self.set_estimate(transaction, *key, false));
        } else {
            self.forget(transaction, left_over);
        }
        has_new
    }

    /// Removes versions of `transaction`.
    pub(super) fn forget<'k>(&self, transaction: usize, keys: impl Iterator<Item = &'k Key>) {
        for key in keys {
            if let Some(versions) = self.shard(*key).get_mut(key) {
                versions.remove(&transaction);
            }
        }
    }

    /// Turns the versions of `transaction` into estimates.
    pub(super) fn estimate(&self, transaction: usize, keys: &[Key]) {
        for key in keys {
            self.set_estimate(transaction, *key, true);
        }
    }

    fn set_estimate(&self, transaction: usize, key: Key, is_estimate: bool) {
        let mut shard = self.shard(key);
        if let Some(entry) = shard.get_mut(&key).and_then(|it| it.get_mut(&transaction)) {
            entry.is_estimate = is_estimate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key::Account(Address::ZERO);

    fn record(memory: &Memory, transaction: usize, value: Value) {
        memory.record((transaction, 0), &[(KEY, value)], &[]);
    }

    #[test]
    fn a_reader_sums_the_amounts_down_to_the_nearest_value_below_it() {
        let memory = Memory::new(None);
        record(&memory, 0, Value::Fee(U256::from(1)));
        record(&memory, 1, Value::Account(None));
        record(&memory, 2, Value::Fee(U256::from(10)));
        record(&memory, 3, Value::Fee(U256::from(100)));
        record(&memory, 5, Value::Fee(U256::from(1000)));
        let found = memory.read(KEY, 5).expect("there is no estimate");
        assert_eq!(found.fees, Some(U256::from(110)));
        assert!(matches!(found.value, Some((1, Value::Account(None)))));
        assert_eq!(found.origins.len(), 3);
    }

    #[test]
    fn a_reader_of_an_estimate_is_told_whom_to_wait_for() {
        let memory = Memory::new(None);
        record(&memory, 0, Value::Account(None));
        record(&memory, 1, Value::Fee(U256::ZERO));
        memory.estimate(0, &[KEY]);
        assert_eq!(memory.read(KEY, 2).err(), Some(0));
        assert!(memory.read(KEY, 0).is_ok());
    }

    #[test]
    fn an_execution_that_writes_less_leaves_nothing_of_the_one_before() {
        let memory = Memory::new(None);
        record(&memory, 0, Value::Account(None));
        assert!(!memory.record((0, 1), &[], &[KEY]));
        let found = memory.read(KEY, 1).expect("there is no estimate");
        assert_eq!(found.origins, [Origin::Base]);
    }
}

//! The view that one execution of a transaction has of the state, and the record of its reads.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use alloy_primitives::{Address, B256, U256};
use revm::Database;
use revm::bytecode::Bytecode;
use revm::database_interface::DBErrorMarker;
use revm::state::AccountInfo;

use super::bug::Bug;
use super::memory::{Found, Key, Memory, Origin, Value};
use super::pace::Pace;
use crate::block::{Block, Fork};
use crate::machine::{account_information, bytecode};
use crate::state::State;

/// The state before the block, and the code that was analysed.
#[derive(Debug)]
pub(super) struct Base<'b> {
    pub(super) state: &'b State,
    pub(super) block: &'b Block,
    codes: Mutex<HashMap<B256, Bytecode>>,
    /// By address, which is a bug: an account's code changes.
    stale_codes: Mutex<HashMap<Address, (B256, Option<Bytecode>)>>,
    pub(super) bug: Option<Bug>,
}

impl<'b> Base<'b> {
    pub(super) fn new(state: &'b State, block: &'b Block, bug: Option<Bug>) -> Self {
        Self {
            state,
            block,
            codes: Mutex::default(),
            stale_codes: Mutex::default(),
            bug,
        }
    }

    fn account(&self, address: Address) -> Option<AccountInfo> {
        let account = self.state.accounts.get(&address)?;
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let code = codes.entry(account.code.hash());
        let code = code.or_insert_with(|| bytecode(&account.code)).clone();
        Some(account_information(account, code))
    }

    /// Replaces the code by the one that was seen first at this address.
    fn with_stale_code(&self, address: Address, mut account: AccountInfo) -> AccountInfo {
        let mut codes = self
            .stale_codes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let entry = codes.entry(address);
        let code = entry.or_insert_with(|| (account.code_hash, account.code.clone()));
        (account.code_hash, account.code) = code.clone();
        account
    }
}

/// The account that `found` amounts to over the state before the block.
pub(super) fn resolve(found: &Found, base: Option<AccountInfo>, fork: Fork) -> Option<AccountInfo> {
    let account = match &found.value {
        Some((_, Value::Account(account))) => account.clone(),
        _ => base,
    };
    let Some(fees) = found.fees else {
        return account;
    };
    let mut credited = account.unwrap_or_default();
    credited.balance = credited.balance.saturating_add(fees);
    let is_removed = fork >= Fork::SpuriousDragon && credited.is_empty();
    (!is_removed).then_some(credited)
}

/// The reads of one execution: keys with the versions that the answers came from.
pub(super) type Reads = Vec<(Key, Vec<Origin>)>;

/// True if all `reads` of `transaction` would be answered from the same versions again.
pub(super) fn is_valid(memory: &Memory, transaction: usize, reads: &Reads, base: &Base) -> bool {
    reads.iter().all(|(key, origins)| {
        let Ok(found) = memory.read(*key, transaction) else {
            return false;
        };
        let is_leaky = base.bug == Some(Bug::LazyValueLeak);
        if is_leaky && found.fees.is_some() {
            // The amounts are not asked for again.
            return true;
        }
        found.origins == *origins
    })
}

/// A read that meets an estimate of this transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Blocked(pub(super) usize);

impl fmt::Display for Blocked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "transaction {} is executed again", self.0)
    }
}

impl std::error::Error for Blocked {}

impl DBErrorMarker for Blocked {}

/// The view of one execution.
pub(super) struct View<'v> {
    pub(super) base: &'v Base<'v>,
    pub(super) memory: &'v Memory,
    pub(super) pace: &'v Pace,
    pub(super) worker: usize,
    pub(super) transaction: usize,
    pub(super) reads: Reads,
    /// The accounts that were read, as they were.
    pub(super) accounts: HashMap<Address, Option<AccountInfo>>,
}

impl View<'_> {
    fn find(&mut self, key: Key) -> Result<Found, Blocked> {
        self.pace.pause(self.worker);
        let found = self.memory.read(key, self.transaction).map_err(Blocked)?;
        self.reads.push((key, found.origins.clone()));
        Ok(found)
    }
}

impl Database for View<'_> {
    type Error = Blocked;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Blocked> {
        if let Some(account) = self.accounts.get(&address) {
            return Ok(account.clone());
        }
        let block = self.base.block;
        let mut found = self.find(Key::Account(address))?;
        let is_sender = block.transactions[self.transaction].sender == address;
        if self.base.bug == Some(Bug::ReadBypassesRecord) && is_sender {
            self.reads.pop();
        }
        if self.base.bug == Some(Bug::BeneficiaryPlaceholder)
            && address == block.environment.beneficiary
            && !is_sender
        {
            found.fees = None;
            self.reads.pop();
        }
        let account = resolve(&found, self.base.account(address), block.fork);
        let is_absent = account.is_none() && found.origins == [Origin::Base];
        if self.base.bug == Some(Bug::AbsentNotRecorded) && is_absent {
            self.reads.pop();
        }
        if self.base.bug == Some(Bug::ReaderValidatorDisagree) && is_absent {
            // The reader names no version where the validator names the state before the block.
            self.reads.pop();
            self.reads.push((Key::Account(address), Vec::new()));
        }
        let account = match self.base.bug {
            Some(Bug::CodeCacheStale) => account.map(|it| self.base.with_stale_code(address, it)),
            _ => account,
        };
        self.accounts.insert(address, account.clone());
        Ok(account)
    }

    fn code_by_hash(&mut self, _: B256) -> Result<Bytecode, Blocked> {
        // Accounts are handed out with their code.
        Ok(Bytecode::default())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Blocked> {
        let found = self.find(Key::Slot(address, slot))?;
        let wipe = self.find(Key::Wipe(address))?;
        let wiped_by = wipe.value.map(|(writer, _)| writer);
        Ok(match found.value {
            // A transaction that removes all slots writes its own after that.
            Some((writer, Value::Slot(value))) if wiped_by.is_none_or(|it| it <= writer) => value,
            _ if wiped_by.is_some() => U256::ZERO,
            _ => {
                let account = self.base.state.accounts.get(&address);
                let value = account.and_then(|account| account.storage.get(&slot));
                value.copied().unwrap_or_default()
            }
        })
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Blocked> {
        let hash = self.base.block.environment.hashes.get(&number);
        Ok(hash.copied().unwrap_or_default())
    }
}

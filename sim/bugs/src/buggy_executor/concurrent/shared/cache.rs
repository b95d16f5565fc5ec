//! The cache that the workers of a block share: accounts and balances, each loaded when it is first needed.

use std::collections::BTreeSet;

use lockstep_core::model::{Amount, Asset, Multisig, Nonce, Payload, PublicKey, Transaction};

use super::sync::atomic::{AtomicU64, Ordering};
use super::sync::{self, DashMap, RwLock};
use crate::buggy_executor::CommittedState;
use crate::buggy_executor::cache::{Cache as Merged, Cached};
use crate::buggy_executor::concurrent::ThreadBug;
use crate::buggy_executor::concurrent::injection::Injection;
use crate::buggy_executor::concurrent::placing::{Placing, SHARDS};
use crate::buggy_executor::store::damaged;
use crate::buggy_executor::worker::withdrawals;
use lockstep_sim::subject::SubjectError;

/// The state within a block.
pub(super) struct Cache {
    accounts: DashMap<PublicKey, Cached, Placing>,
    pub(super) balances: DashMap<(PublicKey, Asset), u64, Placing>,
    fees: AtomicU64,
    bug: Option<ThreadBug>,
}

impl Cache {
    pub(super) fn new(placing: Placing, bug: Option<ThreadBug>) -> Self {
        Cache {
            accounts: DashMap::with_hasher_and_shard_amount(placing, SHARDS),
            balances: DashMap::with_hasher_and_shard_amount(placing, SHARDS),
            fees: AtomicU64::new(0),
            bug,
        }
    }

    fn has(&self, bug: ThreadBug) -> bool {
        self.bug == Some(bug)
    }

    /// Loads the accounts and balances that a transaction reads or writes. Other workers may load and
    /// credit the same ones meanwhile, so an entry that is there stays.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Failed`] where an injected failure meets it; then nothing is loaded.
    pub(super) fn load(
        &self,
        committed: &RwLock<CommittedState>,
        transaction: &Transaction,
        injection: &Injection,
    ) -> Result<(), SubjectError> {
        let source = transaction.source;
        let mut accounts = BTreeSet::from([source]);
        let mut balances: BTreeSet<(PublicKey, Asset)> = withdrawals(transaction)
            .into_keys()
            .map(|asset| (source, asset))
            .collect();
        if let Payload::Transfers(transfers) = &transaction.payload {
            accounts.extend(transfers.iter().map(|to| to.destination));
            balances.extend(transfers.iter().map(|to| (to.destination, to.asset)));
        }
        accounts.retain(|account| !self.accounts.contains_key(account));
        balances.retain(|balance| !self.balances.contains_key(balance));
        if accounts.is_empty() && balances.is_empty() {
            return Ok(());
        }
        injection.load()?;
        let stored = {
            let committed = sync::read(committed);
            let account = |account: &PublicKey| Cached {
                nonce: committed.store.nonce(*account),
                multisig: committed.store.multisig(*account),
            };
            let balance =
                |(account, asset): &(PublicKey, Asset)| committed.store.balance(*account, *asset);
            let accounts: Vec<Cached> = accounts.iter().map(account).collect();
            let balances: Vec<u64> = balances.iter().map(balance).collect();
            (accounts, balances)
        };
        for (account, cached) in accounts.into_iter().zip(stored.0) {
            self.accounts.entry(account).or_insert(cached);
        }
        for (balance, amount) in balances.into_iter().zip(stored.1) {
            if self.has(ThreadBug::LateInsert) {
                self.balances.insert(balance, amount);
            } else {
                self.balances.entry(balance).or_insert(amount);
            }
        }
        Ok(())
    }

    /// Returns the current state of a loaded account.
    pub(super) fn account(&self, account: PublicKey) -> Result<Cached, SubjectError> {
        let cached = self.accounts.get(&account).map(|cached| cached.clone());
        cached.ok_or_else(|| damaged("an account is looked at that was not loaded"))
    }

    /// Returns the current value of a loaded balance.
    pub(super) fn balance(&self, account: PublicKey, asset: Asset) -> Result<u64, SubjectError> {
        let balance = self.balances.get(&(account, asset)).map(|balance| *balance);
        balance.ok_or_else(|| damaged("a balance is looked at that was not loaded"))
    }

    fn change_account(
        &self,
        account: PublicKey,
        change: impl FnOnce(&mut Cached),
    ) -> Result<(), SubjectError> {
        let mut cached = self
            .accounts
            .get_mut(&account)
            .ok_or_else(|| damaged("an account is changed that was not loaded"))?;
        change(&mut cached);
        Ok(())
    }

    pub(super) fn set_nonce(&self, account: PublicKey, nonce: Nonce) -> Result<(), SubjectError> {
        self.change_account(account, |cached| cached.nonce = Some(nonce))
    }

    pub(super) fn set_multisig(
        &self,
        account: PublicKey,
        multisig: Option<Multisig>,
    ) -> Result<(), SubjectError> {
        self.change_account(account, |cached| cached.multisig = multisig)
    }

    pub(super) fn debit(
        &self,
        account: PublicKey,
        asset: Asset,
        amount: u64,
    ) -> Result<(), SubjectError> {
        let mut balance = self
            .balances
            .get_mut(&(account, asset))
            .ok_or_else(|| damaged("a balance is debited that was not loaded"))?;
        *balance = less(*balance, amount)?;
        Ok(())
    }

    /// Adds to a balance, and registers the account if it is new.
    pub(super) fn credit(
        &self,
        account: PublicKey,
        asset: Asset,
        amount: u64,
    ) -> Result<(), SubjectError> {
        self.add(account, asset, amount)?;
        self.change_account(account, |cached| {
            cached.nonce.get_or_insert(Nonce(0));
        })
    }

    fn add(&self, account: PublicKey, asset: Asset, amount: u64) -> Result<(), SubjectError> {
        let mut balance = self
            .balances
            .get_mut(&(account, asset))
            .ok_or_else(|| damaged("a balance is credited that was not loaded"))?;
        *balance = more(*balance, amount)?;
        Ok(())
    }

    /// Debits one account and credits another.
    pub(super) fn transfer(
        &self,
        (from, to): (PublicKey, PublicKey),
        asset: Asset,
        amount: u64,
    ) -> Result<(), SubjectError> {
        if self.has(ThreadBug::ShardGuard) && from != to {
            let mut left = self
                .balances
                .get_mut(&(from, asset))
                .ok_or_else(|| damaged("a balance is debited that was not loaded"))?;
            *left = less(*left, amount)?;
            self.add(to, asset, amount)?;
            drop(left);
            return self.credit(to, asset, 0);
        }
        self.debit(from, asset, amount)?;
        self.credit(to, asset, amount)
    }

    /// Adds the fee of an applied transaction. Fees were paid, so their sum is within the supply.
    pub(super) fn count_fee(&self, fee: Amount) {
        if self.has(ThreadBug::FeeReadModifyWrite) {
            let sum = self.fees.load(Ordering::Acquire);
            self.fees.store(sum.wrapping_add(fee.0), Ordering::Release);
        } else {
            // The reader of the sum has joined all threads that add to it.
            self.fees.fetch_add(fee.0, Ordering::Relaxed);
        }
    }

    /// Returns the contents in order, read account after account and balance after balance.
    pub(super) fn merged(&self) -> Merged {
        let mut merged = Merged::new(None);
        let accounts = self.accounts.iter();
        merged.accounts = accounts.map(|one| (*one.key(), one.clone())).collect();
        merged.balances = self.balances.iter().map(|one| (*one.key(), *one)).collect();
        merged.fees = self.fees.load(Ordering::Relaxed);
        merged
    }

    /// Clears the cache: the next block starts from the committed state.
    pub(super) fn clear(&self) {
        self.accounts.retain(|_, _| false);
        self.balances.retain(|_, _| false);
        self.fees.store(0, Ordering::Relaxed);
    }
}

fn less(balance: u64, amount: u64) -> Result<u64, SubjectError> {
    balance
        .checked_sub(amount)
        .ok_or_else(|| damaged("a balance is debited more than it has"))
}

fn more(balance: u64, amount: u64) -> Result<u64, SubjectError> {
    balance
        .checked_add(amount)
        .ok_or_else(|| damaged("a balance is credited more than there can be"))
}

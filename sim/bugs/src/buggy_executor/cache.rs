//! The cache of a block: accounts and balances, each loaded when it is first needed.

use std::collections::BTreeMap;

use lockstep_core::model::{Amount, Asset, Multisig, Nonce, PublicKey, Supply};

use super::ExecutorBug;
use super::store::{Store, damaged};
use lockstep_sim::subject::SubjectError;

/// Number of applied transactions whose fees [`ExecutorBug::FeesOfOnePiece`] counts.
const FEES_OF_A_PIECE: usize = 1_024;

/// Number of cells of a ledger of which [`ExecutorBug::AccountsOfOnePage`] finds all.
const CELLS_OF_A_PAGE: usize = 8_192;

/// An account without its balances.
#[derive(Clone, Debug, Default)]
pub(super) struct Cached {
    /// Its nonce; `None` if it is not registered.
    pub(super) nonce: Option<Nonce>,
    pub(super) multisig: Option<Multisig>,
}

/// The state within a block. Loading takes two steps: the account, then its balance of an asset.
#[derive(Debug)]
pub(super) struct Cache {
    pub(super) accounts: BTreeMap<PublicKey, Cached>,
    pub(super) balances: BTreeMap<(PublicKey, Asset), u64>,
    /// A second cache of balances, used only by some bugs.
    others: BTreeMap<(PublicKey, Asset), u64>,
    pub(super) supplies: BTreeMap<Asset, Supply>,
    pub(super) fees: u64,
    /// Number of applied transactions.
    applied: usize,
    bug: Option<ExecutorBug>,
}

impl Cache {
    pub(super) fn new(bug: Option<ExecutorBug>) -> Self {
        Cache {
            accounts: BTreeMap::new(),
            balances: BTreeMap::new(),
            others: BTreeMap::new(),
            supplies: BTreeMap::new(),
            fees: 0,
            applied: 0,
            bug,
        }
    }

    fn has(&self, bug: ExecutorBug) -> bool {
        self.bug == Some(bug)
    }

    fn load_account(&mut self, store: &Store, account: PublicKey) -> &mut Cached {
        self.accounts.entry(account).or_insert_with(|| Cached {
            nonce: store.nonce(account),
            multisig: store.multisig(account),
        })
    }

    fn load_balance(&mut self, store: &Store, account: PublicKey, asset: Asset) -> u64 {
        *self
            .balances
            .entry((account, asset))
            .or_insert_with(|| store.balance(account, asset))
    }

    /// Loads the account of a sender.
    pub(super) fn load_sender(&mut self, store: &Store, account: PublicKey) {
        if !self.has(ExecutorBug::SilentSetter) {
            self.load_account(store, account);
        }
    }

    /// Loads the account of a receiver.
    pub(super) fn load_receiver(
        &mut self,
        store: &Store,
        account: PublicKey,
    ) -> Result<(), SubjectError> {
        let is_unknown = self.load_account(store, account).nonce.is_none();
        if is_unknown && self.has(ExecutorBug::AbsentDiffers) {
            return Err(damaged("the storage knows no such account"));
        }
        Ok(())
    }

    /// Returns the current state of an account.
    pub(super) fn account(&self, store: &Store, account: PublicKey) -> Cached {
        self.accounts
            .get(&account)
            .cloned()
            .unwrap_or_else(|| Cached {
                nonce: store.nonce(account),
                multisig: store.multisig(account),
            })
    }

    /// Returns the balance that a sender can spend.
    pub(super) fn available(&mut self, store: &Store, account: PublicKey, asset: Asset) -> u64 {
        if self.has(ExecutorBug::BalanceFromStorage) {
            return store.balance(account, asset);
        }
        self.load_balance(store, account, asset)
    }

    pub(super) fn set_nonce(&mut self, account: PublicKey, nonce: Nonce) {
        if let Some(cached) = self.accounts.get_mut(&account) {
            cached.nonce = Some(nonce);
        }
    }

    pub(super) fn set_multisig(&mut self, account: PublicKey, multisig: Option<Multisig>) {
        if let Some(cached) = self.accounts.get_mut(&account) {
            cached.multisig = multisig;
        }
    }

    pub(super) fn debit(
        &mut self,
        store: &Store,
        account: PublicKey,
        asset: Asset,
        amount: u64,
    ) -> Result<(), SubjectError> {
        let left = self
            .available(store, account, asset)
            .checked_sub(amount)
            .ok_or_else(|| damaged("a balance is debited more than it has"))?;
        self.balances.insert((account, asset), left);
        Ok(())
    }

    /// Adds to a balance, and registers the account if it is new.
    pub(super) fn credit(
        &mut self,
        store: &Store,
        account: PublicKey,
        asset: Asset,
        amount: u64,
    ) -> Result<(), SubjectError> {
        let stored = || store.balance(account, asset);
        let balance = match self.bug {
            Some(ExecutorBug::AccountsOfOnePage) if store.cells.len() > CELLS_OF_A_PAGE => {
                self.balances.entry((account, asset)).or_insert(0)
            }
            Some(ExecutorBug::CreditWithoutLoad) => {
                self.balances.entry((account, asset)).or_insert(0)
            }
            Some(ExecutorBug::SplitCache) => {
                self.others.entry((account, asset)).or_insert_with(stored)
            }
            Some(ExecutorBug::LoadOneWriteOther) => {
                self.balances.entry((account, asset)).or_insert_with(stored);
                self.others.entry((account, asset)).or_insert(0)
            }
            _ => self.balances.entry((account, asset)).or_insert_with(stored),
        };
        *balance = if self.bug == Some(ExecutorBug::SaturatingCredit) {
            balance.saturating_add(amount)
        } else {
            balance
                .checked_add(amount)
                .ok_or_else(|| damaged("a balance is credited more than there can be"))?
        };
        let cached = self.load_account(store, account);
        cached.nonce.get_or_insert(Nonce(0));
        Ok(())
    }

    /// Registers an account that is credited nothing.
    pub(super) fn register(&mut self, store: &Store, account: PublicKey) {
        self.load_account(store, account)
            .nonce
            .get_or_insert(Nonce(0));
    }

    /// Adds the fee of an applied transaction to the sum.
    pub(super) fn count_fee(&mut self, fee: Amount) -> Result<(), SubjectError> {
        self.applied += 1;
        if self.has(ExecutorBug::FeesOfOnePiece) && self.applied > FEES_OF_A_PIECE {
            return Ok(());
        }
        self.fees = self.sum(self.fees, fee.0)?;
        Ok(())
    }

    /// Adds a burn of an applied transaction to the supply.
    pub(super) fn count_burn(
        &mut self,
        store: &Store,
        asset: Asset,
        amount: Amount,
    ) -> Result<(), SubjectError> {
        let mut supply = self.supply(store, asset);
        supply.burned = Amount(self.sum(supply.burned.0, amount.0)?);
        self.supplies.insert(asset, supply);
        Ok(())
    }

    pub(super) fn supply(&self, store: &Store, asset: Asset) -> Supply {
        let cached = self.supplies.get(&asset).copied();
        cached.unwrap_or_else(|| store.supply(asset))
    }

    fn sum(&self, sum: u64, more: u64) -> Result<u64, SubjectError> {
        if self.has(ExecutorBug::CounterWrap) {
            return Ok(sum.wrapping_add(more) & u64::from(u32::MAX));
        }
        sum.checked_add(more)
            .ok_or_else(|| damaged("a sum is more than there can be"))
    }

    /// Returns the balances that the merge writes.
    pub(super) fn merged_balances(&self) -> BTreeMap<(PublicKey, Asset), u64> {
        let mut merged = BTreeMap::new();
        if self.has(ExecutorBug::SplitCache) {
            merged.clone_from(&self.others);
        }
        merged.extend(&self.balances);
        merged
    }
}

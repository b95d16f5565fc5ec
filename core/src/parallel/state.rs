//! The state of a block while several workers execute it.

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use dashmap::DashMap;

use crate::model::{Amount, Asset, Cell, Change, Height, Multisig, Nonce, PublicKey, Value};
use crate::state::{CellChanges, Loaded, add, change, in_cell_order};
use crate::storage::{Storage, StorageError, schema};
use crate::transition::StateView;

/// Accounts as a block has left them so far, shared by its workers.
///
/// Everything of one account is in one entry: nonce, multisig, balances. A cell is loaded from the
/// storage once, when it is prefetched or first needed; whoever loads it late finds what others have
/// written meanwhile and leaves it. No entry is held while the storage is read or another entry is
/// taken.
///
/// What workers do at once must not conflict, see [`crate::schedule`]; additions to one balance do
/// not.
pub struct ParallelChainState<S, H> {
    storage: Arc<RwLock<S>>,
    accounts: DashMap<PublicKey, Account, H>,
    /// What the storage has of every cell that was loaded, in no order.
    loaded: Mutex<Loaded>,
}

/// What is known of one account.
#[derive(Default)]
struct Account {
    nonce: Nonce,
    native: Amount,
    multisig: Option<Box<Multisig>>,
    /// Balances of other assets that are known. Boxed, because most accounts have none.
    #[allow(
        clippy::box_collection,
        reason = "8 bytes in every account in place of 24"
    )]
    others: Option<Box<Vec<(Asset, Amount)>>>,
    knows: Known,
}

/// Which of an account's cells are loaded; the balances of other assets say so themselves.
#[derive(Clone, Copy, Default)]
struct Known {
    nonce: bool,
    /// Whether the nonce has a value.
    registered: bool,
    multisig: bool,
    native: bool,
}

impl Account {
    fn knows(&self, cell: Cell) -> bool {
        match cell {
            Cell::Nonce(_) => self.knows.nonce,
            Cell::Multisig(_) => self.knows.multisig,
            Cell::Balance(_, Asset::NATIVE) => self.knows.native,
            Cell::Balance(_, asset) => self.other(asset).is_some(),
            Cell::Supply(_) => false,
        }
    }

    fn other(&self, asset: Asset) -> Option<Amount> {
        let balances = self.others.as_deref()?;
        let (_, amount) = balances.iter().find(|(other, _)| *other == asset)?;
        Some(*amount)
    }

    fn balance(&self, asset: Asset) -> Amount {
        match asset {
            Asset::NATIVE => self.native,
            _ => self.other(asset).unwrap_or_default(),
        }
    }

    fn balance_mut(&mut self, asset: Asset) -> &mut Amount {
        if asset == Asset::NATIVE {
            return &mut self.native;
        }
        let balances = self.others.get_or_insert_default();
        let at = match balances.iter().position(|(other, _)| *other == asset) {
            Some(at) => at,
            None => {
                // Not twice as many: most accounts have one or two.
                balances.reserve_exact(1);
                balances.push((asset, Amount::ZERO));
                balances.len() - 1
            }
        };
        &mut balances[at].1
    }

    /// Takes what the storage has of a cell, where it is not known yet; says whether it took it.
    fn learn(&mut self, cell: Cell, value: Option<&Value>) -> bool {
        if self.knows(cell) {
            return false;
        }
        match (cell, value) {
            (Cell::Nonce(_), value) => {
                self.knows.nonce = true;
                if let Some(Value::Nonce(nonce)) = value {
                    self.nonce = *nonce;
                    self.knows.registered = true;
                }
            }
            (Cell::Multisig(_), value) => {
                self.knows.multisig = true;
                if let Some(Value::Multisig(multisig)) = value {
                    self.multisig = multisig.clone().map(Box::new);
                }
            }
            (Cell::Balance(_, asset), value) => {
                self.knows.native |= asset == Asset::NATIVE;
                *self.balance_mut(asset) = match value {
                    Some(Value::Balance(amount)) => *amount,
                    _ => Amount::ZERO,
                };
            }
            (Cell::Supply(_), _) => {}
        }
        true
    }

    /// The cells that are known and have a value.
    fn into_cells(self, account: PublicKey) -> impl Iterator<Item = (Cell, Value)> {
        let nonce = self
            .knows
            .registered
            .then_some((Cell::Nonce(account), Value::Nonce(self.nonce)));
        let multisig = self.knows.multisig.then_some((
            Cell::Multisig(account),
            Value::Multisig(self.multisig.map(|multisig| *multisig)),
        ));
        let native = self.knows.native.then_some((
            Cell::Balance(account, Asset::NATIVE),
            Value::Balance(self.native),
        ));
        let others = self
            .others
            .map(|balances| *balances)
            .unwrap_or_default()
            .into_iter()
            .map(move |(asset, amount)| (Cell::Balance(account, asset), Value::Balance(amount)));
        nonce
            .into_iter()
            .chain(multisig)
            .chain(native)
            .chain(others)
    }
}

impl<S: Storage, H: BuildHasher + Clone> ParallelChainState<S, H> {
    /// Nothing is loaded. `accounts` is how many there will be, about.
    #[must_use]
    pub fn new(storage: Arc<RwLock<S>>, accounts: usize, hasher: H) -> Self {
        ParallelChainState {
            storage,
            accounts: DashMap::with_capacity_and_hasher(accounts, hasher),
            loaded: Mutex::default(),
        }
    }

    /// Loads cells of accounts in one sorted pass under one guard of the storage. Supplies are left
    /// out: no transaction looks at one.
    ///
    /// # Errors
    ///
    /// Where the storage fails.
    pub fn prefetch(&self, cells: Vec<Cell>) -> Result<(), StorageError> {
        let loaded = schema::newest_of_many(&*self.storage(), cells)?;
        self.learn(loaded);
        Ok(())
    }

    /// Writes what an applied transaction changed, but for burns, which are no account's.
    ///
    /// # Errors
    ///
    /// Where the storage fails, or the state makes no sense.
    pub fn apply(&self, changes: &[Change]) -> Result<(), StorageError> {
        for change in changes {
            match change {
                Change::Nonce { account, to } => {
                    self.with(Cell::Nonce(*account), |known| {
                        known.nonce = *to;
                        known.knows.registered = true;
                        Ok(())
                    })?;
                }
                Change::Multisig { account, to } => {
                    self.with(Cell::Multisig(*account), |known| {
                        known.multisig = to.clone().map(Box::new);
                        Ok(())
                    })?;
                }
                Change::Debit {
                    account,
                    asset,
                    amount,
                } => {
                    let cell = Cell::Balance(*account, *asset);
                    self.with(cell, |known| {
                        let balance = known.balance_mut(*asset);
                        *balance = balance.checked_sub(*amount).ok_or_else(|| {
                            schema::damaged(cell, "it is debited more than it has")
                        })?;
                        Ok(())
                    })?;
                }
                Change::Credit {
                    account,
                    asset,
                    amount,
                } => self.credit(*account, *asset, *amount)?,
                Change::Burn { .. } => {}
            }
        }
        Ok(())
    }

    /// Adds to a balance and registers its account if need be. Nothing changes nothing.
    ///
    /// # Errors
    ///
    /// As [`ParallelChainState::apply`].
    pub fn credit(
        &self,
        account: PublicKey,
        asset: Asset,
        amount: Amount,
    ) -> Result<(), StorageError> {
        if amount.is_zero() {
            return Ok(());
        }
        let cell = Cell::Balance(account, asset);
        self.with(cell, |known| {
            let balance = known.balance_mut(asset);
            *balance = add(cell, *balance, amount)?;
            Ok(())
        })?;
        self.with(Cell::Nonce(account), |known| {
            known.knows.registered = true;
            Ok(())
        })
    }

    /// Every cell of an account that differs from the storage.
    pub(crate) fn into_changes(self, height: Height) -> CellChanges {
        let mut before = self
            .loaded
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        in_cell_order(&mut before);
        let mut now: Vec<(Cell, Value)> = self
            .accounts
            .into_iter()
            .flat_map(|(account, known)| known.into_cells(account))
            .collect();
        in_cell_order(&mut now);
        let mut before = before.into_iter().peekable();
        now.into_iter()
            .filter_map(|(cell, value)| {
                while before.next_if(|(other, _)| *other < cell).is_some() {}
                let (_, version) = before.next_if(|(other, _)| *other == cell)?;
                change(height, version, value).map(|change| (cell, change))
            })
            .collect()
    }

    fn storage(&self) -> std::sync::RwLockReadGuard<'_, S> {
        self.storage.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to an account of which this cell is known.
    fn with<T>(
        &self,
        cell: Cell,
        then: impl FnOnce(&mut Account) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let account = account_of(cell)?;
        if let Some(mut known) = self.accounts.get_mut(&account)
            && known.knows(cell)
        {
            return then(&mut known);
        }
        self.load(cell)?;
        let mut known = self.accounts.entry(account).or_default();
        then(&mut known)
    }

    fn read<T>(&self, cell: Cell, then: impl FnOnce(&Account) -> T) -> Result<T, StorageError> {
        let account = account_of(cell)?;
        if let Some(known) = self.accounts.get(&account)
            && known.knows(cell)
        {
            return Ok(then(&known));
        }
        self.load(cell)?;
        let known = self.accounts.entry(account).or_default();
        Ok(then(&known))
    }

    fn load(&self, cell: Cell) -> Result<(), StorageError> {
        let version = schema::newest(&*self.storage(), cell)?;
        self.learn(vec![(cell, version)]);
        Ok(())
    }

    fn learn(&self, mut loaded: Loaded) {
        loaded.retain(|(cell, version)| {
            let Ok(account) = account_of(*cell) else {
                return false;
            };
            let value = version.as_ref().map(|version| &version.value);
            let mut known = self.accounts.entry(account).or_default();
            known.learn(*cell, value)
        });
        self.loaded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(loaded);
    }
}

fn account_of(cell: Cell) -> Result<PublicKey, StorageError> {
    match cell {
        Cell::Nonce(account) | Cell::Multisig(account) | Cell::Balance(account, _) => Ok(account),
        Cell::Supply(_) => Err(schema::damaged(cell, "a supply is no account's")),
    }
}

impl<S: Storage, H: BuildHasher + Clone> StateView for &ParallelChainState<S, H> {
    type Error = StorageError;

    fn nonce(&mut self, account: PublicKey) -> Result<Option<Nonce>, StorageError> {
        self.read(Cell::Nonce(account), |known| {
            known.knows.registered.then_some(known.nonce)
        })
    }

    fn multisig(&mut self, account: PublicKey) -> Result<Option<Multisig>, StorageError> {
        self.read(Cell::Multisig(account), |known| {
            known.multisig.as_deref().cloned()
        })
    }

    fn balance(&mut self, account: PublicKey, asset: Asset) -> Result<Amount, StorageError> {
        self.read(Cell::Balance(account, asset), |known| known.balance(asset))
    }
}

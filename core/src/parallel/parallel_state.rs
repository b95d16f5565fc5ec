//! The state of a block while several workers execute it.

use std::hash::BuildHasher;

use super::parallelism::Parallelism;
use super::sync::{Arc, DashMap, RwLock, RwLockReadGuard, Workers, read};
use crate::model::{Amount, Asset, Cell, Effect, Height, Multisig, Nonce, PublicKey, Value};
use crate::state::{Loaded, WriteSet, add, cell_write, in_cell_order};
use crate::storage::{Storage, StorageError, schema};
use crate::transition::StateView;

/// The number of cells that are read at once for the write set of a block.
pub(crate) const PIECE: usize = 1_024;

/// Accounts as a block has left them so far, shared by its workers.
///
/// Everything of one account is in one entry: nonce, multisig, balances. A cell is loaded from the
/// storage when it is prefetched or first needed; a late load leaves a cell that is known by then.
/// No entry is held while the storage is read or another entry is taken.
///
/// Transactions that workers execute at once must not conflict, see [`crate::schedule`]; additions to
/// one balance do not.
pub struct ParallelChainState<S, H> {
    storage: Arc<RwLock<S>>,
    accounts: DashMap<PublicKey, Account, H>,
}

/// The cells of one account that are known.
#[derive(Default)]
struct Account {
    nonce: Nonce,
    native: Amount,
    multisig: Option<Box<Multisig>>,
    /// Balances of other assets that are known. No vector: most accounts have none, and its room to
    /// grow would be most of what the others take.
    others: Box<[(Asset, Amount)]>,
    knows: Known,
}

/// The set of an account's cells that are loaded; the balances of other assets say so themselves.
#[derive(Clone, Copy, Default)]
struct Known {
    nonce: bool,
    /// The nonce has a value.
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
        let (_, amount) = self.others.iter().find(|(other, _)| *other == asset)?;
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
        let known = self.others.iter().position(|(other, _)| *other == asset);
        let at = known.unwrap_or_else(|| {
            let mut others = std::mem::take(&mut self.others).into_vec();
            others.reserve_exact(1);
            others.push((asset, Amount::ZERO));
            self.others = others.into_boxed_slice();
            self.others.len() - 1
        });
        &mut self.others[at].1
    }

    /// Applies one effect to this account, of which all cells are known that the effect changes.
    fn apply(&mut self, effect: &Effect) -> Result<(), StorageError> {
        match effect {
            Effect::Nonce { to, .. } => {
                self.nonce = *to;
                self.knows.registered = true;
            }
            Effect::Multisig { to, .. } => self.multisig = to.clone().map(Box::new),
            Effect::Debit {
                account,
                asset,
                amount,
            } => {
                let balance = self.balance_mut(*asset);
                *balance = balance.checked_sub(*amount).ok_or_else(|| {
                    let cell = Cell::Balance(*account, *asset);
                    schema::damaged(cell, "it is debited more than it has")
                })?;
            }
            Effect::Credit {
                account,
                asset,
                amount,
            } => {
                let balance = self.balance_mut(*asset);
                *balance = add(Cell::Balance(*account, *asset), *balance, *amount)?;
                self.knows.registered = true;
            }
            Effect::Burn { .. } => {}
        }
        Ok(())
    }

    /// Sets a cell to its value in the storage, if it is not known yet.
    fn learn(&mut self, cell: Cell, value: Option<&Value>) {
        if self.knows(cell) {
            return;
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
    }

    /// Returns the cells that are known and have a value.
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
            .into_vec()
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
    /// Creates a state of which nothing is loaded. `accounts` is about the number that there will be.
    #[must_use]
    pub fn new(storage: Arc<RwLock<S>>, accounts: usize, hasher: H) -> Self {
        ParallelChainState {
            storage,
            accounts: DashMap::with_capacity_and_hasher(accounts, hasher),
        }
    }

    /// Returns a view for one transaction.
    pub fn view(&self) -> TransactionView<'_, S, H> {
        TransactionView {
            state: self,
            cached: None,
        }
    }

    /// Loads cells of accounts that are not known yet, in one sorted pass under one guard of the
    /// storage. Supplies are left out: no transaction reads one.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails or what it has of a cell is damaged.
    pub fn prefetch(&self, mut cells: Vec<Cell>) -> Result<(), StorageError> {
        // An account of one piece of a block is often in all of them.
        cells.retain(|cell| !self.knows(*cell));
        let loaded = schema::newest_of_many(&*self.storage(), cells)?;
        self.learn(loaded);
        Ok(())
    }

    /// Writes the effects of an applied transaction, but for burns, which are no account's. Takes an
    /// account's entry once, if effects of one account follow each other.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails; [`StorageError::Corrupt`] if a balance would leave its
    /// range.
    pub fn apply(&self, effects: &[Effect]) -> Result<(), StorageError> {
        for of_one in
            effects.chunk_by(|one, other| account_of_effect(one) == account_of_effect(other))
        {
            let Some(account) = account_of_effect(&of_one[0]) else {
                continue;
            };
            self.with_all(account, of_one, |known| {
                of_one.iter().try_for_each(|effect| known.apply(effect))
            })?;
        }
        Ok(())
    }

    /// Adds to a balance and registers its account if need be. An amount of zero changes nothing.
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
        self.apply(&[Effect::Credit {
            account,
            asset,
            amount,
        }])
    }

    /// Returns every cell of an account that differs from the storage, which is read again: to keep the
    /// versions before would take several times as much memory as the values now.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails or what it has of a cell is damaged.
    pub(crate) fn into_write_set(
        self,
        height: Height,
        workers: &Workers,
    ) -> Result<WriteSet, StorageError> {
        let mut now: Vec<(Cell, Value)> = self
            .accounts
            .into_iter()
            .flat_map(|(account, known)| known.into_cells(account))
            .collect();
        let storage = &self.storage;
        let of_piece = |piece: &mut [(Cell, Value)]| -> Result<WriteSet, StorageError> {
            let storage = read(storage);
            schema::in_key_order(piece, |(cell, _)| cell);
            let cells = piece.iter().map(|(cell, _)| *cell).collect();
            let before = schema::newest_of_many(&*storage, cells)?;
            let writes = piece.iter_mut().zip(before);
            Ok(writes
                .filter_map(|((cell, value), (_, before))| {
                    // Most are numbers; a multisig is not worth a second list.
                    cell_write(height, before, value.clone()).map(|write| (*cell, write))
                })
                .collect())
        };
        let pieces = workers.map(now.chunks_mut(PIECE).collect(), of_piece);
        let mut writes = pieces
            .into_iter()
            .collect::<Result<Vec<WriteSet>, StorageError>>()?
            .concat();
        in_cell_order(&mut writes, Parallelism::over(Some(workers)));
        Ok(writes)
    }

    fn storage(&self) -> RwLockReadGuard<'_, S> {
        read(&self.storage)
    }

    /// Calls `then` with an account of which all cells are known that these effects change.
    fn with_all<T>(
        &self,
        account: PublicKey,
        effects: &[Effect],
        then: impl FnOnce(&mut Account) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if let Some(mut known) = self.accounts.get_mut(&account)
            && effects.iter().flat_map(cells).all(|cell| known.knows(cell))
        {
            return then(&mut known);
        }
        for cell in effects.iter().flat_map(cells) {
            self.load(cell)?;
        }
        let mut known = self.accounts.entry(account).or_default();
        then(&mut known)
    }

    fn knows(&self, cell: Cell) -> bool {
        account_of(cell)
            .ok()
            .and_then(|account| self.accounts.get(&account))
            .is_some_and(|known| known.knows(cell))
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

    fn learn(&self, loaded: Loaded) {
        for (cell, version) in loaded {
            let Ok(account) = account_of(cell) else {
                continue;
            };
            let value = version.as_ref().map(|version| &version.value);
            let mut known = self.accounts.entry(account).or_default();
            known.learn(cell, value);
        }
    }
}

/// Returns the account whose cells an effect changes.
fn account_of_effect(effect: &Effect) -> Option<PublicKey> {
    match effect {
        Effect::Nonce { account, .. }
        | Effect::Multisig { account, .. }
        | Effect::Debit { account, .. }
        | Effect::Credit { account, .. } => Some(*account),
        Effect::Burn { .. } => None,
    }
}

/// Returns the cells that must be known before an effect is applied.
fn cells(effect: &Effect) -> impl Iterator<Item = Cell> {
    let (one, other) = match effect {
        Effect::Nonce { account, .. } => (Some(Cell::Nonce(*account)), None),
        Effect::Multisig { account, .. } => (Some(Cell::Multisig(*account)), None),
        Effect::Debit { account, asset, .. } => (Some(Cell::Balance(*account, *asset)), None),
        Effect::Credit { account, asset, .. } => (
            Some(Cell::Balance(*account, *asset)),
            // A credit registers.
            Some(Cell::Nonce(*account)),
        ),
        Effect::Burn { .. } => (None, None),
    };
    one.into_iter().chain(other)
}

fn account_of(cell: Cell) -> Result<PublicKey, StorageError> {
    match cell {
        Cell::Nonce(account) | Cell::Multisig(account) | Cell::Balance(account, _) => Ok(account),
        Cell::Supply(_) => Err(schema::damaged(cell, "a supply is no account's")),
    }
}

/// A transaction's view of the state, which takes an account's entry once for its nonce, multisig and
/// native balance. Valid no longer than one transaction, and only while none that it conflicts with
/// is executed.
pub struct TransactionView<'s, S, H> {
    state: &'s ParallelChainState<S, H>,
    /// A copy of the account that was read last.
    cached: Option<CachedAccount>,
}

struct CachedAccount {
    account: PublicKey,
    nonce: Option<Nonce>,
    multisig: Option<Multisig>,
    native: Amount,
    knows: Known,
}

impl<S: Storage, H: BuildHasher + Clone> TransactionView<'_, S, H> {
    /// Returns the copy of an account, if this cell of it is known.
    fn cached(
        &mut self,
        account: PublicKey,
        knows: impl Fn(Known) -> bool,
    ) -> Option<&CachedAccount> {
        if self
            .cached
            .as_ref()
            .is_none_or(|cached| cached.account != account)
        {
            let known = self.state.accounts.get(&account)?;
            self.cached = Some(CachedAccount {
                account,
                nonce: known.knows.registered.then_some(known.nonce),
                multisig: known.multisig.as_deref().cloned(),
                native: known.native,
                knows: known.knows,
            });
        }
        self.cached.as_ref().filter(|cached| knows(cached.knows))
    }
}

impl<S: Storage, H: BuildHasher + Clone> StateView for TransactionView<'_, S, H> {
    type Error = StorageError;

    fn nonce(&mut self, account: PublicKey) -> Result<Option<Nonce>, StorageError> {
        if let Some(cached) = self.cached(account, |knows| knows.nonce) {
            return Ok(cached.nonce);
        }
        self.state.read(Cell::Nonce(account), |known| {
            known.knows.registered.then_some(known.nonce)
        })
    }

    fn multisig(&mut self, account: PublicKey) -> Result<Option<Multisig>, StorageError> {
        if let Some(cached) = self.cached(account, |knows| knows.multisig) {
            return Ok(cached.multisig.clone());
        }
        self.state.read(Cell::Multisig(account), |known| {
            known.multisig.as_deref().cloned()
        })
    }

    fn balance(&mut self, account: PublicKey, asset: Asset) -> Result<Amount, StorageError> {
        if asset == Asset::NATIVE
            && let Some(cached) = self.cached(account, |knows| knows.native)
        {
            return Ok(cached.native);
        }
        self.state
            .read(Cell::Balance(account, asset), |known| known.balance(asset))
    }
}

//! Reading a ledger: each call sees the block before or the block after, never between.

use super::Chain;
use super::sync::{self, RwLockReadGuard};
use crate::ledger::Tip;
use crate::ledger::error::missing;
use crate::ledger::tip::tip_at;
use crate::model::{
    Amount, Asset, Block, Cell, Height, Multisig, Nonce, PublicKey, Receipt, Supply, Value, Version,
};
use crate::storage::{Storage, StorageError, Table, schema};

impl<S: Storage> Chain<S> {
    /// Returns the newest block, or the genesis.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails or what it has is damaged; [`StorageError::Corrupt`]
    /// also if the tip or its record is missing.
    pub fn tip(&self) -> Result<Tip, StorageError> {
        let storage = self.read();
        let height = schema::tip(&*storage)?.ok_or_else(|| missing("the tip"))?;
        tip_at(&*storage, height)
    }

    /// Returns an account's nonce; `None` if it is not registered.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails or what it has of the cell is damaged.
    pub fn nonce(&self, account: PublicKey) -> Result<Option<Nonce>, StorageError> {
        match self.value(Cell::Nonce(account))? {
            Some(Value::Nonce(nonce)) => Ok(Some(nonce)),
            _ => Ok(None),
        }
    }

    /// Returns an account's multisig, if it has one.
    ///
    /// # Errors
    ///
    /// As [`Chain::nonce`].
    pub fn multisig(&self, account: PublicKey) -> Result<Option<Multisig>, StorageError> {
        match self.value(Cell::Multisig(account))? {
            Some(Value::Multisig(multisig)) => Ok(multisig),
            _ => Ok(None),
        }
    }

    /// Returns an account's balance in an asset; zero if it never had any.
    ///
    /// # Errors
    ///
    /// As [`Chain::nonce`].
    pub fn balance(&self, account: PublicKey, asset: Asset) -> Result<Amount, StorageError> {
        match self.value(Cell::Balance(account, asset))? {
            Some(Value::Balance(amount)) => Ok(amount),
            _ => Ok(Amount::ZERO),
        }
    }

    /// Returns the supply of an asset; all zeros if there never was any.
    ///
    /// # Errors
    ///
    /// As [`Chain::nonce`].
    pub fn supply(&self, asset: Asset) -> Result<Supply, StorageError> {
        match self.value(Cell::Supply(asset))? {
            Some(Value::Supply(supply)) => Ok(supply),
            _ => Ok(Supply::default()),
        }
    }

    /// Returns the newest version of each of these cells, at its own index; `None` for one that has none.
    ///
    /// # Errors
    ///
    /// As [`Chain::nonce`].
    pub fn newest(&self, cells: &[Cell]) -> Result<Vec<Option<Version>>, StorageError> {
        let storage = self.read();
        let newest = cells.iter().map(|cell| schema::newest(&*storage, *cell));
        newest.collect()
    }

    /// Returns all versions of a cell, the newest first.
    ///
    /// # Errors
    ///
    /// As [`Chain::nonce`]; [`StorageError::Corrupt`] also if a version that another names is missing.
    pub fn history(&self, cell: Cell) -> Result<Vec<Version>, StorageError> {
        let storage = self.read();
        let mut versions: Vec<Version> = schema::newest(&*storage, cell)?.into_iter().collect();
        while let Some(previous) = versions.last().and_then(|version| version.previous) {
            versions.push(schema::older(&*storage, cell, previous)?);
        }
        Ok(versions)
    }

    /// Returns the value that a cell had after the block at a height; `None` if it had none yet.
    ///
    /// # Errors
    ///
    /// As [`Chain::history`].
    pub fn value_at(&self, cell: Cell, height: Height) -> Result<Option<Value>, StorageError> {
        let storage = self.read();
        let mut version = schema::newest(&*storage, cell)?;
        while let Some(newer) = version {
            if newer.height <= height {
                return Ok(Some(newer.value));
            }
            version = newer
                .previous
                .map(|previous| schema::older(&*storage, cell, previous))
                .transpose()?;
        }
        Ok(None)
    }

    /// Returns up to `limit` cells that have a value, from the one after `after` on, in the order in
    /// which they are kept: by account, the supplies last.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails; [`StorageError::Corrupt`] if a key is no cell's.
    pub fn cells(&self, after: Option<Cell>, limit: usize) -> Result<Vec<Cell>, StorageError> {
        let mut start = after.map(schema::cell_key).unwrap_or_default();
        if after.is_some() {
            // The least key that is greater.
            start.push(0);
        }
        self.read()
            .scan(Table::Cells, &start, limit)?
            .into_iter()
            .map(|(key, _)| {
                schema::cell_of(&key).ok_or_else(|| missing("a cell's name in the table of cells"))
            })
            .collect()
    }

    /// Returns the block at a height; `None` for the genesis and above the tip.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails or the block in it is damaged.
    pub fn block(&self, height: Height) -> Result<Option<Block>, StorageError> {
        schema::block(&*self.read(), height)
    }

    /// Returns the receipts of the block at a height; `None` for the genesis and above the tip.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails or the receipts in it are damaged.
    pub fn receipts(&self, height: Height) -> Result<Option<Vec<Receipt>>, StorageError> {
        schema::receipts(&*self.read(), height)
    }

    fn value(&self, cell: Cell) -> Result<Option<Value>, StorageError> {
        Ok(schema::newest(&*self.read(), cell)?.map(|version| version.value))
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, S> {
        sync::read(&self.storage)
    }
}

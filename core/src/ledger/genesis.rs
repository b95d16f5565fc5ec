//! The beginning of a ledger on a storage.

use std::collections::BTreeMap;

use super::error::{ChainError, missing};
use crate::codec;
use crate::model::{Amount, Asset, Cell, Genesis, Height, Nonce, Supply, Value, Version};
use crate::storage::{Batch, Storage, StorageError, Table, schema};

/// Reads the genesis of the ledger on a storage.
pub(crate) fn stored(storage: &impl Storage) -> Result<Genesis, ChainError> {
    match schema::format(storage)? {
        None if is_empty(storage)? => return Err(ChainError::Empty),
        None => return Err(missing("the format").into()),
        Some(schema::FORMAT) => {}
        Some(stored) => {
            return Err(ChainError::OtherFormat {
                stored,
                expected: schema::FORMAT,
            });
        }
    }
    Ok(schema::genesis(storage)?.ok_or_else(|| missing("the genesis"))?)
}

/// Returns whether all tables are empty: only there may a ledger begin.
fn is_empty(storage: &impl Storage) -> Result<bool, StorageError> {
    for table in Table::ALL {
        if !storage.scan(table, &[], 1)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes height 0 in one commit.
pub(crate) fn begin(storage: &mut impl Storage, genesis: &Genesis) -> Result<(), ChainError> {
    let state_diff: Vec<(Cell, Value)> = cells(genesis)?.into_iter().collect();
    let hash = codec::genesis_hash(genesis);
    let mut batch = Batch::new();
    batch.put_format();
    batch.put_genesis(genesis);
    for (cell, value) in &state_diff {
        let version = Version {
            height: Height::GENESIS,
            previous: None,
            value: value.clone(),
        };
        batch.put_newest(*cell, &version);
    }
    batch.put_record(
        Height::GENESIS,
        &schema::Record {
            hash,
            time: genesis.time,
            digest: codec::block_digest(hash, &state_diff, &[]),
            fees: Amount::ZERO,
            reward: Amount::ZERO,
            changed: state_diff.iter().map(|(cell, _)| *cell).collect(),
        },
    );
    batch.put_tip(Height::GENESIS);
    Ok(storage.commit_owned(batch, None)?)
}

fn cells(genesis: &Genesis) -> Result<BTreeMap<Cell, Value>, ChainError> {
    let mut cells = BTreeMap::new();
    let mut supplies = BTreeMap::new();
    for ((account, asset), amount) in &genesis.balances {
        if amount.is_zero() {
            continue;
        }
        cells.insert(Cell::Nonce(*account), Value::Nonce(Nonce(0)));
        cells.insert(Cell::Balance(*account, *asset), Value::Balance(*amount));
        let sum = supplies.entry(*asset).or_insert(Amount::ZERO);
        *sum = sum
            .checked_add(*amount)
            .ok_or_else(|| ChainError::ImpossibleGenesis {
                reason: format!(
                    "the balances of asset {asset} add up to more than {}",
                    u64::MAX
                ),
            })?;
    }
    let native = supplies.get(&Asset::NATIVE).copied().unwrap_or_default();
    if native > genesis.rules.native_limit {
        return Err(ChainError::ImpossibleGenesis {
            reason: format!(
                "it allocates {native} of the native asset, of which there may be {}",
                genesis.rules.native_limit
            ),
        });
    }
    for (asset, amount) in supplies {
        let supply = Supply {
            genesis: amount,
            ..Supply::default()
        };
        cells.insert(Cell::Supply(asset), Value::Supply(supply));
    }
    Ok(cells)
}

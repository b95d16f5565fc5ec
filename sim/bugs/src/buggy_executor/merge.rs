//! The merge of a block's cache into the store.

use lockstep_core::model::{Amount, Cell, Height, Nonce, Value};

use super::ExecutorBug;
use super::cache::Cache;
use super::store::Store;

/// Number of balances of an account that [`ExecutorBug::SeventeenthAsset`] merges.
const MERGED_ASSETS: usize = 16;

/// Number of changed cells that [`ExecutorBug::CellsInTwoHalves`] merges at once.
const WHOLE_MERGE: usize = 4_096;

impl Store {
    /// Writes the cache of a block, one kind of cell after the other, and returns every cell that differs,
    /// in the order of cells.
    pub(super) fn merge(&mut self, height: Height, cache: &Cache) -> Vec<(Cell, Value)> {
        let mut changes = Vec::new();
        for (&account, cached) in &cache.accounts {
            let Some(nonce) = cached.nonce else { continue };
            let is_new = self.nonce(account).is_none() && nonce == Nonce(0);
            if !(is_new && self.bug == Some(ExecutorBug::ReceiverNotRegistered)) {
                self.write(
                    height,
                    Cell::Nonce(account),
                    Value::Nonce(nonce),
                    &mut changes,
                );
            }
        }
        for (&account, cached) in &cache.accounts {
            let is_forgotten = match self.bug {
                Some(ExecutorBug::MultisigNotMerged) => true,
                Some(ExecutorBug::MultisigDeletionLost) => cached.multisig.is_none(),
                _ => false,
            };
            if !is_forgotten {
                let value = Value::Multisig(cached.multisig.clone());
                self.write(height, Cell::Multisig(account), value, &mut changes);
            }
        }
        let (mut account_before, mut of_account) = (None, 0);
        for ((account, asset), balance) in cache.merged_balances() {
            of_account = match account_before == Some(account) {
                true => of_account + 1,
                false => 1,
            };
            account_before = Some(account);
            let is_forgotten = match self.bug {
                Some(ExecutorBug::SeventeenthAsset) => of_account > MERGED_ASSETS,
                Some(ExecutorBug::ZeroWriteIsTouch) => balance == 0,
                _ => false,
            };
            if is_forgotten {
                continue;
            }
            let amount = Amount(balance.saturating_add(self.invisible(account, asset)));
            let cell = Cell::Balance(account, asset);
            self.write(height, cell, Value::Balance(amount), &mut changes);
        }
        for (&asset, &supply) in &cache.supplies {
            self.write(
                height,
                Cell::Supply(asset),
                Value::Supply(supply),
                &mut changes,
            );
        }
        changes.sort_by_key(|(cell, _)| *cell);
        if self.bug == Some(ExecutorBug::CellsInTwoHalves) && changes.len() > WHOLE_MERGE {
            let (lost, _) = changes.remove(changes.len() / 2);
            self.lose_newest(lost);
        }
        changes
    }
}

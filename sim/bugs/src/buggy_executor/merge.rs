//! The merge of a block's cache into the store.

use lockstep_core::model::{Amount, Cell, Height, Nonce, Value};

use super::ExecutorBug;
use super::cache::Cache;
use super::store::Store;

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
        for ((account, asset), balance) in cache.merged_balances() {
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
        changes
    }
}

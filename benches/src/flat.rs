//! The best that one thread can have: every cell in one fast map, nothing shared.

use std::collections::HashMap;
use std::convert::Infallible;

use ahash::RandomState;
use lockstep_core::model::{Amount, Asset, Cell, Effect, Multisig, Nonce, PublicKey, Value};
use lockstep_core::storage::MemoryStorage;
use lockstep_core::transition::StateView;

use crate::entries::newest_values;

/// All cells of a ledger, for one thread.
#[derive(Clone, Debug)]
pub struct Flat {
    values: HashMap<Cell, Value, RandomState>,
}

impl Flat {
    /// Reads the newest value of every cell of a storage.
    #[must_use]
    pub fn of(storage: &MemoryStorage) -> Self {
        let mut values = HashMap::with_hasher(RandomState::with_seed(1));
        values.extend(newest_values(storage));
        Flat { values }
    }

    /// Writes the effects of an applied transaction, but for burns.
    ///
    /// # Panics
    ///
    /// If a balance would not fit, which no applied transaction causes.
    pub fn apply(&mut self, changes: &[Effect]) {
        for change in changes {
            match change {
                Effect::Nonce { account, to } => {
                    self.values.insert(Cell::Nonce(*account), Value::Nonce(*to));
                }
                Effect::Multisig { account, to } => {
                    let value = Value::Multisig(to.clone());
                    self.values.insert(Cell::Multisig(*account), value);
                }
                Effect::Debit {
                    account,
                    asset,
                    amount,
                } => self.change(*account, *asset, |balance| balance.checked_sub(*amount)),
                Effect::Credit {
                    account,
                    asset,
                    amount,
                } => {
                    self.change(*account, *asset, |balance| balance.checked_add(*amount));
                    let nonce = self.values.entry(Cell::Nonce(*account));
                    nonce.or_insert(Value::Nonce(Nonce(0)));
                }
                Effect::Burn { .. } => {}
            }
        }
    }

    fn change(
        &mut self,
        account: PublicKey,
        asset: Asset,
        to: impl FnOnce(Amount) -> Option<Amount>,
    ) {
        let value = self
            .values
            .entry(Cell::Balance(account, asset))
            .or_insert(Value::Balance(Amount::ZERO));
        if let Value::Balance(balance) = value {
            *balance = to(*balance).expect("an applied transaction's sums fit");
        }
    }
}

impl StateView for Flat {
    type Error = Infallible;

    fn nonce(&mut self, account: PublicKey) -> Result<Option<Nonce>, Infallible> {
        Ok(match self.values.get(&Cell::Nonce(account)) {
            Some(Value::Nonce(nonce)) => Some(*nonce),
            _ => None,
        })
    }

    fn multisig(&mut self, account: PublicKey) -> Result<Option<Multisig>, Infallible> {
        Ok(match self.values.get(&Cell::Multisig(account)) {
            Some(Value::Multisig(multisig)) => multisig.clone(),
            _ => None,
        })
    }

    fn balance(&mut self, account: PublicKey, asset: Asset) -> Result<Amount, Infallible> {
        Ok(match self.values.get(&Cell::Balance(account, asset)) {
            Some(Value::Balance(amount)) => *amount,
            _ => Amount::ZERO,
        })
    }
}

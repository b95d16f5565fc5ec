//! What the generator believes of the ledger, to draw transactions that mostly succeed.

use std::collections::BTreeMap;

use crate::scenario::{Action, GenesisRecipe, Holding, Sending, TransactionRecipe};

/// Beliefs after each block, the newest last.
pub(super) struct Wallet(Vec<Beliefs>);

/// What accounts should have, and what their next nonces should be.
#[derive(Clone, Debug, Default)]
pub(super) struct Beliefs {
    nonces: BTreeMap<u32, u64>,
    balances: BTreeMap<(u32, u32), u64>,
    multisigs: BTreeMap<u32, (u8, Vec<u32>)>,
}

impl Wallet {
    pub(super) fn new(genesis: &GenesisRecipe) -> Self {
        let balances = genesis
            .balances
            .iter()
            .map(|&Holding(account, asset, amount)| ((account, asset), amount))
            .collect();
        let beginning = Beliefs {
            balances,
            ..Beliefs::default()
        };
        Wallet(vec![beginning.clone(), beginning])
    }

    pub(super) fn height(&self) -> usize {
        self.0.len() - 2
    }

    pub(super) fn current(&self) -> &Beliefs {
        self.0.last().expect("a wallet has beliefs")
    }

    pub(super) fn current_mut(&mut self) -> &mut Beliefs {
        self.0.last_mut().expect("a wallet has beliefs")
    }

    pub(super) fn replace(&mut self, beliefs: Beliefs) {
        *self.current_mut() = beliefs;
    }

    /// The current beliefs are those after a block; the next block begins with the same.
    pub(super) fn close_block(&mut self) {
        self.0.push(self.current().clone());
    }

    /// Back by so many blocks; gives the beliefs after each of them.
    pub(super) fn rewind(&mut self, depth: u64) -> Vec<Beliefs> {
        let depth = usize::try_from(depth).map_or(self.height(), |depth| depth.min(self.height()));
        self.0.pop();
        let undone = self.0.split_off(self.0.len() - depth);
        self.close_block();
        undone
    }

    /// A block that was undone is there again.
    pub(super) fn reapply(&mut self, after: Beliefs) {
        self.replace(after);
        self.close_block();
    }
}

impl Beliefs {
    pub(super) fn nonce(&self, account: u32) -> u64 {
        self.nonces.get(&account).copied().unwrap_or(0)
    }

    pub(super) fn balance(&self, account: u32, asset: u32) -> u64 {
        self.balances.get(&(account, asset)).copied().unwrap_or(0)
    }

    pub(super) fn multisig(&self, account: u32) -> Option<&(u8, Vec<u32>)> {
        self.multisigs.get(&account)
    }

    /// The first account with a multisig, and its participants.
    pub(super) fn any_multisig(&self) -> Option<(u32, Vec<u32>)> {
        let (account, (_, participants)) = self.multisigs.first_key_value()?;
        Some((*account, participants.clone()))
    }

    /// As many participants as must sign.
    pub(super) fn cosigners(&self, account: u32) -> Vec<u32> {
        self.multisig(account)
            .map(|(threshold, participants)| {
                participants
                    .iter()
                    .take(usize::from(*threshold))
                    .copied()
                    .collect()
            })
            .unwrap_or_default()
    }

    /// Believes that a transaction is applied, unless the balances are obviously too small.
    pub(super) fn follow(&mut self, recipe: &TransactionRecipe) {
        let mut after = self.clone();
        if after.try_follow(recipe).is_some() {
            *self = after;
        }
    }

    fn try_follow(&mut self, recipe: &TransactionRecipe) -> Option<()> {
        let from = recipe.from;
        self.nonces.insert(from, recipe.nonce.checked_add(1)?);
        self.take(from, 0, recipe.fee)?;
        match &recipe.action {
            Action::Send(sendings) => {
                for Sending(_, asset, amount) in sendings {
                    self.take(from, *asset, *amount)?;
                }
                for &Sending(to, asset, amount) in sendings {
                    let balance = self.balances.entry((to, asset)).or_default();
                    *balance = balance.checked_add(amount)?;
                }
            }
            Action::Burn(asset, amount) => self.take(from, *asset, *amount)?,
            Action::Multisig(threshold, participants) => {
                if participants.is_empty() {
                    self.multisigs.remove(&from);
                } else {
                    self.multisigs
                        .insert(from, (*threshold, participants.clone()));
                }
            }
        }
        Some(())
    }

    fn take(&mut self, account: u32, asset: u32, amount: u64) -> Option<()> {
        let balance = self.balances.entry((account, asset)).or_default();
        *balance = balance.checked_sub(amount)?;
        Some(())
    }
}

//! Wallet: the state that the generator expects, to draw transactions that mostly succeed.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::{
    Action, BlockFlaw, BlockRecipe, GenesisRecipe, Holding, Sending, TransactionFlaw,
    TransactionRecipe,
};

/// Beliefs after each block, the newest last.
pub(super) struct Wallet {
    genesis: GenesisRecipe,
    /// By height; the last are those within the next block.
    beliefs: Vec<Beliefs>,
}

/// Expected balances, next nonces and multisigs.
#[derive(Clone, Debug, Default)]
pub(super) struct Beliefs {
    nonces: BTreeMap<u32, u64>,
    balances: BTreeMap<(u32, u32), u64>,
    multisigs: BTreeMap<u32, (u8, Vec<u32>)>,
    issued: u64,
    /// Fees of the next block so far.
    fees: u64,
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
        Wallet {
            genesis: genesis.clone(),
            beliefs: vec![beginning.clone(), beginning],
        }
    }

    pub(super) fn height(&self) -> usize {
        self.beliefs.len() - 2
    }

    pub(super) fn current(&self) -> &Beliefs {
        self.beliefs.last().expect("a wallet has beliefs")
    }

    fn current_mut(&mut self) -> &mut Beliefs {
        self.beliefs.last_mut().expect("a wallet has beliefs")
    }

    /// Applies a transaction if it should be applied.
    pub(super) fn follow(&mut self, recipe: &TransactionRecipe) {
        let is_sound = match recipe.flaw {
            None => true,
            Some(TransactionFlaw::Network(network)) => network == self.genesis.network,
            Some(_) => false,
        };
        // The beliefs about thousands of accounts are not copied for every transaction.
        if is_sound {
            let current = self.current_mut();
            let touched = current.touched_by(recipe);
            if current.apply(recipe).is_none() {
                current.put_back(touched);
            }
        }
    }

    /// Ends the next block: credits reward and fees, or drops it if it should be refused.
    pub(super) fn close_block(&mut self, block: &BlockRecipe) {
        let is_sound = match block.flaw {
            None => true,
            Some(BlockFlaw::Network(network)) => network == self.genesis.network,
            Some(BlockFlaw::RepeatedLast) => block.transactions.is_empty(),
            Some(_) => false,
        };
        if !is_sound || encoded_bytes(block) > self.genesis.max_block_bytes {
            self.beliefs.pop();
            self.beliefs.push(self.current().clone());
            return;
        }
        let reward = self.reward();
        let current = self.current_mut();
        current.issued += reward;
        *current.balances.entry((block.miner, 0)).or_default() += reward + current.fees;
        current.fees = 0;
        self.beliefs.push(self.current().clone());
    }

    /// Returns the reward of the next block.
    pub(super) fn reward(&self) -> u64 {
        let allocated: u64 = self
            .genesis
            .balances
            .iter()
            .filter(|holding| holding.1 == 0)
            .map(|holding| holding.2)
            .sum();
        let left = self.genesis.native_limit - allocated - self.current().issued;
        self.genesis.reward.min(left)
    }

    /// Undoes up to `depth` blocks and returns the beliefs after each of them.
    pub(super) fn rewind(&mut self, depth: u64) -> Vec<Beliefs> {
        let depth = usize::try_from(depth).map_or(self.height(), |depth| depth.min(self.height()));
        self.beliefs.pop();
        let undone = self.beliefs.split_off(self.beliefs.len() - depth);
        self.beliefs.push(self.current().clone());
        undone
    }

    /// Applies an undone block again.
    pub(super) fn reapply(&mut self, after: Beliefs) {
        self.beliefs.pop();
        self.beliefs.extend([after.clone(), after]);
    }
}

impl Beliefs {
    pub(super) fn nonce(&self, account: u32) -> u64 {
        self.nonces.get(&account).copied().unwrap_or(0)
    }

    pub(super) fn balance(&self, account: u32, asset: u32) -> u64 {
        self.balances.get(&(account, asset)).copied().unwrap_or(0)
    }

    /// Returns the fees of the next block so far.
    pub(super) const fn fees(&self) -> u64 {
        self.fees
    }

    pub(super) fn multisig(&self, account: u32) -> Option<&(u8, Vec<u32>)> {
        self.multisigs.get(&account)
    }

    /// Returns the first account with a multisig, and its participants.
    pub(super) fn any_multisig(&self) -> Option<(u32, Vec<u32>)> {
        let (account, (_, participants)) = self.multisigs.first_key_value()?;
        Some((*account, participants.clone()))
    }

    /// Returns as many participants as the threshold requires.
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

    /// Returns what a transaction may change.
    fn touched_by(&self, recipe: &TransactionRecipe) -> Touched {
        let from = recipe.from;
        let mut balances = vec![(from, 0)];
        match &recipe.action {
            Action::Send(sendings) => {
                for &Sending(to, asset, _) in sendings {
                    balances.extend([(from, asset), (to, asset)]);
                }
            }
            Action::Burn(asset, _) => balances.push((from, *asset)),
            Action::Multisig(..) => {}
        }
        Touched {
            from,
            nonce: self.nonces.get(&from).copied(),
            multisig: self.multisigs.get(&from).cloned(),
            fees: self.fees,
            balances: balances
                .into_iter()
                .map(|of| (of, self.balances.get(&of).copied()))
                .collect(),
        }
    }

    /// Undoes the changes of a transaction.
    fn put_back(&mut self, touched: Touched) {
        put_back(&mut self.nonces, touched.from, touched.nonce);
        put_back(&mut self.multisigs, touched.from, touched.multisig);
        for (of, balance) in touched.balances {
            put_back(&mut self.balances, of, balance);
        }
        self.fees = touched.fees;
    }

    /// Applies a transaction; `None` if it should be rejected, and then `self` is half changed.
    fn apply(&mut self, recipe: &TransactionRecipe) -> Option<()> {
        let from = recipe.from;
        let cosigners: BTreeSet<u32> = recipe.cosigners.iter().copied().collect();
        if let Some((threshold, participants)) = self.multisigs.get(&from) {
            let signed = participants.iter().filter(|one| cosigners.contains(one));
            (signed.count() >= usize::from(*threshold)).then_some(())?;
        }
        (recipe.nonce == self.nonce(from) && recipe.cosigners.len() <= 255).then_some(())?;
        self.nonces.insert(from, recipe.nonce.checked_add(1)?);
        self.take(from, 0, recipe.fee)?;
        self.fees += recipe.fee;
        match &recipe.action {
            Action::Send(sendings) => {
                ((1..=255).contains(&sendings.len())).then_some(())?;
                for Sending(_, asset, amount) in sendings {
                    (*amount > 0).then_some(())?;
                    self.take(from, *asset, *amount)?;
                }
                for &Sending(to, asset, amount) in sendings {
                    *self.balances.entry((to, asset)).or_default() += amount;
                }
            }
            Action::Burn(asset, amount) => {
                (*amount > 0).then_some(())?;
                self.take(from, *asset, *amount)?;
            }
            Action::Multisig(threshold, participants) => {
                let distinct: BTreeSet<u32> = participants.iter().copied().collect();
                let least = usize::from(!participants.is_empty());
                (distinct.len() == participants.len()
                    && participants.len() <= 255
                    && (least..=participants.len()).contains(&usize::from(*threshold)))
                .then_some(())?;
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

/// The beliefs that a transaction may change, as they were before it.
struct Touched {
    from: u32,
    nonce: Option<u64>,
    multisig: Option<(u8, Vec<u32>)>,
    fees: u64,
    balances: Vec<((u32, u32), Option<u64>)>,
}

fn put_back<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, before: Option<V>) {
    match before {
        Some(before) => map.insert(key, before),
        None => map.remove(&key),
    };
}

/// Length of the encoding of a block, in bytes.
pub(super) fn encoded_bytes(block: &BlockRecipe) -> u64 {
    const HEADER: usize = 2 + 1 + 8 + 32 + 8 + 32 + 32 + 2;
    let body = block.transactions.iter().map(|recipe| {
        let payload = match &recipe.action {
            Action::Send(sendings) => 4 + 72 * sendings.len(),
            Action::Burn(..) => 40,
            Action::Multisig(_, participants) => 1 + 4 + 32 * participants.len(),
        };
        1 + 32 + 8 + 8 + 1 + payload + 64 + 4 + 96 * recipe.cosigners.len()
    });
    (HEADER + 4 + body.sum::<usize>()) as u64
}

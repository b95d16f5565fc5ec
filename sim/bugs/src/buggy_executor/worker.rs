//! The execution of one transaction by a worker of the buggy executor: load, check, apply.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use lockstep_core::codec;
use lockstep_core::model::{
    Amount, Asset, Effect, Multisig, Network, Nonce, Outcome, Payload, PublicKey, Rejection,
    Transaction,
};
use lockstep_core::signature::{self, Claim};
use lockstep_core::transition;

use super::ExecutorBug;
use super::cache::Cache;
use super::store::Store;
use lockstep_sim::subject::SubjectError;

/// Number of participants that [`ExecutorBug::CosignersInOneWord`] counts.
const WORD: usize = 64;

/// The workers of one block, which take turns on one thread.
#[derive(Debug)]
pub(super) struct Workers<'s> {
    store: &'s Store,
    pub(super) cache: Cache,
    /// The senders of earlier transactions of this block.
    senders: BTreeSet<PublicKey>,
    network: Network,
    bug: Option<ExecutorBug>,
}

impl<'s> Workers<'s> {
    pub(super) fn new(store: &'s Store, network: Network, bug: Option<ExecutorBug>) -> Self {
        Workers {
            store,
            cache: Cache::new(bug),
            senders: BTreeSet::new(),
            network,
            bug,
        }
    }

    fn has(&self, bug: ExecutorBug) -> bool {
        self.bug == Some(bug)
    }

    /// Applies a transaction, or rejects it without a trace. `forger` is the signer with an invalid
    /// signature, if the signatures of the block were verified before.
    pub(super) fn execute(
        &mut self,
        transaction: &Transaction,
        forger: Option<PublicKey>,
    ) -> Result<Outcome, SubjectError> {
        if let Err(rejection) = self.check_alone(transaction, forger) {
            return Ok(Outcome::Rejected(rejection));
        }
        self.load(transaction)?;
        if self.has(ExecutorBug::SilentSuccess)
            && matches!(transaction.payload, Payload::Burn { .. })
        {
            return Ok(Outcome::Applied {
                fee: Amount::ZERO,
                effects: Vec::new(),
            });
        }
        let next = match self.check_nonce(transaction) {
            Ok(next) => next,
            Err(rejection) => return Ok(Outcome::Rejected(rejection)),
        };
        if self.has(ExecutorBug::NeverEnds) && self.senders.contains(&transaction.source) {
            loop {
                thread::sleep(Duration::from_millis(1));
            }
        }
        if let Err(rejection) = self.check_multisig(transaction) {
            return Ok(Outcome::Rejected(rejection));
        }
        if let Err(rejection) = self.check_balances(transaction) {
            self.leave_traces(transaction, next)?;
            return Ok(Outcome::Rejected(rejection));
        }
        self.apply(transaction, next)?;
        Ok(Outcome::Applied {
            fee: transaction.fee,
            effects: effects(transaction, next),
        })
    }

    /// Checks the stateless rules, with core's own code, as the reviewed executor shared its node's.
    fn check_alone(
        &self,
        transaction: &Transaction,
        forger: Option<PublicKey>,
    ) -> Result<(), Rejection> {
        match self.bug {
            Some(ExecutorBug::UnsignedAccepted) => {
                transition::check_well_formed(transaction, self.network)
            }
            Some(ExecutorBug::BatchSignatureRule) => {
                transition::check_well_formed(transaction, self.network)?;
                forger.map_or(Ok(()), |signer| Err(Rejection::Signature { signer }))
            }
            Some(ExecutorBug::ValidationGap) => {
                match transition::check_well_formed(transaction, self.network) {
                    Err(rejection @ Rejection::Network { .. }) => Err(rejection),
                    _ => check_signatures(transaction),
                }
            }
            _ => transition::check(transaction, self.network),
        }
    }

    fn load(&mut self, transaction: &Transaction) -> Result<(), SubjectError> {
        self.cache.load_sender(self.store, transaction.source);
        if let Payload::Transfers(transfers) = &transaction.payload
            && self.has(ExecutorBug::AbsentDiffers)
        {
            for transfer in transfers {
                self.cache.load_receiver(self.store, transfer.destination)?;
            }
        }
        Ok(())
    }

    /// Checks the nonce, and returns the one after this transaction.
    fn check_nonce(&mut self, transaction: &Transaction) -> Result<Nonce, Rejection> {
        let account = self.cache.account(self.store, transaction.source);
        let expected = account.nonce.unwrap_or_default();
        let got = transaction.nonce;
        let is_second = !self.senders.insert(transaction.source);
        let fits = match self.bug {
            Some(ExecutorBug::NonceRuleDiffers) => got >= expected,
            Some(ExecutorBug::DoubleNoncePair) => got == expected && !is_second,
            _ => got == expected,
        };
        if !fits {
            return Err(Rejection::Nonce { expected, got });
        }
        got.next().ok_or(Rejection::NonceExhausted)
    }

    fn check_multisig(&self, transaction: &Transaction) -> Result<(), Rejection> {
        let account = self.cache.account(self.store, transaction.source);
        let mut multisig = account.multisig;
        if self.has(ExecutorBug::CosignersInOneWord)
            && let Some(multisig) = &mut multisig
        {
            multisig.participants.truncate(WORD);
        }
        check_cosigners(multisig.as_ref(), transaction)
    }

    fn check_balances(&mut self, transaction: &Transaction) -> Result<(), Rejection> {
        for (asset, sum) in withdrawals(transaction) {
            let is_too_large =
                self.has(ExecutorBug::LargestSumOverflows) && sum == u128::from(u64::MAX);
            let Some(needed) = u64::try_from(sum).ok().filter(|_| !is_too_large) else {
                return Err(Rejection::SumOverflow { asset });
            };
            let available = self.cache.available(self.store, transaction.source, asset);
            if available < needed {
                let told = if self.has(ExecutorBug::ReceiptDiffers) {
                    0
                } else {
                    available
                };
                return Err(Rejection::Balance {
                    asset,
                    needed: Amount(needed),
                    available: Amount(told),
                });
            }
        }
        Ok(())
    }

    /// Leaves the traces that some bugs leave of a transaction that cannot be paid.
    fn leave_traces(&mut self, transaction: &Transaction, next: Nonce) -> Result<(), SubjectError> {
        let source = transaction.source;
        match (self.bug, &transaction.payload) {
            (Some(ExecutorBug::FailedNotRolledBack), _) => self.cache.set_nonce(source, next),
            (Some(ExecutorBug::MutateBeforeCheck), payload) => {
                self.cache.set_nonce(source, next);
                if let Payload::Multisig(multisig) = payload {
                    self.cache.set_multisig(source, Some(multisig.clone()));
                }
                if self.can_pay(source, Asset::NATIVE, transaction.fee) {
                    self.pay(source, Asset::NATIVE, transaction.fee)?;
                }
            }
            (Some(ExecutorBug::HalfApplied), Payload::Transfers(transfers)) => {
                for transfer in transfers {
                    if !self.can_pay(source, transfer.asset, transfer.amount) {
                        break;
                    }
                    self.pay(source, transfer.asset, transfer.amount)?;
                    self.give(transfer.destination, transfer.asset, transfer.amount)?;
                }
            }
            (Some(ExecutorBug::CommitThenError), Payload::Burn { asset, amount })
                if self.can_pay(source, *asset, *amount) =>
            {
                self.pay(source, *asset, *amount)?;
                self.cache.count_burn(self.store, *asset, *amount)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn apply(&mut self, transaction: &Transaction, next: Nonce) -> Result<(), SubjectError> {
        let source = transaction.source;
        self.cache.set_nonce(source, next);
        if !self.has(ExecutorBug::FeeNotDebited) {
            self.pay(source, Asset::NATIVE, transaction.fee)?;
        }
        self.cache.count_fee(transaction.fee)?;
        match &transaction.payload {
            Payload::Transfers(transfers) => {
                for transfer in transfers {
                    let (to, asset, amount) =
                        (transfer.destination, transfer.asset, transfer.amount);
                    match self.bug {
                        Some(ExecutorBug::DebitDropped) => self.give(to, asset, amount)?,
                        Some(ExecutorBug::SaturatingCredit) => {
                            self.give(to, asset, amount)?;
                            self.pay(source, asset, amount)?;
                        }
                        Some(ExecutorBug::SelfTransfer) if to == source => {
                            // The receiver's copy overwrites the sender's.
                            self.give(to, asset, amount)?;
                        }
                        _ => {
                            self.pay(source, asset, amount)?;
                            self.give(to, asset, amount)?;
                        }
                    }
                }
            }
            Payload::Burn { asset, amount } => {
                if !self.has(ExecutorBug::DebitDropped) {
                    self.pay(source, *asset, *amount)?;
                }
                self.cache.count_burn(self.store, *asset, *amount)?;
            }
            Payload::Multisig(multisig) => {
                let to = Some(multisig.clone()).filter(|to| !to.participants.is_empty());
                self.cache.set_multisig(source, to);
            }
        }
        Ok(())
    }

    fn can_pay(&mut self, source: PublicKey, asset: Asset, amount: Amount) -> bool {
        self.cache.available(self.store, source, asset) >= amount.0
    }

    fn pay(&mut self, source: PublicKey, asset: Asset, amount: Amount) -> Result<(), SubjectError> {
        self.cache.debit(self.store, source, asset, amount.0)
    }

    /// Credits an account. An amount of zero has no effect and registers no account.
    fn give(&mut self, to: PublicKey, asset: Asset, amount: Amount) -> Result<(), SubjectError> {
        if amount.is_zero() {
            return Ok(());
        }
        self.cache.credit(self.store, to, asset, amount.0)
    }
}

fn check_signatures(transaction: &Transaction) -> Result<(), Rejection> {
    let message = codec::signing_hash(transaction);
    let own = (transaction.source, transaction.signature);
    let others = transaction.cosignatures.iter();
    std::iter::once(own)
        .chain(others.map(|cosignature| (cosignature.signer, cosignature.signature)))
        .try_for_each(|(signer, signature)| {
            let claim = Claim {
                signer,
                message,
                signature,
            };
            if signature::verify(&claim) {
                Ok(())
            } else {
                Err(Rejection::Signature { signer })
            }
        })
}

/// Checks that enough participants of the source's multisig have signed.
pub(super) fn check_cosigners(
    multisig: Option<&Multisig>,
    transaction: &Transaction,
) -> Result<(), Rejection> {
    let Some(multisig) = multisig else {
        return Ok(());
    };
    let cosignatures = &transaction.cosignatures;
    let signed = multisig
        .participants
        .iter()
        .filter(|one| cosignatures.iter().any(|signed| signed.signer == **one))
        .count();
    if signed < usize::from(multisig.threshold) {
        return Err(Rejection::Multisig {
            needed: multisig.threshold,
            got: u8::try_from(signed).expect("fewer signed than a threshold of 8 bits"),
        });
    }
    Ok(())
}

/// Returns the amount that a transaction takes of each asset, transfers to oneself included.
pub(super) fn withdrawals(transaction: &Transaction) -> BTreeMap<Asset, u128> {
    let mut taken = BTreeMap::from([(Asset::NATIVE, u128::from(transaction.fee.0))]);
    let mut take = |asset: Asset, amount: Amount| {
        *taken.entry(asset).or_insert(0) += u128::from(amount.0);
    };
    match &transaction.payload {
        Payload::Transfers(transfers) => {
            for transfer in transfers {
                take(transfer.asset, transfer.amount);
            }
        }
        Payload::Burn { asset, amount } => take(*asset, *amount),
        Payload::Multisig(_) => {}
    }
    taken
}

/// Returns the effects in the receipt of an applied transaction, in the order of [`Effect`].
pub(super) fn effects(transaction: &Transaction, to: Nonce) -> Vec<Effect> {
    let account = transaction.source;
    let mut debits = BTreeMap::from([(Asset::NATIVE, transaction.fee.0)]);
    let mut credits: BTreeMap<(PublicKey, Asset), u64> = BTreeMap::new();
    let mut effects = vec![Effect::Nonce { account, to }];
    let mut burn = None;
    match &transaction.payload {
        Payload::Transfers(transfers) => {
            for transfer in transfers {
                if transfer.destination != account {
                    let credited = (transfer.destination, transfer.asset);
                    *debits.entry(transfer.asset).or_insert(0) += transfer.amount.0;
                    *credits.entry(credited).or_insert(0) += transfer.amount.0;
                }
            }
        }
        Payload::Burn { asset, amount } => {
            *debits.entry(*asset).or_insert(0) += amount.0;
            burn = Some(Effect::Burn {
                asset: *asset,
                amount: *amount,
            });
        }
        Payload::Multisig(multisig) => effects.push(Effect::Multisig {
            account,
            to: Some(multisig.clone()).filter(|to| !to.participants.is_empty()),
        }),
    }
    let debits = debits.into_iter().filter(|(_, amount)| *amount > 0);
    effects.extend(debits.map(|(asset, amount)| Effect::Debit {
        account,
        asset,
        amount: Amount(amount),
    }));
    effects.extend(
        credits
            .into_iter()
            .map(|((account, asset), amount)| Effect::Credit {
                account,
                asset,
                amount: Amount(amount),
            }),
    );
    effects.extend(burn);
    effects
}

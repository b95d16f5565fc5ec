//! The checks that need the state before the transaction, and its effects.

use std::collections::BTreeSet;

use crate::model::{
    Amount, Asset, Effect, Multisig, Nonce, Outcome, Payload, PublicKey, Rejection, Transaction,
};

/// The state that a transaction sees, with the effects of all transactions before it.
///
/// Reading may load, hence `&mut`; it may fail, and a failure is never a rejection.
pub trait StateView {
    /// The reason why the state could not be read.
    type Error;

    /// Returns the account's nonce; `None` if it is not registered.
    ///
    /// # Errors
    ///
    /// [`StateView::Error`] if the state cannot be read.
    fn nonce(&mut self, account: PublicKey) -> Result<Option<Nonce>, Self::Error>;

    /// Returns the account's multisig, if it has one.
    ///
    /// # Errors
    ///
    /// [`StateView::Error`] if the state cannot be read.
    fn multisig(&mut self, account: PublicKey) -> Result<Option<Multisig>, Self::Error>;

    /// Returns the account's balance in the asset.
    ///
    /// # Errors
    ///
    /// [`StateView::Error`] if the state cannot be read.
    fn balance(&mut self, account: PublicKey, asset: Asset) -> Result<Amount, Self::Error>;
}

/// Returns the outcome of a transaction that passed the stateless checks, on this state: everything is
/// checked here, nothing is written. The caller writes the effects of an applied one, all or none.
///
/// Source: "The rules of the ledger", stateful checks. Costs one read of nonce and multisig and one
/// of each asset taken, and sorts the withdrawals and credits.
///
/// # Errors
///
/// [`StateView::Error`] if the state cannot be read; then nothing is known about the transaction.
pub fn transition<V: StateView>(
    transaction: &Transaction,
    state: &mut V,
) -> Result<Outcome, V::Error> {
    let source = transaction.source;
    let nonce = state.nonce(source)?.unwrap_or_default();
    let next = match check_nonce(transaction, nonce) {
        Ok(next) => next,
        Err(rejection) => return Ok(Outcome::Rejected(rejection)),
    };
    if let Some(multisig) = state.multisig(source)?
        && let Err(rejection) = check_multisig(transaction, &multisig)
    {
        return Ok(Outcome::Rejected(rejection));
    }

    let withdrawals = withdrawals(transaction);
    for of_one_asset in withdrawals.chunk_by(|a, b| a.asset == b.asset) {
        let asset = of_one_asset[0].asset;
        let Some(needed) = sum(of_one_asset) else {
            return Ok(Outcome::Rejected(Rejection::SumOverflow { asset }));
        };
        let available = state.balance(source, asset)?;
        if available < needed {
            return Ok(Outcome::Rejected(Rejection::Balance {
                asset,
                needed,
                available,
            }));
        }
    }

    Ok(Outcome::Applied {
        fee: transaction.fee,
        effects: effects(transaction, next, &withdrawals),
    })
}

fn check_nonce(transaction: &Transaction, expected: Nonce) -> Result<Nonce, Rejection> {
    if transaction.nonce != expected {
        return Err(Rejection::Nonce {
            expected,
            got: transaction.nonce,
        });
    }
    expected.next().ok_or(Rejection::NonceExhausted)
}

fn check_multisig(transaction: &Transaction, multisig: &Multisig) -> Result<(), Rejection> {
    let signers: BTreeSet<PublicKey> = transaction
        .cosignatures
        .iter()
        .map(|cosignature| cosignature.signer)
        .collect();
    let signed = multisig
        .participants
        .iter()
        .filter(|participant| signers.contains(participant))
        .count();
    if signed < usize::from(multisig.threshold) {
        return Err(Rejection::Multisig {
            needed: multisig.threshold,
            got: u8::try_from(signed).expect("fewer signed than a threshold of 8 bits"),
        });
    }
    Ok(())
}

/// An amount that a transaction takes from its source, and its destination.
struct Withdrawal {
    asset: Asset,
    /// `None` for the fee and for a burn.
    destination: Option<PublicKey>,
    amount: Amount,
}

/// Returns all withdrawals of a transaction, by asset, then by destination.
fn withdrawals(transaction: &Transaction) -> Vec<Withdrawal> {
    let most = match &transaction.payload {
        Payload::Transfers(transfers) => 1 + transfers.len(),
        Payload::Burn { .. } => 2,
        Payload::Multisig(_) => 1,
    };
    let mut withdrawals = Vec::with_capacity(most);
    if !transaction.fee.is_zero() {
        withdrawals.push(Withdrawal {
            asset: Asset::NATIVE,
            destination: None,
            amount: transaction.fee,
        });
    }
    match &transaction.payload {
        Payload::Transfers(transfers) => {
            withdrawals.extend(transfers.iter().map(|transfer| Withdrawal {
                asset: transfer.asset,
                destination: Some(transfer.destination),
                amount: transfer.amount,
            }));
        }
        Payload::Burn { asset, amount } => withdrawals.push(Withdrawal {
            asset: *asset,
            destination: None,
            amount: *amount,
        }),
        Payload::Multisig(_) => {}
    }
    withdrawals.sort_by_key(|one| (one.asset, one.destination));
    withdrawals
}

fn sum<'t>(withdrawals: impl IntoIterator<Item = &'t Withdrawal>) -> Option<Amount> {
    withdrawals
        .into_iter()
        .try_fold(Amount::ZERO, |sum, one| sum.checked_add(one.amount))
}

/// Returns the effects of a transaction that passed every check, in the order of [`Effect`].
fn effects(transaction: &Transaction, next: Nonce, withdrawals: &[Withdrawal]) -> Vec<Effect> {
    const PART: &str = "a part of a sum that fits, fits";
    let account = transaction.source;
    // Room for a fee and a transfer of any two assets; a longer list may grow.
    let mut effects = Vec::with_capacity(2 + withdrawals.len());
    effects.push(Effect::Nonce { account, to: next });
    if let Payload::Multisig(multisig) = &transaction.payload {
        effects.push(Effect::Multisig {
            account,
            to: Some(multisig.clone()).filter(|multisig| !multisig.participants.is_empty()),
        });
    }
    for of_one_asset in withdrawals.chunk_by(|a, b| a.asset == b.asset) {
        let leaving = of_one_asset
            .iter()
            .filter(|one| one.destination != Some(account));
        let amount = sum(leaving).expect(PART);
        if !amount.is_zero() {
            effects.push(Effect::Debit {
                account,
                asset: of_one_asset[0].asset,
                amount,
            });
        }
    }
    let first_credit = effects.len();
    for to_one in withdrawals.chunk_by(|a, b| (a.asset, a.destination) == (b.asset, b.destination))
    {
        if let Some(destination) = to_one[0].destination
            && destination != account
        {
            effects.push(Effect::Credit {
                account: destination,
                asset: to_one[0].asset,
                amount: sum(to_one).expect(PART),
            });
        }
    }
    // They were gathered by asset and are listed by account.
    effects[first_credit..].sort_unstable();
    if let Payload::Burn { asset, amount } = transaction.payload {
        effects.push(Effect::Burn { asset, amount });
    }
    effects
}
